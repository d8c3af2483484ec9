//! What a terminal asks for. Exit codes: 0 done, 1 refused or failed with one line that says what to do, 2 wrong
//! usage.

mod check_mail;
mod completions;
pub mod dev;
mod evidence;
mod export;
mod https;
mod inbound;
mod keys;
mod list;
mod notice;
mod operator;
mod serve;
mod service;
mod trail;
mod webhook;
mod whole_file;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Config;
use crate::consent::figures::grouped;
use crate::store::migrate::{migrate, migrations};

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, and it lives as long as the program")]
pub enum Command {
    /// Try it: a private PostgreSQL, a demonstration list, and an inbox for its letters
    Dev(dev::Options),
    /// Run the service
    Serve(serve::Options),
    /// Bring the database up to date
    Migrate,
    /// Write the people who said yes, each row with its unsubscribe link
    Export(export::Options),
    /// Take one mail on standard input, for a mail server that hands mail to programs (exit codes of sysexits.h)
    Inbound(inbound::Options),
    /// Check a sample of a newsletter: whether whoever gets it can leave it
    CheckMail(check_mail::Options),
    /// Make a key ring
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Lists: one file each
    #[command(subcommand)]
    List(list::ListCommand),
    /// Notices: tell people of a new one
    #[command(subcommand)]
    Notice(notice::NoticeCommand),
    /// Operators: the persons in whose name exports are made
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Trails: check one, keep a copy of it, or bring a restored database up to one
    #[command(subcommand)]
    Trail(Box<trail::Trail>),
    /// Webhooks: have a URL called whenever a list's feed has news
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Evidence: show a consent, check a receipt, and find what came later
    #[command(subcommand)]
    Evidence(Box<evidence::Evidence>),
    /// Print a script that completes these commands in a shell
    Completions(completions::Options),
}

/// What is said where arguments were not understood, or help was asked for. Mail servers know another exit code, and pass
/// on what is said: to them it repeats no address.
pub fn wrong_usage(command: Option<&str>, fault: &clap::Error) -> ExitCode {
    if command == Some("inbound") && fault.use_stderr() {
        eprintln!("optin: inbound wants --from=SENDER --to=RECIPIENT; optin inbound --help tells more");
        return inbound::EX_USAGE.into();
    }
    // Only to an output that nobody reads any more.
    _ = fault.print();
    if fault.use_stderr() { 2.into() } else { ExitCode::SUCCESS }
}

/// Does what was asked.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    // Fails only where one is installed already, which does as well.
    _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().context("the runtime does not start")?;
    runtime.block_on(async {
        match command {
            Command::Trail(command) => return trail::run(*command).await,
            Command::Evidence(command) => return evidence::run(*command).await,
            Command::Inbound(options) => return Ok(inbound::run(options).await),
            Command::CheckMail(options) => return check_mail::run(options).await,
            Command::Dev(options) => dev::run(options).await,
            Command::Serve(options) => serve::run(options).await,
            Command::Migrate => apply_migrations().await,
            Command::Export(options) => export::run(options).await,
            Command::Keys(command) => keys::run(command),
            Command::List(command) => list::run(command).await,
            Command::Notice(command) => notice::run(command).await,
            Command::Operator(command) => operator::run(command).await,
            Command::Webhook(command) => webhook::run(command).await,
            Command::Completions(options) => completions::run(options),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn apply_migrations() -> anyhow::Result<()> {
    let applied = migrate(config()?.database_url()?, &migrations()).await?;
    println!("{} applied; the database is up to date", counted(applied as u64, "migration", "migrations"));
    Ok(())
}

/// Writes to standard output. Whoever reads no further, as `head` does, has what they want.
fn print(text: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// `1 row`, `2 rows`.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn config() -> anyhow::Result<Config> {
    Ok(Config::load(|name| std::env::var(name).ok())?)
}

/// Logs go to standard error, as lines for people on a terminal and as JSON elsewhere; `OPTIN_LOG` says how much.
fn log(default: Level) -> anyhow::Result<()> {
    let level = match std::env::var("OPTIN_LOG") {
        Err(_) => default,
        Ok(text) => text.parse().ok().context("OPTIN_LOG is one of error, warn, info, debug, trace")?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = if io::stderr().is_terminal() { lines.boxed() } else { lines.json().boxed() };
    tracing_subscriber::registry().with(lines.with_filter(filter(level))).init();
    Ok(())
}

/// What is logged at a level. It is our own code's alone: libraries log what they were given, paths and parameters,
/// below warnings (cp-7).
pub fn filter(level: Level) -> Targets {
    Targets::new().with_default(Level::WARN).with_target("optin", level)
}
