//! `optin evidence verify`: whether a person said yes, to what, in which hour; and, where the trail is at hand, what they
//! did later and whether the log is still the one that the receipt is of.

mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use zeroize::Zeroizing;

use self::report::{Report, escaped, plain, when};
use crate::clock::Clock;
use crate::commands::trail::fault::{Fault, Piece, Wrong};
use crate::commands::trail::folder::read_at_most;
use crate::commands::trail::source::{Place, Source, open_checkpoint};
use crate::commands::trail::tree::{Tree, first_of};
use crate::commands::trail::walk::walk;
use crate::commands::trail::{SKEW_HOURS, entries, key};
use crate::consent::list::list_of_origin;
use crate::consent::receipt::{Proven, Receipt, ReceiptFault};
use crate::journeys::evidence::bundle::{self, BundleFault};
use crate::trail::entry::Event;
use crate::trail::note::Verifier;
use crate::trail::tile::{Kind, Tile};
use crate::trail::trace::{Act, Trace};

/// 2026-01-01T00Z in hours since the Unix epoch. There was no trail before.
const FIRST_HOUR: u32 = 490_896;

#[derive(clap::Args)]
pub struct Options {
    /// A receipt, as it came with the welcome letter, or a ZIP of evidence
    file: PathBuf,
    /// The trail, to find what the person did later: its URL, or a mirror's folder
    #[arg(long, value_name = "DIR|URL")]
    trail: Option<Place>,
    /// The log's key, as the trail's `key` shows it; without it, the receipt's own is taken on trust
    #[arg(long, value_name = "VERIFIER", value_parser = key)]
    key: Option<Verifier>,
    /// Say it as one JSON object
    #[arg(long)]
    json: bool,
}

