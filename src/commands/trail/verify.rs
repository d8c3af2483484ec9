//! `optin trail verify`: whether a trail is whole, by a line that says so, or what is wrong with it and where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::database::Database;
use super::fault::{Fault, Piece, Unreadable, Wrong};
use super::folder::read_at_most;
use super::source::{Place, Source, open_checkpoint};
use super::tree::Tree;
use super::walk::walk;
use super::{SKEW_HOURS, entries, key};
use crate::trail::audit::Audit;
use crate::trail::checkpoint::{Checkpoint, CheckpointError};
use crate::trail::entry::Event;
use crate::trail::note::{Note, Verifier};
use crate::trail::tile::Tile;

#[derive(clap::Args)]
pub struct Options {
    /// A trail's URL, a mirror's folder, or a file with a checkpoint
    #[arg(required_unless_present = "list")]
    source: Option<Place>,
    /// A file with another checkpoint of the same log: the larger has to go on from the smaller
    other: Option<PathBuf>,
    /// Where the tiles of a checkpoint's file are: a URL or a mirror's folder
    #[arg(long, value_name = "SOURCE")]
    tiles: Option<Place>,
    /// A list's slug, for its trail in the database of the settings
    #[arg(long, value_name = "SLUG", conflicts_with_all = ["source", "other", "tiles", "token_file"])]
    list: Option<String>,
    /// The log's key, as its `key` shows it; without it, the source's own is taken on trust
    #[arg(long, value_name = "VERIFIER", value_parser = key)]
    key: Option<Verifier>,
    /// A file with an auditor's token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Say it as one JSON object
    #[arg(long)]
    json: bool,
    /// How many hours an entry may be dated before one that stands ahead of it
    #[arg(long, value_name = "N", default_value_t = SKEW_HOURS)]
    skew_hours: u32,
}

/// Why nothing could be found whole.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What was asked for makes no sense.
    #[error("{0:#}")]
    Usage(anyhow::Error),
    /// The settings lead to no such list.
    #[error("{0:#}")]
    Settings(anyhow::Error),
}

/// What has been found out, in the order in which it was.
#[derive(Default, Serialize)]
struct Report {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// The piece in which it was met.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    key: Option<String>,
    key_on_trust: bool,
    origin: Option<String>,
    size: Option<u64>,
    root: Option<String>,
    /// The size of the earlier of two checkpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_on_from: Option<u64>,
    entries_checked: bool,
    events: BTreeMap<&'static str, u64>,
}

pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    let fault = match check(&options, &mut report).await {
        Ok(()) => None,
        Err(End::Fault(fault)) => Some(fault),
        Err(End::Settings(error)) => return Err(error),
        Err(End::Usage(wrong)) => {
            eprintln!("optin: {wrong:#}");
            return Ok(ExitCode::from(2));
        }
    };
    report.verdict = match &fault {
        None => "whole",
        Some(Fault::Wrong { .. }) => "not whole",
        Some(_) => "not readable",
    };
    report.place = fault.as_ref().map(|fault| fault.place().to_string());
    report.fault = fault.as_ref().map(Fault::to_string);
    match options.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => println!("{}", report.line()),
    }
    Ok(if fault.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(options: &Options, report: &mut Report) -> Result<(), End> {
    let source = match (&options.source, &options.list) {
        (Some(Place::Path(file)), _) if file.is_file() => return check_files(file, options, report).await,
        (Some(place), _) => {
            let alone = options.other.is_none() && options.tiles.is_none();
            demand(alone, "a second checkpoint, or --tiles, belongs to a file with a checkpoint")?;
            open(place, options)?
        }
        (None, Some(slug)) => Source::Database(Box::new(Database::open(slug).await.map_err(End::Settings)?)),
        (None, None) => return demand(false, "say which trail"),
    };
    let key = agree_on_key(Some(&source), options, report).await?;
    let checkpoint = open_checkpoint(&source.checkpoint().await?, &key)?;
    check_log(&source, &checkpoint, &async |tile| source.tile(tile).await, options, report).await
}

/// One checkpoint from a file, whose tiles are elsewhere, or two.
async fn check_files(file: &Path, options: &Options, report: &mut Report) -> Result<(), End> {
    let source = options.tiles.as_ref().map(|place| open(place, options)).transpose()?;
    let can_know = source.is_some() || options.key.is_some();
    demand(can_know, "nothing here says whose checkpoint it is: give --key, or --tiles")?;
    let key = agree_on_key(source.as_ref(), options, report).await?;
    let newer = open_checkpoint(&read_note(file)?, &key)?;
    let (older, newer) = match &options.other {
        None => (None, newer),
        Some(other) => {
            let other = open_checkpoint(&read_note(other)?, &key)?;
            if other.size() > newer.size() { (Some(newer), other) } else { (Some(other), newer) }
        }
    };
    report.tell(&newer);
    report.goes_on_from = older.as_ref().map(Checkpoint::size);
    if let Some(older) = older.as_ref().filter(|older| older.size() == newer.size()) {
        // No tiles are needed to see this.
        return if older.root() == newer.root() { Ok(()) } else { Err(fork(older, &newer).into()) };
    }
    let Some(source) = source else {
        return demand(
            false,
            "a checkpoint alone says little, nor do two of different sizes: give their --tiles",
        );
    };
    let grown = size_of(&source).await?;
    let read = async |tile| read_as_of(&source, tile, grown).await;
    let Some(older) = older else { return check_log(&source, &newer, &read, options, report).await };
    let mut tree = Tree::open(&newer, &read, false).await?;
    Ok(tree.goes_on_from(&older).await?.map_err(|_| fork(&older, &newer))?)
}

async fn check_log<R>(
    source: &Source,
    checkpoint: &Checkpoint,
    read: &R,
    options: &Options,
    report: &mut Report,
) -> Result<(), End>
where
    R: AsyncFn(Tile) -> Result<Vec<u8>, Fault>,
{
    report.tell(checkpoint);
    let mut audit = Audit::new(options.skew_hours);
    report.entries_checked = source.has_entries(checkpoint.size()).await?;
    let heard = report.entries_checked.then_some(&mut audit);
    let walked = walk(checkpoint, 0, heard, read, |_, _| Ok(())).await;
    let told = Event::ALL.into_iter().map(|event| (event.name(), audit.count(event)));
    report.events = told.filter(|(_, count)| *count > 0).collect();
    Ok(walked?)
}

fn demand(is_so: bool, else_say: &'static str) -> Result<(), End> {
    if is_so { Ok(()) } else { Err(End::Usage(anyhow::Error::msg(else_say))) }
}

fn open(place: &Place, options: &Options) -> Result<Source, End> {
    Source::open(place, options.token_file.as_deref()).map_err(End::Usage)
}

fn read_note(file: &Path) -> Result<Vec<u8>, Fault> {
    // One byte too many is noticed by the note's reader.
    let read = read_at_most(file, Piece::Checkpoint.most());
    read.map_err(|error| Unreadable::File(error).at(Piece::Checkpoint))
}

/// The key that was given, or else the source's own. Where there are both, they have to be one.
async fn agree_on_key(
    source: Option<&Source>,
    options: &Options,
    report: &mut Report,
) -> Result<Verifier, Fault> {
    let named = match source {
        Some(source) => source.key().await?,
        None => None,
    };
    let key = match (&options.key, named) {
        (Some(given), Some(named)) if *given != named => return Err(Wrong::OtherKey.at(Piece::Key)),
        (Some(given), _) => given.clone(),
        (None, named) => {
            report.key_on_trust = !source.is_some_and(Source::knows_the_key);
            named.ok_or_else(|| Unreadable::Absent.at(Piece::Key))?
        }
    };
    report.key = Some(key.to_string());
    Ok(key)
}

fn fork(older: &Checkpoint, newer: &Checkpoint) -> Fault {
    Wrong::Fork { held: older.size(), now: newer.size() }.at(Piece::Checkpoint)
}

/// The size that a source says it has; it says only how wide its tiles are.
async fn size_of(source: &Source) -> Result<u64, Fault> {
    let note = Note::parse(&source.checkpoint().await?).map_err(CheckpointError::from);
    let read = note.and_then(|note| Checkpoint::parse(note.text()));
    Ok(read.map_err(|error| Wrong::from(error).at(Piece::Checkpoint))?.size())
}

/// A tile of an older checkpoint, from the one that it has grown into.
async fn read_as_of(source: &Source, tile: Tile, grown: u64) -> Result<Vec<u8>, Fault> {
    let found = source.find_tile(tile).await?;
    let wider = Tile::of(tile.kind(), tile.index(), grown).filter(|wider| wider.width() > tile.width());
    match (found, wider) {
        (None, Some(wider)) => source.find_beginning(tile, wider).await?,
        (found, _) => found,
    }
    .ok_or_else(|| Wrong::Missing.in_tile(tile))
}

impl Report {
    fn tell(&mut self, checkpoint: &Checkpoint) {
        self.origin = Some(checkpoint.origin().to_owned());
        self.size = Some(checkpoint.size());
        self.root = Some(STANDARD.encode(checkpoint.root()));
    }

    /// The verdict for people.
    fn line(&self) -> String {
        if let Some(fault) = &self.fault {
            return format!("{}: {fault}", self.verdict);
        }
        let origin = self.origin.as_deref().unwrap_or_default();
        let size = entries(self.size.unwrap_or_default());
        let found = match (self.goes_on_from, self.entries_checked) {
            (Some(older), _) => format!("{size}, which go on from the {older} of the earlier checkpoint"),
            (None, true) => {
                format!("{size}, each as the signed root has it; events, hours and exports add up")
            }
            (None, false) => {
                format!(
                    "{size}, whose hashes lead to the signed root; entries were not checked: none are readable here"
                )
            }
        };
        let trust = if self.key_on_trust { " (the source's own key was taken on trust)" } else { "" };
        format!("{}: {origin}: {found}{trust}", self.verdict)
    }
}
