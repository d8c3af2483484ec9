//! `optin inbound`: one mail on standard input, for mail servers that hand mail to programs. Exit codes are those of
//! sysexits.h, which such servers understand.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use tokio::io::AsyncReadExt as _;
use tracing::Level;

use super::{config, log};
use crate::app::App;
use crate::chores::replies;
use crate::clock::Clock;
use crate::journeys::inbound_mail::{MAIL_BYTES, Mail, receive};
use crate::store::migrate::{check, migrations};

/// The arguments were wrong.
pub const EX_USAGE: u8 = 64;
/// The mail is too large.
const EX_DATAERR: u8 = 65;
/// The address is none of ours.
const EX_NOUSER: u8 = 67;
/// Something is wrong here: try again later.
const EX_TEMPFAIL: u8 = 75;

#[derive(clap::Args)]
pub struct Options {
    /// The envelope's sender; empty, or MAILER-DAEMON, for none
    #[arg(long, allow_hyphen_values = true)]
    from: String,
    /// The envelope's recipient
    #[arg(long, allow_hyphen_values = true)]
    to: String,
}

/// Whatever is wrong on our side is no reason to lose the mail.
pub async fn run(options: Options) -> ExitCode {
    let code = match AssertUnwindSafe(take(options)).catch_unwind().await {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("optin: {error:#}");
            EX_TEMPFAIL
        }
        // The hook of panics has told where.
        Err(_) => EX_TEMPFAIL,
    };
    ExitCode::from(code)
}

async fn take(options: Options) -> anyhow::Result<u8> {
    log(Level::WARN)?;
    let config = config()?;
    let app = App::new(&config, Clock::System, None)?;
    let mut bytes = Vec::new();
    let mut mail = tokio::io::stdin().take(MAIL_BYTES as u64 + 1);
    mail.read_to_end(&mut bytes).await.context("standard input cannot be read")?;
    if bytes.len() > MAIL_BYTES {
        eprintln!("optin: the mail has more than {MAIL_BYTES} bytes");
        return Ok(EX_DATAERR);
    }
    check(config.database_url()?, &migrations()).await?;
    app.store.check_ring(&app.keys).await?;
    let from = if options.from.eq_ignore_ascii_case("mailer-daemon") { "" } else { options.from.as_str() };
    let Some(received) = receive(&app, Mail { from, to: &options.to, bytes: bytes.into() }).await? else {
        eprintln!("optin: no such mailbox");
        return Ok(EX_NOUSER);
    };
    if let Some(reply) = received.reply {
        let mut line = app.mailer.line();
        replies::send(&mut line, &reply).await;
        line.close().await;
    }
    Ok(0)
}
