//! `optin trail replay`: brings a restored database up to the mirror of a list's trail, so that a backup resurrects
//! nobody.
//!
//! Crash points: before the log is restored (nothing has happened), while rows are brought up to it (the list is held,
//! and the next run goes through them again), after the end (done). What a row becomes depends on the log alone, so any
//! number of runs come to the same.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use super::database::Database;
use super::fault::{Fault, Piece, Wrong};
use super::folder::Folder;
use super::rows::{Brought, bring_up};
use super::source::{Source, open_checkpoint};
use super::tree::{Tree, first_of};
use super::walk::walk;
use super::{SKEW_HOURS, entries};
use crate::app::{App, key_ring};
use crate::clock::Clock;
use crate::commands::{config, counted};
use crate::consent::list::{List, list_of_origin};
use crate::keys::KeyRing;
use crate::store::Store;
use crate::store::replay::{Behind, Mirrored, ReplayError};
use crate::trail::audit::Audit;
use crate::trail::checkpoint::{Checkpoint, CheckpointError};
use crate::trail::entry::{Entry, Event, LENGTH};
use crate::trail::note::{Note, Signer, Verifier};
use crate::trail::tile::{HEIGHT, Kind, Tile, WIDTH, read_entries};

#[derive(clap::Args)]
pub struct Options {
    /// The mirror's folder, as an auditor's token let `optin trail mirror` fill it
    dir: PathBuf,
}

