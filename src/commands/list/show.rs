//! `optin list show`: what there is.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::{find, people, store};
use crate::clock::Clock;
use crate::commands::{counted, print};
use crate::consent::list_file::ListFile;

/// Every list, a line each.
pub async fn all() -> anyhow::Result<()> {
    let store = store()?;
    let lists = store.lists().await?;
    if lists.is_empty() {
        println!(
            "There is no list yet. `optin list apply FILE.toml` makes one; examples/news.toml shows how."
        );
    }
    for list in lists {
        let title = list.title(&list.options.lang);
        let told = if list.is_closed {
            "closed".to_owned()
        } else {
            let count = store.count_people(list.number).await?;
            format!("{} active, {} pending, {} paused", count.active, count.pending, count.paused)
        };
        println!("{}\t{}\t{title}\t{told}", list.number, list.slug);
    }
    Ok(())
}

/// One list, as a file that `optin list apply` takes; what the file does not say stands before it as comments.
pub async fn one(slug: &str) -> anyhow::Result<()> {
    let store = store()?;
    let (list, notice) = find(&store, slug).await?;
    let count = store.count_people(list.number).await?;
    let mut out = String::new();
    writeln!(out, "# List {}{}", list.number, if list.is_closed { ", closed for ever" } else { "" })?;
    writeln!(
        out,
        "# Notice: version {}, purpose {}, published {}, SHA-256 {}",
        notice.version,
        notice.purpose,
        notice.published_at.strftime("%Y-%m-%d %H:%M UTC"),
        data_encoding::HEXLOWER.encode(&notice.sha256),
    )?;
    writeln!(out, "# {} active, {} pending, {} paused", people(count.active), count.pending, count.paused)?;
    if count.to_ask_again > 0 {
        writeln!(
            out,
            "# {} agreed to an earlier purpose, and may not be written to",
            people(count.to_ask_again)
        )?;
    }
    let month_ago = Clock::System.now() - SignedDuration::from_hours(24 * 30);
    let bounces = store.bounces_since(list.number, month_ago).await?;
    if bounces > 0 {
        writeln!(out, "# {} came back in the last 30 days", counted(bounces, "letter", "letters"))?;
    }
    writeln!(out, "\n{}", ListFile::of(&list, &notice).to_toml().trim_end())?;
    print(out.as_bytes())
}
