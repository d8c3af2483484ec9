//! What a terminal asks for. Exit codes: 0 done, 1 refused or failed with one line that says what to do, 2 wrong
//! usage.

pub mod dev;
mod export;
mod keys;
mod operator;
mod serve;
mod service;

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use clap::Subcommand;

use crate::config::Config;
use crate::store::migrate::{migrate, migrations};

#[derive(Subcommand)]
pub enum Command {
    /// Try it: a private PostgreSQL, a demonstration list, and an inbox for its letters
    Dev(dev::Options),
    /// Run the service
    Serve(serve::Options),
    /// Bring the database up to date
    Migrate,
    /// Write the people who said yes, each row with its unsubscribe link
    Export(export::Options),
    /// Make a key ring
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Operators: the persons in whose name exports are made
    #[command(subcommand)]
    Operator(operator::Operator),
}

/// Does what was asked.
pub fn run(command: Command) -> anyhow::Result<()> {
    // Fails only where one is installed already, which does as well.
    _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().context("the runtime does not start")?;
    runtime.block_on(async {
        match command {
            Command::Dev(options) => dev::run(options).await,
            Command::Serve(options) => serve::run(options).await,
            Command::Migrate => apply_migrations().await,
            Command::Export(options) => export::run(options).await,
            Command::Keys(command) => keys::run(command),
            Command::Operator(command) => operator::run(command).await,
        }
    })
}

async fn apply_migrations() -> anyhow::Result<()> {
    let applied = migrate(config()?.database_url()?, &migrations()).await?;
    println!("{applied} migrations applied; the database is up to date");
    Ok(())
}

fn config() -> anyhow::Result<Config> {
    Ok(Config::load(|name| std::env::var(name).ok())?)
}

/// Logs go to standard error, as lines for people on a terminal and as JSON elsewhere; `OPTIN_LOG` says how much.
fn log(default: &str) {
    let filter = std::env::var("OPTIN_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| default.into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if io::stderr().is_terminal() { builder.init() } else { builder.json().init() }
}
