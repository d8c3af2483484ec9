//! `optin trail mirror`: a copy of a trail, as static files. What is new is checked before any of it is taken over:
//! it waits in a folder within the mirror's, and the checkpoint moves last.
//!
//! Crash points: while pieces wait (the next run finds them, checks them again and fetches the rest), while they are
//! taken over (they were all good, and are beyond what the old checkpoint tells of), after the checkpoint (done).

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::fault::{Fault, Piece, Unreadable, Wrong};
use super::folder::{Folder, Half};
use super::source::{Source, open_checkpoint};
use super::tree::Tree;
use super::walk::walk;
use super::web::{TrailUrl, Web};
use super::{SKEW_HOURS, entries, key};
use crate::commands::service::shutdown_signal;
use crate::trail::audit::Audit;
use crate::trail::checkpoint::Checkpoint;
use crate::trail::note::Verifier;
use crate::trail::tile::{Kind, Tile, changed};

/// How often the source is asked for a new checkpoint.
const EVERY: Duration = Duration::from_secs(10);

const REFUSED: &str = "the mirror is left as it was";

#[derive(clap::Args)]
pub struct Options {
    /// The mirror's folder
    dir: PathBuf,
    /// The trail's URL
    #[arg(long, value_name = "URL")]
    from: TrailUrl,
    /// A file with an auditor's token; the mirror then follows at once, and holds the entries
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The log's key, as its `key` shows it; without it, the source's own is taken on trust the first time
    #[arg(long, value_name = "VERIFIER", value_parser = key)]
    key: Option<Verifier>,
    /// Go on for ever, asking for news every 10 seconds
    #[arg(long)]
    follow: bool,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let is_new = !options.dir.exists();
    let done = async {
        let mut mirror = Mirror::open(&options)?;
        if options.follow { mirror.follow().await } else { mirror.once().await }
    };
    let done = done.await;
    if done.is_err() && is_new {
        // Only where nothing has been put into it.
        _ = fs::remove_dir(&options.dir);
    }
    done
}

struct Mirror {
    folder: Folder,
    half: Half,
    /// Where tiles are looked for: what is held, what waits, the source.
    layers: [Source; 3],
    given: Option<Verifier>,
    key: Option<Verifier>,
    held: Option<Checkpoint>,
    /// Of the entries that are held, once they have been read.
    audit: Option<Audit>,
    /// The size of the newest checkpoint that the source has shown.
    seen: u64,
    /// When the mirror last held all that the source had.
    level: Instant,
    _alone: File,
}

/// What was taken over.
struct Step {
    from: u64,
    to: u64,
    with_entries: bool,
}

impl Mirror {
    fn open(options: &Options) -> anyhow::Result<Mirror> {
        let web = Web::open(&options.from, options.token_file.as_deref())?;
        let alone = lock(&options.dir)?;
        let folder = Folder::new(&options.dir);
        let half = Half::of(&folder);
        Ok(Mirror {
            layers: [Source::Folder(folder.clone()), Source::Folder(half.folder().clone()), Source::Web(web)],
            folder,
            half,
            given: options.key.clone(),
            key: None,
            held: None,
            audit: None,
            seen: 0,
            level: Instant::now(),
            _alone: alone,
        })
    }

    async fn once(&mut self) -> anyhow::Result<()> {
        if let Some(step) = self.step().await.context(REFUSED)? {
            println!("{}", self.line(&step));
        }
        Ok(())
    }

    async fn follow(&mut self) -> anyhow::Result<()> {
        let shutdown = shutdown_signal()?;
        while let Some(step) = shutdown.run_until_cancelled(self.step()).await {
            match step {
                Ok(None) => {}
                Ok(Some(step)) => println!("{}", self.line(&step)),
                Err(fault @ Fault::Unreadable { .. }) => println!("{}", self.trouble(&fault)),
                Err(fault) => return Err(fault).context(REFUSED),
            }
            _ = shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await;
        }
        Ok(())
    }

