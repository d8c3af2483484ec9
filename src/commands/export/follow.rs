//! `optin export --follow`: a folder whose file is always whole, and holds within seconds who may be written to.
//!
//! A full export at first, and then what the list's feed tells. Changes are gathered, and the file is written anew when
//! writing it takes a small part of the time: a small one within a second or two, one of a million rows about once a
//! minute. The cursor is noted after the file; killed between both, or anywhere, the next run is told again what the file
//! may hold already, which changes nothing.

mod file;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Options, progress, write};
use crate::app::row::Row;
use crate::commands::counted;
use crate::commands::service::shutdown_signal;
use crate::commands::whole_file::WholeFile;
use crate::consent::list::List;
use crate::consent::operator::Right;
use crate::journeys::api::feed::{Feed, FeedError};
use crate::journeys::export::{Export, ExportError, Format};
use crate::store::StoreError;
use crate::store::feed::{FeedCursor, Place, Reader};

/// How often to look for news.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait for a database that does not answer, or a list that is held.
const AGAIN: Duration = Duration::from_secs(5);
/// Writing takes one part of so many of the time.
const RESTS: u32 = 20;
/// References in one page; and how many changes wait for the file at most.
const PAGE: u32 = 10_000;
const WAITING: usize = 100_000;

/// What the folder says of its file, in `state.json`.
#[derive(Serialize, Deserialize)]
struct State {
    /// The file's name, and so its format.
    file: String,
    /// The feed's cursor that the file is at, or behind which it is.
    feed: String,
}

/// Whom to write anew, and whom to drop, by reference.
pub type Changes = BTreeMap<String, Option<Row>>;

/// A folder that nobody else keeps.
struct Folder<'a> {
    export: Export<'a>,
    options: &'a Options,
    dir: PathBuf,
    file: PathBuf,
    _lock: File,
}

/// Why a round ended.
enum End {
    /// There is nothing more for now.
    UpToDate,
    /// The feed does not reach back: a full export is to be taken.
    Gone,
}

pub async fn follow(export: Export<'_>, options: &Options, dir: &Path) -> anyhow::Result<()> {
    let format = options.format;
    ensure!(matches!(format, Format::Csv | Format::Jsonl), "what follows a list is csv or jsonl");
    let folder = Folder::open(export, options, dir)?;
    let shutdown = shutdown_signal()?;
    let mut cursor = folder.cursor();
    while !shutdown.is_cancelled() {
        let kept = match cursor {
            None => folder.begin().await,
            Some(from) => folder.keep(from, &shutdown).await,
        };
        cursor = match kept {
            Ok(cursor) => cursor,
            Err(error) if is_passing(&error) => {
                eprintln!("optin: {error:#}; it is tried again");
                _ = shutdown.run_until_cancelled(sleep(AGAIN)).await;
                folder.cursor()
            }
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

/// What may be otherwise in a moment.
fn is_passing(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref::<StoreError>(),
            Some(StoreError::Unavailable | StoreError::Busy | StoreError::Collision | StoreError::Held)
        )
    })
}

