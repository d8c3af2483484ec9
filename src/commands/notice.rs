//! `optin notice`: what becomes of a list's text once it is published.

mod announce;

use clap::Subcommand;

#[derive(Subcommand)]
pub enum NoticeCommand {
    /// Tell people by mail that the text has changed, each once: those who agreed to an earlier version
    Announce(announce::Options),
}

pub async fn run(command: NoticeCommand) -> anyhow::Result<()> {
    match command {
        NoticeCommand::Announce(options) => announce::run(options).await,
    }
}
