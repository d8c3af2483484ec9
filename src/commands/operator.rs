//! `optin operator`: the persons in whose name exports are made.

use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::{config, counted};
use crate::app::App;
use crate::clock::Clock;
use crate::consent::operator::{EVERY_LIST, Right, Role, is_name};
use crate::store::Store;
use crate::store::access::Access;
use crate::store::operators::NewToken;
use crate::web::desk::invitation;

const MISSING: &str = "there is no such operator; `optin operator add` makes one";

#[derive(Subcommand)]
pub enum Operator {
    /// Add an operator, or give one a role
    Add {
        /// Lower-case letters, digits, `.`, `_` and `-`
        name: String,
        /// What they may do: `admin` everything, `marketer` export, `auditor` look. A new one is a marketer unless this
        /// says otherwise; one that there is stays what they are
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// The slug of the list on which they may; on every list otherwise
        #[arg(long)]
        list: Option<String>,
    },
    /// Take back what an operator may on a list
    Revoke {
        /// The operator's name
        name: String,
        /// The list's slug; what they may on every list otherwise
        #[arg(long)]
        list: Option<String>,
    },
    /// Remove an operator, with sessions and tokens; what they did stays on record
    Remove {
        /// The operator's name
        name: String,
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

/// In whose name what is done here stands on record: whoever can reach the settings is nobody's operator.
const TERMINAL: &str = "(terminal)";

pub async fn run(command: Operator) -> anyhow::Result<()> {
    let config = config()?;
    let store = Store::open(config.database_url()?)?;
    match command {
        Operator::Add { name, role, list } => add(&store, &name, role, list.as_deref()).await,
        Operator::Revoke { name, list } => {
            let list = number_of(&store, list.as_deref()).await?;
            record(&store, Access::Operators).await?;
            ensure!(store.revoke(&name, list).await?, "there was nothing to take back");
            println!("{name} is that no more");
            Ok(())
        }
        Operator::Remove { name } => {
            record(&store, Access::Operators).await?;
            ensure!(store.remove_operator(&name).await?, MISSING);
            println!("{name} is no operator any more");
            Ok(())
        }
        Operator::Invite { name } => {
            record(&store, Access::Operators).await?;
            let url = config.desk_url()?.map_or_else(|| config.public_url(), Ok)?;
            let secret = App::secret();
            ensure!(store.invite(&secret, &name, Clock::System.now()).await?, MISSING);
            println!("{}", invitation(&url, &secret));
            Ok(())
        }
        Operator::Token { name, revoke: true, .. } => {
            record(&store, Access::Token).await?;
            let count = store.revoke_tokens(&name).await?;
            println!("{} ended", counted(count, "token", "tokens"));
            Ok(())
        }
        Operator::Token { name, rights, lists, days, .. } => {
            token(&store, &name, &rights, &lists, days).await
        }
    }
}

async fn record(store: &Store, access: Access) -> anyhow::Result<()> {
    Ok(store.record_access(EVERY_LIST, TERMINAL, access, Clock::System.now()).await?)
}

async fn token(
    store: &Store,
    operator: &str,
    rights: &[Right],
    lists: &[String],
    days: u16,
) -> anyhow::Result<()> {
    let no_door = rights.iter().find(|right| !Right::OF_PROGRAMS.contains(right));
    if let Some(right) = no_door {
        bail!("no program can have the right `{}`: that is done at the desk", right.name());
    }
    let mut numbers = Vec::new();
    for slug in lists {
        numbers.push(number_of(store, Some(slug)).await?);
    }
    let now = Clock::System.now();
    let token = Zeroizing::new(App::access_token());
    let new = NewToken {
        name: "terminal",
        rights,
        lists: (!numbers.is_empty()).then_some(&numbers),
        expires_at: now + SignedDuration::from_hours(24 * i64::from(days)),
    };
    record(store, Access::Token).await?;
    ensure!(store.add_token(&token, operator, &new, now).await?, MISSING);
    println!("{}", *token);
    Ok(())
}

async fn add(store: &Store, name: &str, role: Option<Role>, list: Option<&str>) -> anyhow::Result<()> {
    ensure!(
        is_name(name),
        "an operator's name has lower-case letters, digits, `.`, `_` and `-`, 63 at most, and begins with a letter or digit"
    );
    let number = number_of(store, list).await?;
    record(store, Access::Operators).await?;
    let is_new = store.add_operator_without_role(name, None, Clock::System.now()).await?;
    let role = role.or(is_new.then_some(Role::Marketer));
    if let Some(role) = role {
        store.grant(name, number, role).await?;
    }
    let what = role.map(|role| format!(": {} on {}", role.name(), list.unwrap_or("every list")));
    println!("{name} is an operator{}{}", if is_new { "" } else { " already" }, what.unwrap_or_default());
    Ok(())
}

async fn number_of(store: &Store, slug: Option<&str>) -> anyhow::Result<u32> {
    let Some(slug) = slug else { return Ok(EVERY_LIST) };
    let found = store.find_list(slug).await?;
    let (list, _) = found.with_context(|| format!("there is no list `{slug}`"))?;
    Ok(list.number)
}
