//! `optin trail`: checks a list's trail, and keeps a copy of it.

mod database;
pub(super) mod fault;
pub(super) mod folder;
mod mirror;
mod replay;
mod rows;
pub(super) mod source;
pub(super) mod tree;
mod verify;
pub(super) mod walk;
pub(super) mod web;

use std::process::ExitCode;

use clap::Subcommand;

use super::counted;
use crate::trail::note::Verifier;

#[derive(Subcommand)]
pub enum Trail {
    /// Check a trail: signatures, hashes, entries, and whether what they say adds up
    Verify(verify::Options),
    /// Keep a copy of a trail in a folder that any web server can serve, and check all that is new first
    Mirror(mirror::Options),
    /// Bring a restored database up to a mirror, so that nobody who left since comes back
    Replay(replay::Options),
}

pub async fn run(command: Trail) -> anyhow::Result<ExitCode> {
    match command {
        Trail::Verify(options) => verify::run(options).await,
        Trail::Mirror(options) => mirror::run(options).await.map(|()| ExitCode::SUCCESS),
        Trail::Replay(options) => replay::run(options).await.map(|()| ExitCode::SUCCESS),
    }
}

/// A key as `--key` takes it.
pub(super) fn key(text: &str) -> Result<Verifier, String> {
    Verifier::parse(text.trim()).map_err(|_| "it is name+id+key, as a trail's `key` shows it".into())
}

/// How far hours may run backwards: the clocks of several services differ a little.
pub(super) const SKEW_HOURS: u32 = 1;

pub(super) fn entries(count: u64) -> String {
    counted(count, "entry", "entries")
}
