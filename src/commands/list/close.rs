//! `optin list close`: the end of a list. Everybody on it is erased; nobody is told.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{bail, ensure};

use super::{find, people};
use crate::app::{key_ring, open_store};
use crate::chores::sealer;
use crate::chores::sweeper::empty_closed_lists;
use crate::clock::Clock;
use crate::commands::config;
use crate::links::Links;
use crate::store::{Count, StoreError};

#[derive(clap::Args)]
pub struct Options {
    /// The list's slug
    slug: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let keys = key_ring(&config)?;
    let store = open_store(&config, &keys)?;
    let links = Links::new(config.public_url()?, &keys);
    store.compare_ring(&keys).await?;
    let (list, _) = find(&store, &options.slug).await?;
    ensure!(!store.is_held(list.number).await?, StoreError::Held);
    if !list.is_closed {
        let Count { pending, active, paused, .. } = store.count_people(list.number).await?;
        println!(
            "Closing `{}` erases everything about {} on it. Nobody is told, and it cannot be undone.",
            list.slug,
            people(pending + active + paused),
        );
        agree(&options)?;
        store.close_list(list.number, Clock::System.now()).await?;
    }
    // One that was closed before may have been interrupted, or have met a signup under way.
    let erased = empty_closed_lists(&store, Clock::System.now()).await?;
    sealer::seal_all(&store, &keys, &links, Clock::System.now()).await?;
    println!(
        "The list `{}` is closed; {} erased. Its last checkpoint is signed and public, its notices and its trail stay \
         readable, and its slug is never used again.",
        list.slug,
        people(erased as i64),
    );
    Ok(())
}

fn agree(options: &Options) -> anyhow::Result<()> {
    if options.yes {
        return Ok(());
    }
    ensure!(io::stdin().is_terminal(), "say --yes to close the list `{}`", options.slug);
    print!("Type the list's slug to close it: ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() != options.slug {
        bail!("that was not the slug; nothing has been changed");
    }
    Ok(())
}
