//! The command line: one match.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;
use optin::commands::{self, Command, wrong_usage};

/// Newsletter double opt-in: asks twice, keeps the proof, forgets whoever leaves.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Optin {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // Where, never what: a panic's text may quote what it was given.
        let place = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
        eprintln!("optin: internal error{place}");
    }));
    let asked = match Optin::try_parse() {
        Ok(asked) => asked,
        Err(fault) => {
            let command = std::env::args_os().nth(1);
            return wrong_usage(command.as_deref().and_then(OsStr::to_str), &fault);
        }
    };
    match commands::run(asked.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("optin: {error:#}");
            ExitCode::FAILURE
        }
    }
}