/// Why nothing is proven. It is told with nothing that the file holds but the names of logs.
#[derive(Debug, thiserror::Error)]
enum Unproven {
    #[error("the file cannot be read: {0}")]
    File(io::Error),
    #[error(transparent)]
    Receipt(#[from] ReceiptFault),
    #[error(transparent)]
    Bundle(#[from] BundleFault),
    #[error("its key is not the one that was given")]
    GivenKey,
    #[error("it is of another list of that service: of {receipt}, and the trail is {trail}")]
    OtherList { receipt: String, trail: String },
    #[error("it is of another service: of {receipt}, and the trail is {trail}")]
    OtherService { receipt: String, trail: String },
    #[error("the trail has another key than the receipt, though both say that they are {0}")]
    OtherKey(String),
    #[error("the {} is older than the receipt: it has {}, the receipt's checkpoint {needs}{}",
        if *is_url { "trail" } else { "mirror" },
        entries(*has),
        if *is_url { "; the public sees new entries at an interval, an hour as a rule: try again then" } else { "" })]
    Older { has: u64, needs: u64, is_url: bool },
    #[error("its entry is dated {}, when there was no trail yet", when(*.0))]
    TooOld(u32),
    #[error("its entry is dated {}, which is still to come: this machine's clock is wrong, or the service's", when(*.0))]
    ToCome(u32),
    #[error("the trail is not taken: {0}")]
    Trail(#[from] Fault),
    /// Nothing can be asked for over the network.
    #[error("{0:#}")]
    NoNetwork(anyhow::Error),
}

impl Unproven {
    /// Whether nothing could be told, which is no fault of the evidence.
    fn is_unreadable(&self) -> bool {
        match self {
            Unproven::File(_) | Unproven::NoNetwork(_) => true,
            Unproven::Trail(fault) => !matches!(fault, Fault::Wrong { .. }),
            _ => false,
        }
    }
}

pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    let checked = check(&options, &mut report).await;
    report.verdict = match &checked {
        Ok(()) => "proven",
        Err(why) if why.is_unreadable() => "not readable",
        Err(_) => "not proven",
    };
    // Names of logs may stand in it, and whoever made the file chose them.
    report.fault = checked.as_ref().err().map(|why| plain(&why.to_string()));
    match options.json {
        true => println!("{}", escaped(&serde_json::to_string(&report)?)),
        false => println!("{}", report.line()),
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(options: &Options, report: &mut Report) -> Result<(), Unproven> {
    let receipt = read(&options.file)?;
    let proven = receipt.check()?;
    report.tell(&receipt, &proven, options.key.is_none());
    if options.key.as_ref().is_some_and(|given| given != receipt.key()) {
        return Err(Unproven::GivenKey);
    }
    match &options.trail {
        Some(place) => follow(place, &receipt, &proven, report).await,
        None => Ok(()),
    }
}

/// A receipt's file, or that in a ZIP, which must agree with the ZIP's other files.
fn read(file: &Path) -> Result<Receipt, Unproven> {
    // One byte too many is noticed by either reader.
    let bytes = read_at_most(file, bundle::MAX_BYTES).map(Zeroizing::new).map_err(Unproven::File)?;
    if !bundle::is_bundle(&bytes) {
        return Ok(Receipt::parse(&bytes)?);
    }
    let bundle = bundle::read(&bytes)?;
    let receipt = Receipt::parse(&bundle.evidence)?;
    bundle.agrees(&receipt)?;
    Ok(receipt)
}

/// Checks that the trail is whole and goes on from the receipt's checkpoint, and looks in it for what came later.
async fn follow(
    place: &Place,
    receipt: &Receipt,
    proven: &Proven,
    report: &mut Report,
) -> Result<(), Unproven> {
    let source = Source::open(place, None).map_err(Unproven::NoNetwork)?;
    if let Some(named) = source.key().await? {
        agree(receipt.key(), &named)?;
    }
    let checkpoint = open_checkpoint(&source.checkpoint().await?, receipt.key())?;
    let (held, now) = (proven.checkpoint.size(), checkpoint.size());
    report.size = Some(now);
    if now < held {
        return Err(Unproven::Older { has: now, needs: held, is_url: matches!(place, Place::Url(_)) });
    }
    let mut trace = trace(receipt, proven)?;
    let read = async |tile| source.tile(tile).await;
    if Tree::open(&checkpoint, &read, false).await?.goes_on_from(&proven.checkpoint).await?.is_err() {
        report.consistent = Some(false);
        return Err(Wrong::Fork { held, now }.at(Piece::Checkpoint).into());
    }
    let look = |tile: Tile, hashes: &[u8]| {
        if let Some(trace) = &mut trace
            && tile.kind() == Kind::Hashes(0)
        {
            (first_of(tile)..).zip(hashes.as_chunks().0).for_each(|(index, leaf)| trace.look(index, leaf));
        }
        Ok(())
    };
    walk(&checkpoint, 0, None, &read, look).await?;
    report.consistent = Some(true);
    report.since = trace.map(|trace| later(trace.acts(), proven));
    Ok(())
}

/// Whether two keys are one; else what tells them apart.
fn agree(receipt: &Verifier, trail: &Verifier) -> Result<(), Unproven> {
    let service = |key: &Verifier| {
        list_of_origin(key.name()).and(key.name().rsplit_once('/')).map(|(service, _)| service.to_owned())
    };
    let (ours, theirs) = (receipt.name().to_owned(), trail.name().to_owned());
    match () {
        () if receipt == trail => Ok(()),
        () if ours == theirs => Err(Unproven::OtherKey(ours)),
        () if service(receipt) == service(trail) => Err(Unproven::OtherList { receipt: ours, trail: theirs }),
        () => Err(Unproven::OtherService { receipt: ours, trail: theirs }),
    }
}

/// What looks for the person's acts, from the yes to the present hour and one more, for clocks differ a little. A yes that
/// was renewed is not the first that the person did, and each act is found by those before it: then from the beginning.
fn trace(receipt: &Receipt, proven: &Proven) -> Result<Option<Trace>, Unproven> {
    let Some(secret) = receipt.secret() else { return Ok(None) };
    let now = Clock::System.now().as_second() / 3600;
    let last = u32::try_from(now).unwrap_or_default().saturating_add(SKEW_HOURS);
    match proven.hour {
        hour if hour < FIRST_HOUR => Err(Unproven::TooOld(hour)),
        hour if hour > last => Err(Unproven::ToCome(hour)),
        hour => {
            let first = if proven.event == Event::Renewed { FIRST_HOUR } else { hour - SKEW_HOURS };
            Ok(Some(Trace::new(Zeroizing::new(*secret), proven.list, first..=last)))
        }
    }
}

/// What was done after a yes, or within its hour.
fn later(acts: Vec<Act>, proven: &Proven) -> Vec<Act> {
    let is_later = |act: &Act| act.index > proven.index || act.hour >= proven.hour;
    acts.into_iter().filter(|act| proven.event == Event::Confirmed || is_later(act)).collect()
}