impl<'a> Folder<'a> {
    fn open(export: Export<'a>, options: &'a Options, dir: &Path) -> anyhow::Result<Folder<'a>> {
        let cannot = || format!("{} cannot be kept", dir.display());
        DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(cannot)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join(".lock"));
        let lock = lock.with_context(cannot)?;
        ensure!(lock.try_lock().is_ok(), "{} is kept by another that runs", dir.display());
        // What one that was killed has left: nobody else writes here.
        for item in fs::read_dir(dir).with_context(cannot)? {
            let path = item.with_context(cannot)?.path();
            if path.extension().is_some_and(|end| end == "half") {
                fs::remove_file(&path).with_context(cannot)?;
            }
        }
        let file = dir.join(format!("subscribers.{}", options.format.extension()));
        Ok(Folder { export, options, dir: dir.to_owned(), file, _lock: lock })
    }

    /// Where the file is; `None` where there is none yet, or one in another format.
    fn cursor(&self) -> Option<FeedCursor> {
        let state: State = serde_json::from_slice(&fs::read(self.dir.join("state.json")).ok()?).ok()?;
        let is_this =
            self.file.file_name().is_some_and(|name| name == state.file.as_str()) && self.file.is_file();
        if is_this { state.feed.parse().ok() } else { None }
    }

    fn note(&self, cursor: &FeedCursor) -> anyhow::Result<()> {
        let file = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut state = WholeFile::create(&self.dir.join("state.json"))?;
        serde_json::to_writer(&mut state, &State { file, feed: cursor.to_string() })?;
        state.write_all(b"\n")?;
        state.finish()
    }

    /// Takes a full export.
    async fn begin(&self) -> anyhow::Result<Option<FeedCursor>> {
        let list = self.list().await?;
        let mut file = WholeFile::create(&self.file)?;
        let bar = progress();
        let manifest = write(self.export, self.options, &mut file, &bar).await;
        bar.finish_and_clear();
        let manifest = manifest?;
        file.finish()?;
        // One in the other format would be kept by nobody.
        let other = if self.options.format == Format::Csv { Format::Jsonl } else { Format::Csv };
        remove(&self.dir.join(format!("subscribers.{}", other.extension())))?;
        let cursor: FeedCursor = manifest.feed.parse()?;
        self.note(&cursor)?;
        eprintln!(
            "{} exported of `{}`",
            counted(manifest.rows.unwrap_or_default(), "row", "rows"),
            list.slug
        );
        Ok(Some(cursor))
    }

    /// The list. Of one that is closed the file goes: nobody on it may be written to. So does the file of an operator
    /// who may not export it any more.
    async fn list(&self) -> anyhow::Result<List> {
        let Options { slug, operator, .. } = self.options;
        let found = self.export.store.find_list(slug).await?;
        let (list, _) = found.with_context(|| format!("there is no list `{slug}`"))?;
        let known = self.export.store.operator(operator).await?;
        let may = known.as_ref().is_some_and(|known| known.may(Right::Export, list.number));
        if list.is_closed || !may {
            remove(&self.file)?;
            remove(&self.dir.join("state.json"))?;
        }
        ensure!(!list.is_closed, "the list `{slug}` is closed: nobody is on it, and the file is gone");
        ensure!(known.is_some(), ExportError::NoOperator(operator.into()));
        ensure!(may, ExportError::NotAllowed(operator.into(), slug.into()));
        Ok(list)
    }

    /// Keeps the file in step until the feed ends, or until `shutdown`. Where to go on; `None` with a full export.
    async fn keep(
        &self,
        from: FeedCursor,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Option<FeedCursor>> {
        let (mut noted, mut at, mut changes) = (from.clone(), from, Changes::new());
        let mut next_write = Instant::now();
        loop {
            let list = self.list().await?;
            if let End::Gone = self.gather(&list, &mut at, &mut changes).await? {
                return Ok(None);
            }
            let is_full = changes.len() >= WAITING || shutdown.is_cancelled();
            if at != noted && (is_full || Instant::now() >= next_write) {
                let began = Instant::now();
                file::rewrite(&self.file, self.options.format, &list, &changes)?;
                self.note(&at)?;
                next_write = Instant::now() + began.elapsed() * RESTS;
                (noted, changes) = (at.clone(), Changes::new());
            }
            if shutdown.is_cancelled() {
                return Ok(Some(at));
            }
            if changes.len() < WAITING {
                _ = shutdown.run_until_cancelled(sleep(LOOK)).await;
            }
        }
    }

    /// Reads the feed as far as it goes, or as many changes as may wait.
    async fn gather(&self, list: &List, at: &mut FeedCursor, changes: &mut Changes) -> anyhow::Result<End> {
        let Export { store, keys, links, clock } = self.export;
        let reader = Reader { operator: &self.options.operator, token: None };
        loop {
            match store.feed_place(at).await? {
                _ if at.list() != list.number => return Ok(End::Gone),
                Place::End => return Ok(End::UpToDate),
                Place::Gone => return Ok(End::Gone),
                Place::News => {}
            }
            let page = match (Feed { store, keys, links }).page(list, reader, at, PAGE, clock.now()).await {
                Err(FeedError::Gone) => return Ok(End::Gone),
                page => page?,
            };
            *at = page.next.parse()?;
            changes.extend(page.removed.into_iter().map(|removed| (removed.reference, None)));
            changes
                .extend(page.added.into_iter().map(|added| (added.row.reference.clone(), Some(added.row))));
            if !page.more || changes.len() >= WAITING {
                return Ok(End::UpToDate);
            }
        }
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}
