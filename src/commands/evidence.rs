//! `optin evidence`: what proves a yes to those who do not trust the service.

mod make;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub enum Evidence {
    /// Show that somebody who is subscribed has agreed: a ZIP for a regulator's question
    Make(make::Options),
    /// Check a receipt, or a ZIP of evidence; with --trail, find what the person did later
    Verify(Box<verify::Options>),
}

pub async fn run(command: Evidence) -> anyhow::Result<ExitCode> {
    match command {
        Evidence::Make(options) => make::run(options).await.map(|()| ExitCode::SUCCESS),
        Evidence::Verify(options) => verify::run(*options).await,
    }
}
