//! `optin list apply`: declarative and repeatable. It shows what it changes, and changes nothing else.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use super::{find, people};
use crate::app::App;
use crate::clock::Clock;
use crate::commands::config;
use crate::config::Config;
use crate::consent::list::List;
use crate::consent::list_file::{Difference, ListFile};
use crate::consent::notice::Notice;
use crate::store::{NextNotice, Store};
use crate::templates::Templates;

#[derive(clap::Args)]
pub struct Options {
    /// The list's file
    file: PathBuf,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Where the notice's text differs: the wording is corrected, and everybody's consent stands
    #[arg(long, conflicts_with = "new_purpose")]
    correction: bool,
    /// Where the notice's text differs: the purpose is another, and nobody is written to before agreeing anew
    #[arg(long)]
    new_purpose: bool,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let file = read(&options.file, &config)?;
    let store = Store::open(config.database_url()?)?;
    if store.find_list(&file.slug).await?.is_none() {
        return create(&store, file, options.dry_run).await;
    }
    change(&store, file, &options).await
}

/// Reads and checks the file; all that is wrong is told at once.
fn read(path: &Path, config: &Config) -> anyhow::Result<ListFile> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let controller = config.controller()?;
    let templates = Templates::load(config.templates_dir().map(PathBuf::as_path), controller)?;
    let file = ListFile::parse(&text, &templates.words().codes()).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
        anyhow::anyhow!("{} is not yet as it should be:{}", path.display(), faults.concat())
    })?;
    if let Some(fault) = file.fault_beside(&controller.mail) {
        bail!("{fault}");
    }
    Ok(file)
}

async fn create(store: &Store, file: ListFile, dry_run: bool) -> anyhow::Result<()> {
    if dry_run {
        println!(
            "The list `{}` would be made, with version 1 of its notice. Nothing has been changed.",
            file.slug
        );
        return Ok(());
    }
    let made =
        store.create_list(&file.slug, &file.options, file.texts, Clock::System.now(), App::random()).await?;
    let number =
        made.context("somebody else has just made this list; run the command again to see what differs")?;
    println!("The list `{}` is made, with number {number} and version 1 of its notice.", file.slug);
    Ok(())
}

async fn change(store: &Store, file: ListFile, options: &Options) -> anyhow::Result<()> {
    let (list, notice) = find(store, &file.slug).await?;
    ensure!(!list.is_closed, "the list `{}` is closed for ever; take another slug", list.slug);
    let differences = file.differences(&ListFile::of(&list, &notice));
    if differences.is_empty() {
        println!("The list `{}` is as the file says. Nothing has been changed.", list.slug);
        return Ok(());
    }
    differences.iter().for_each(show);
    let notice_differs = file.texts != *notice.texts();
    let next = if notice_differs {
        let active = store.count_people(list.number).await?;
        let agreed = active.active - active.to_ask_again;
        announce(&notice, agreed, options);
        let Some(new_purpose) = is_new_purpose(options)? else { return Ok(()) };
        Some(NextNotice { texts: file.texts, new_purpose })
    } else {
        None
    };
    if options.dry_run {
        println!("Nothing has been changed.");
        return Ok(());
    }
    let version = notice.version + u32::from(notice_differs);
    let changed =
        store.change_list(&list, &notice, &file.options, next, Clock::System.now(), App::random()).await?;
    ensure!(changed, "somebody else has just changed this list; run the command again to see what differs");
    println!("The list `{}` is changed; its notice has version {version}.", list.slug);
    if notice_differs {
        tell_what_follows(store, &list).await?;
    }
    Ok(())
}

/// Whom the new text concerns, and how they hear of it.
async fn tell_what_follows(store: &Store, list: &List) -> anyhow::Result<()> {
    match store.count_people(list.number).await?.to_ask_again {
        0 => {}
        1 => println!("1 person is off exports until they agree to it."),
        many => println!("{} are off exports until they agree to it.", people(many)),
    }
    match store.count_unannounced(list.number).await? {
        0 => {}
        owed => println!("`optin notice announce {}` tells {} of it by mail.", list.slug, people(owed)),
    }
    Ok(())
}

fn show(difference: &Difference) {
    println!("{}", difference.at);
    for (sign, value) in [('-', &difference.old), ('+', &difference.new)] {
        if let Some(value) = value {
            println!("  {sign} {}", value.replace('\n', "\n    "));
        }
    }
}

fn announce(notice: &Notice, agreed: i64, options: &Options) {
    println!(
        "The notice's text differs, so version {} is published. {} agreed to the text as it is.",
        notice.version + 1,
        people(agreed),
    );
    if options.new_purpose {
        println!(
            "It is a new purpose: none of them is on an export before they have agreed to the new text."
        );
    }
}

/// What the flags say, else what whoever sits at the terminal says; `None` where a dry run need not know.
fn is_new_purpose(options: &Options) -> anyhow::Result<Option<bool>> {
    const ASK: &str = "say --correction if the wording is corrected and everybody's consent stands, or --new-purpose if \
                       everybody has to agree again";
    if options.correction || options.new_purpose {
        return Ok(Some(options.new_purpose));
    }
    if options.dry_run {
        println!("When you apply it, {ASK}. Nothing has been changed.");
        return Ok(None);
    }
    if !io::stdin().is_terminal() {
        bail!("the notice's text differs: {ASK}");
    }
    loop {
        print!(
            "With a [c]orrection of the wording everybody's consent stands; a new [p]urpose takes everybody off exports \
             until they agree anew. Which is it? "
        );
        io::stdout().flush()?;
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer)? == 0 {
            bail!("nothing has been changed: {ASK}");
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "c" | "correction" => return Ok(Some(false)),
            "p" | "purpose" => return Ok(Some(true)),
            _ => {}
        }
    }
}