    /// Looks for news and takes it over. A log that is refused leaves nothing behind.
    async fn step(&mut self) -> Result<Option<Step>, Fault> {
        let step = self.try_step().await;
        match &step {
            Ok(_) => self.level = Instant::now(),
            // What has been fetched is of use when the source can be read again.
            Err(Fault::Unreadable { .. }) => {}
            Err(_) => self.half.clear(),
        }
        step
    }

    async fn try_step(&mut self) -> Result<Option<Step>, Fault> {
        let key = self.agree_on_key().await?;
        if self.held.is_none() {
            let note = self.folder.find(Piece::Checkpoint)?;
            let opened = note.map(|note| open_checkpoint(&note, &key)).transpose();
            self.held = opened.map_err(Fault::of_the_mirror)?;
        }
        let note = self.source().checkpoint().await?;
        let next = open_checkpoint(&note, &key)?;
        self.seen = next.size();
        if self.held.as_ref() == Some(&next) && self.audit.is_some() {
            return Ok(None);
        }
        let with_entries = self.source().has_entries(next.size()).await?;
        self.check_goes_on(&next, with_entries).await?;
        if let Some(first) = Tile::of(Kind::Entries, 0, next.size())
            && !with_entries
            && self.folder.has_entries()
        {
            return Err(Unreadable::Refused.at(Piece::Tile(first)));
        }
        let held = self.held();
        let audit = self.audit.take().filter(|audit| !with_entries || audit.size() == held);
        let from = if audit.is_some() { held } else { 0 };
        let audit = self.fetch(&next, from, audit, with_entries).await?;
        self.adopt(&key, &note, from, next.size())?;
        (self.audit, self.held) = (Some(audit), Some(next));
        Ok(Some(Step { from: held, to: self.held(), with_entries }))
    }

    fn source(&self) -> &Source {
        let [_, _, source] = &self.layers;
        source
    }

    /// The size of what is held.
    fn held(&self) -> u64 {
        self.held.as_ref().map_or(0, Checkpoint::size)
    }

