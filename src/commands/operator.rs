//! `optin operator`: the persons in whose name exports are made.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::{config, counted};
use crate::app::App;
use crate::clock::Clock;
use crate::consent::operator::{EVERY_LIST, Right, Role, is_name};
use crate::store::Store;
use crate::store::operators::NewToken;

const MISSING: &str = "there is no such operator; `optin operator add` makes one";

#[derive(Subcommand)]
pub enum Operator {
    /// Add an operator, or give one a role
    Add {
        /// Lower-case letters, digits, `.`, `_` and `-`
        name: String,
        /// What they may do: `admin` everything, `marketer` export, `auditor` look
        #[arg(long, value_enum, default_value = "marketer")]
        role: Role,
        /// The slug of the list on which they may; on every list otherwise
        #[arg(long)]
        list: Option<String>,
    },
    /// A link by which an operator sets a password for the desk, once, within three days
    Invite {
        /// The operator's name
        name: String,
    },
    /// A token by which programs act in the operator's name; it is shown once
    Token {
        /// The operator's name
        name: String,
        /// What it is for: never more than the operator may
        #[arg(long = "may", value_enum, value_delimiter = ',', default_value = "trail")]
        rights: Vec<Right>,
        /// The slugs of the lists that it is for; all of the operator's otherwise
        #[arg(long = "list", value_delimiter = ',')]
        lists: Vec<String>,
        /// After how many days it expires
        #[arg(long, default_value = "365", value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
        /// End all of the operator's tokens instead
        #[arg(long)]
        revoke: bool,
    },
}

pub async fn run(command: Operator) -> anyhow::Result<()> {
    let store = || anyhow::Ok(Store::open(config()?.database_url()?)?);
    match command {
        Operator::Add { name, role, list } => {
            check_name(&name)?;
            add(&store()?, &name, role, list.as_deref()).await
        }
        Operator::Invite { name } => {
            let config = config()?;
            let public_url = config.public_url()?;
            let store = Store::open(config.database_url()?)?;
            println!("{}", invitation(&store, &public_url, &name).await?);
            Ok(())
        }
        Operator::Token { name, revoke: true, .. } => {
            let count = store()?.revoke_tokens(&name).await?;
            println!("{} ended", counted(count, "token", "tokens"));
            Ok(())
        }
        Operator::Token { name, rights, lists, days, .. } => {
            token(&store()?, &name, &rights, &lists, days).await
        }
    }
}

/// A new link by which an operator sets a password.
pub async fn invitation(store: &Store, public_url: &str, name: &str) -> anyhow::Result<String> {
    let secret = URL_SAFE_NO_PAD.encode(App::random::<32>());
    ensure!(store.invite(&secret, name, Clock::System.now()).await?, MISSING);
    Ok(format!("{public_url}/desk/join/{secret}"))
}

async fn token(
    store: &Store,
    operator: &str,
    rights: &[Right],
    lists: &[String],
    days: u16,
) -> anyhow::Result<()> {
    let mut numbers = Vec::new();
    for slug in lists {
        numbers.push(number_of(store, slug).await?);
    }
    let now = Clock::System.now();
    let token = Zeroizing::new(format!("optin-{}", URL_SAFE_NO_PAD.encode(App::random::<32>())));
    let new = NewToken {
        name: "terminal",
        rights,
        lists: (!numbers.is_empty()).then_some(&numbers),
        expires_at: now + SignedDuration::from_hours(24 * i64::from(days)),
    };
    ensure!(store.add_token(&token, operator, &new, now).await?, MISSING);
    println!("{}", *token);
    Ok(())
}

async fn add(store: &Store, name: &str, role: Role, list: Option<&str>) -> anyhow::Result<()> {
    let number = match list {
        Some(slug) => number_of(store, slug).await?,
        None => EVERY_LIST,
    };
    let is_new = store.add_operator_without_role(name, None, Clock::System.now()).await?;
    store.grant(name, number, role).await?;
    println!("{name} is an operator{}", if is_new { "" } else { " already" });
    Ok(())
}

async fn number_of(store: &Store, slug: &str) -> anyhow::Result<u32> {
    let found = store.find_list(slug).await?;
    let (list, _) = found.with_context(|| format!("there is no list `{slug}`"))?;
    Ok(list.number)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    ensure!(
        is_name(name),
        "an operator's name has lower-case letters, digits, `.`, `_` and `-`, 63 at most, and begins with a letter or digit"
    );
    Ok(())
}
