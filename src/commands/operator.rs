//! `optin operator`: the persons in whose name exports are made.

use anyhow::ensure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use zeroize::Zeroizing;

use super::{config, counted};
use crate::app::App;
use crate::clock::Clock;
use crate::store::Store;

#[derive(Subcommand)]
pub enum Operator {
    /// Add an operator
    Add {
        /// Lower-case letters, digits, `.`, `_` and `-`
        name: String,
    },
    /// A token by which programs read every trail in the operator's name, entries included; it is shown once
    Token {
        /// The operator's name
        name: String,
        /// End all of the operator's tokens instead
        #[arg(long)]
        revoke: bool,
    },
}

pub async fn run(command: Operator) -> anyhow::Result<()> {
    let store = || anyhow::Ok(Store::open(config()?.database_url()?)?);
    match command {
        Operator::Add { name } => add(&store, &name).await,
        Operator::Token { name, revoke: false } => token(&store()?, &name).await,
        Operator::Token { name, revoke: true } => {
            let count = store()?.revoke_tokens(&name).await?;
            println!("{} ended", counted(count, "token", "tokens"));
            Ok(())
        }
    }
}

async fn token(store: &Store, name: &str) -> anyhow::Result<()> {
    let token = Zeroizing::new(format!("optin-{}", URL_SAFE_NO_PAD.encode(App::random::<32>())));
    let missing = "there is no such operator; `optin operator add` makes one";
    ensure!(store.add_token(&token, name, Clock::System.now()).await?, missing);
    println!("{}", *token);
    Ok(())
}

async fn add(store: &impl Fn() -> anyhow::Result<Store>, name: &str) -> anyhow::Result<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    ensure!(
        !name.is_empty() && name.len() <= 63 && name.bytes().all(good) && !name.starts_with(['.', '_', '-']),
        "an operator's name has lower-case letters, digits, `.`, `_` and `-`, 63 at most, and begins with a letter or digit"
    );
    match store()?.add_operator(name, Clock::System.now()).await? {
        true => println!("{name} is an operator"),
        false => println!("{name} is an operator already"),
    }
    Ok(())
}