/// Why the log was not restored.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the mirror is damaged")]
    Mirror(#[from] Fault),
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// A mirror that has been checked from its first entry to its last.
struct Mirror {
    folder: Folder,
    checkpoint: Checkpoint,
    note: String,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let (store, keys) = (Store::open(config.database_url()?)?, key_ring(&config)?);
    store.compare_ring(&keys).await?;
    let mirror = Mirror::open(Folder::new(&options.dir), &keys).await?;
    let list = list_of(&store, &mirror.checkpoint).await?;
    let alone = store.replay_alone(list.number).await?;
    let _alone = alone.with_context(|| format!("another replay of `{}` is under way", list.slug))?;
    let mirrored = Mirrored { checkpoint: &mirror.checkpoint, note: &mirror.note };
    let at = Clock::System.now();
    let behind = store.restore_log(list.number, &mirrored, |size| mirror.tail(size), at).await;
    match behind.map_err(|end: End| anyhow::Error::from(end)).context("nothing was changed")? {
        Behind::NoMore => return nothing_to_do(&store, &list, &mirror.checkpoint).await,
        Behind::InTheMiddle => println!("{}: an earlier replay had not come to its end", list.slug),
        Behind::By(count) => println!("{}: {} restored from the mirror", list.slug, entries(count)),
    }
    tell_of_notices(&store, &list, &mirror).await?;
    let brought = bring_up(&store, &keys, list.number).await?;
    let lost = store.end_replay(list.number, App::random(), Clock::System.now()).await?;
    println!("{}: {}", list.slug, summary(&brought, lost));
    Ok(())
}

fn summary(brought: &Brought, lost: u64) -> String {
    let Brought { erased, pending, active, paused, .. } = brought;
    format!(
        "{} erased who had left since, {} erased that nobody had confirmed; {active} made active and {paused} paused, as \
         the log tells; {} lost, of whom the backup knows nothing",
        counted(*erased, "person", "people"),
        counted(*pending, "signup", "signups"),
        counted(lost, "person", "people"),
    )
}

/// The list whose log the mirror is of.
async fn list_of(store: &Store, checkpoint: &Checkpoint) -> anyhow::Result<List> {
    let number = list_of_origin(checkpoint.origin()).context("the mirror is not of a list's trail")?;
    let found = store.find_list_by_number(number).await?;
    let missing = "the backup has no such list: it is older than the list, and holds nobody who is on it";
    Ok(found.context(missing)?.0)
}

/// The database holds all that the mirror does. Whether it is the same log? It may have been restored all the same, and
/// what the mirror has not seen may have been fed to readers before.
async fn nothing_to_do(store: &Store, list: &List, mirrored: &Checkpoint) -> anyhow::Result<()> {
    let database = Source::Database(Box::new(Database::open(&list.slug).await?));
    let key = database.key().await?.context("the list has no trail")?;
    let checkpoint = open_checkpoint(&database.checkpoint().await?, &key)?;
    let read = async |tile| database.tile(tile).await;
    let goes_on = Tree::open(&checkpoint, &read, false).await?.goes_on_from(mirrored).await?;
    ensure!(goes_on.is_ok(), End::from(ReplayError::Parted));
    store.renew_feed(list.number).await?;
    println!("{}: nothing to replay: the database holds all that the mirror does", list.slug);
    Ok(())
}

/// A list's file can be applied again; its texts are not in the mirror.
async fn tell_of_notices(store: &Store, list: &List, mirror: &Mirror) -> anyhow::Result<()> {
    let published = mirror.tail(0)?.into_iter().filter_map(|entry| Entry::read(&entry).ok());
    let hashes: Vec<_> =
        published.filter(|entry| entry.event == Event::NoticePublished).map(|entry| entry.notice).collect();
    let unknown = store.unknown_notices(list.number, &hashes).await?;
    if unknown > 0 {
        println!(
            "{}: {} published since the backup: apply the list's file again",
            list.slug,
            counted(unknown, "notice version", "notice versions")
        );
    }
    Ok(())
}

impl Mirror {
    async fn open(folder: Folder, keys: &KeyRing) -> anyhow::Result<Mirror> {
        let source = Source::Folder(folder.clone());
        let missing = || format!("{} holds no mirror", folder.path().display());
        let note = source.checkpoint().await.with_context(missing)?;
        let key = our_key(&note, keys)?;
        let checkpoint = open_checkpoint(&note, &key)
            .context("the mirror is not of this service: the settings' key ring has not signed it")?;
        ensure!(
            folder.has_entries(),
            "the mirror holds hashes alone: a replay needs one that was taken with an auditor's token"
        );
        let mut audit = Audit::new(SKEW_HOURS);
        let read = async |tile| source.tile(tile).await;
        let walked = walk(&checkpoint, 0, Some(&mut audit), &read, |_, _| Ok(())).await;
        walked.map_err(End::from).context("nothing was changed")?;
        let Ok(note) = String::from_utf8(note) else { bail!("the mirror's checkpoint is no text") };
        Ok(Mirror { folder, checkpoint, note })
    }

    /// The entries from an index on.
    fn tail(&self, from: u64) -> Result<Vec<[u8; LENGTH]>, End> {
        let size = self.checkpoint.size();
        let mut tail = Vec::with_capacity(size.saturating_sub(from) as usize);
        for index in from >> HEIGHT..size.div_ceil(WIDTH.into()) {
            let Some(tile) = Tile::of(Kind::Entries, index, size) else { continue };
            let found = self.folder.find(Piece::Tile(tile))?;
            let bytes = found.ok_or_else(|| Wrong::Missing.in_tile(tile))?;
            let bundle = read_entries(&bytes, tile.width()).map_err(|bad| Wrong::from(bad).in_tile(tile))?;
            for (_, entry) in (first_of(tile)..).zip(bundle).filter(|(index, _)| *index >= from) {
                let length = || Wrong::Length { found: entry.len(), length: LENGTH }.in_tile(tile);
                tail.push(entry.try_into().map_err(|_| length())?);
            }
        }
        Ok(tail)
    }
}

/// The key that this service signs the log with that the note is of.
fn our_key(note: &[u8], keys: &KeyRing) -> Result<Verifier, Fault> {
    let read = || {
        let origin = Checkpoint::parse(Note::parse(note)?.text())?.origin().to_owned();
        Ok(Signer::new(&origin, keys.trail_seed())?.verifier())
    };
    read().map_err(|error: CheckpointError| Wrong::from(error).at(Piece::Checkpoint))
}
