//! `optin list`: set a list up from its file, show it, end it.

mod apply;
mod close;
mod show;

use anyhow::Context as _;
use clap::Subcommand;

use super::{config, grouped};
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::store::Store;

#[derive(Subcommand)]
pub enum ListCommand {
    /// Set a list up, or change it, as its file says; `examples/news.toml` explains every option
    Apply(apply::Options),
    /// All lists, or one as a file that `apply` takes
    Show {
        /// The list's slug
        slug: Option<String>,
    },
    /// End a list: erase everybody on it. Nobody is told
    Close(close::Options),
}

pub async fn run(command: ListCommand) -> anyhow::Result<()> {
    match command {
        ListCommand::Apply(options) => apply::run(options).await,
        ListCommand::Show { slug: None } => show::all().await,
        ListCommand::Show { slug: Some(slug) } => show::one(&slug).await,
        ListCommand::Close(options) => close::run(options).await,
    }
}

fn store() -> anyhow::Result<Store> {
    Ok(Store::open(config()?.database_url()?)?)
}

pub(super) async fn find(store: &Store, slug: &str) -> anyhow::Result<(List, Notice)> {
    let missing = || format!("there is no list `{slug}`; `optin list show` tells which there are");
    store.find_list(slug).await?.with_context(missing)
}

/// `1 person`, `1,204 people`.
pub(super) fn people(count: i64) -> String {
    format!("{} {}", grouped(count.unsigned_abs()), if count == 1 { "person" } else { "people" })
}
