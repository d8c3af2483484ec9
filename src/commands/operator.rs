//! `optin operator`: the persons in whose name exports are made.

use anyhow::ensure;
use clap::Subcommand;

use super::config;
use crate::clock::Clock;
use crate::store::Store;

#[derive(Subcommand)]
pub enum Operator {
    /// Add an operator
    Add {
        /// Lower-case letters, digits, `.`, `_` and `-`
        name: String,
    },
}

pub async fn run(command: Operator) -> anyhow::Result<()> {
    let Operator::Add { name } = command;
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    ensure!(
        !name.is_empty() && name.len() <= 63 && name.bytes().all(good) && !name.starts_with(['.', '_', '-']),
        "an operator's name has lower-case letters, digits, `.`, `_` and `-`, 63 at most, and begins with a letter or digit"
    );
    let store = Store::open(config()?.database_url()?)?;
    match store.add_operator(&name, Clock::System.now()).await? {
        true => println!("{name} is an operator"),
        false => println!("{name} is an operator already"),
    }
    Ok(())
}