    /// The key of the log that is held, else the one that was given, else the source's own.
    async fn agree_on_key(&mut self) -> Result<Verifier, Fault> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let [folder, _, source] = &self.layers;
        let held = folder.key().await.map_err(Fault::of_the_mirror)?;
        if held.is_some() && self.given.is_some() && held != self.given {
            return Err(Wrong::OtherKey.at(Piece::Key).of_the_mirror());
        }
        let named = source.key().await?;
        let other = if held.is_some() { Wrong::NotOurKey } else { Wrong::OtherKey };
        let key = match (held.or_else(|| self.given.clone()), named) {
            (Some(known), Some(named)) if known != named => return Err(other.at(Piece::Key)),
            (Some(known), _) => known,
            (None, named) => named.ok_or_else(|| Unreadable::Absent.at(Piece::Key))?,
        };
        self.key = Some(key.clone());
        Ok(key)
    }

    /// Whether what is held has become what the source has now. The source's tiles alone are asked: those that are held
    /// would speak for themselves.
    async fn check_goes_on(&self, next: &Checkpoint, with_entries: bool) -> Result<(), Fault> {
        let Some(held) = &self.held else { return Ok(()) };
        let (was, now) = (held.size(), next.size());
        let fork = |_| Wrong::Fork { held: was, now }.at(Piece::Checkpoint);
        if now >= was {
            let read = async |tile| self.source().tile(tile).await;
            let mut tree = Tree::open(next, &read, with_entries).await?;
            return tree.goes_on_from(held).await?.map_err(fork);
        }
        let [folder, ..] = &self.layers;
        let read = async |tile| folder.tile(tile).await;
        let mut tree = Tree::open(held, &read, false).await.map_err(Fault::of_the_mirror)?;
        tree.goes_on_from(next).await.map_err(Fault::of_the_mirror)?.map_err(fork)?;
        Err(Wrong::RolledBack { held: was, now }.at(Piece::Checkpoint))
    }

    /// Checks all that is new since a size, and has it wait.
    async fn fetch(
        &self,
        next: &Checkpoint,
        from: u64,
        audit: Option<Audit>,
        with_entries: bool,
    ) -> Result<Audit, Fault> {
        let others = self.half.is_there();
        let mut audit = audit.unwrap_or_else(|| Audit::new(SKEW_HOURS));
        let mut fetched = self.walk(next, from, with_entries.then_some(&mut audit)).await;
        if others && from == 0 && matches!(fetched, Err(Fault::Wrong { .. })) {
            // What waited may be cut short, or be of a log that would have been refused.
            self.half.clear();
            audit = Audit::new(SKEW_HOURS);
            fetched = self.walk(next, from, with_entries.then_some(&mut audit)).await;
        }
        match fetched {
            Ok(()) => Ok(audit),
            Err(fault @ Fault::Wrong { .. }) if self.folder.holds(fault.place()) => {
                Err(fault.of_the_mirror())
            }
            Err(fault) => Err(fault),
        }
    }

    async fn walk(&self, next: &Checkpoint, from: u64, audit: Option<&mut Audit>) -> Result<(), Fault> {
        let read = async |tile| {
            for layer in &self.layers {
                if let Some(bytes) = layer.find_tile(tile).await? {
                    return Ok(bytes);
                }
            }
            Err(Wrong::Missing.in_tile(tile))
        };
        let is_here = |piece| self.folder.holds(piece) || self.half.folder().holds(piece);
        let keep = |tile, bytes: &[u8]| {
            let piece = Piece::Tile(tile);
            if is_here(piece) { Ok(()) } else { self.half.put(piece, bytes) }
        };
        walk(next, from, audit, &read, keep).await
    }

    /// Takes over what waits, the checkpoint last. A partial tile is kept until its full one is here, so that whoever
    /// reads the mirror by an earlier checkpoint finds it whole.
    fn adopt(&self, key: &Verifier, note: &[u8], from: u64, to: u64) -> Result<(), Fault> {
        let with_entries = |tile: Tile| [tile.entries(), Some(tile)].into_iter().flatten();
        let tiles = || changed(from, to).flat_map(with_entries);
        self.half.adopt(&self.folder, tiles().map(Piece::Tile))?;
        tiles().filter(Tile::is_full).try_for_each(|tile| self.folder.drop_partials(tile))?;
        for (piece, bytes) in [(Piece::Key, format!("{key}\n").as_bytes()), (Piece::Checkpoint, note)] {
            self.half.put(piece, bytes)?;
            self.half.adopt(&self.folder, [piece].into_iter())?;
        }
        self.half.clear();
        Ok(())
    }

    fn line(&self, step: &Step) -> String {
        let Step { from, to, with_entries } = *step;
        let origin = self.held.as_ref().map_or("", Checkpoint::origin);
        let what = if with_entries { "" } else { ", by their hashes alone" };
        let trust =
            if from == 0 && self.given.is_none() { "; the source's own key was taken on trust" } else { "" };
        format!("{origin}: {}{what}, {} of them new; {}{trust}", entries(to), to - from, self.lag())
    }

    fn trouble(&self, fault: &Fault) -> String {
        let hours = self.level.elapsed().as_secs() / 3600;
        format!("{}; {}, not level with it for {hours} h: {fault}", entries(self.held()), self.lag())
    }

    fn lag(&self) -> String {
        format!("{} behind the source", entries(self.seen.saturating_sub(self.held())))
    }
}

/// Keeps other mirrors out of the folder until the file is dropped.
fn lock(dir: &Path) -> anyhow::Result<File> {
    let cannot = || format!("{} cannot hold a mirror", dir.display());
    fs::create_dir_all(dir).with_context(cannot)?;
    let file = File::open(dir).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another mirror is at work in {}", dir.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}
