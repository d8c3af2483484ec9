//! `optin keys`: the key ring.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use zeroize::Zeroizing;

use crate::app::App;
use crate::keys::KeyRing;

#[derive(Subcommand)]
pub enum Keys {
    /// Make a new key ring, readable by you alone; refuses to touch a file that exists
    New {
        /// Where to write it
        file: PathBuf,
    },
}

pub fn run(command: Keys) -> anyhow::Result<()> {
    match command {
        Keys::New { file } => {
            write_new(&file)?;
            println!(
                "A new key ring is in {}. Copy it to a safe place: without it, no address can be read.",
                file.display()
            );
            Ok(())
        }
    }
}

/// Writes a fresh ring to a file that does not exist yet.
pub fn write_new(file: &Path) -> anyhow::Result<()> {
    let ring = KeyRing::generate(Zeroizing::new(App::random()));
    let mut open = OpenOptions::new();
    open.write(true).create_new(true).mode(0o600);
    let mut out = match open.open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already and is left alone", file.display())
        }
        opened => opened.with_context(|| format!("{} cannot be made", file.display()))?,
    };
    out.write_all(ring.to_toml().as_bytes())
        .and_then(|()| out.sync_all())
        .context("the key ring cannot be written")
}
