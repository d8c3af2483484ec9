//! `optin trail`: what it finds whole, what it refuses and how it names it, and that a mirror survives anything.

mod kill;
mod mirror;
pub mod python;
mod verify;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use optin::trail::checkpoint::Checkpoint;
use optin::trail::entry::{Event, service_tail};

use crate::log::{
    Log, NAME, SIZE, at_hour, digest, files, flip, id, of, sign, text, truncate, web, write_whole,
};
use crate::process::{Said, optin, run};

async fn trail(arguments: &[&str]) -> Said {
    run(optin(&[&["trail"], arguments].concat(), &BTreeMap::new())).await
}

/// What can be wrong with a log, how to make it so, and what is said of it: by us, and the place that anybody should
/// name.
struct Fault {
    name: &'static str,
    make: fn(&Path),
    said: String,
    place: &'static str,
}

fn faults() -> Vec<Fault> {
    let fault = |name, make, place: &'static str, what: &str| Fault {
        name,
        make,
        said: format!("{place}: {what}"),
        place,
    };
    vec![
        fault(
            "a bit of an entry",
            |dir| flip(dir, "tile/entries/003", 72 * 5 + 40),
            "tile/entries/003",
            "entry 773 is not the one that the tree holds",
        ),
        fault(
            "a bit of an entry at the edge",
            |dir| flip(dir, "tile/entries/011.p/184", 2 + 69),
            "tile/entries/011.p/184",
            "entry 2816 is not the one that the tree holds",
        ),
        fault(
            "a bit of an entry's length",
            |dir| flip(dir, "tile/entries/003", 1),
            "tile/entries/003",
            "a tile of entries is cut short in entry 2",
        ),
        fault(
            "a bit of a leaf hash",
            |dir| flip(dir, "tile/0/004", 32 * 7),
            "tile/0/004",
            "it is not what tile/1/000.p/11 was made of",
        ),
        fault(
            "a bit of a leaf hash at the edge",
            |dir| flip(dir, "tile/0/011.p/184", 32 * 7),
            "tile/0/011.p/184",
            "hash 7 is not that of entry 2823",
        ),
        fault(
            "a bit of a hash above",
            |dir| flip(dir, "tile/1/000.p/11", 32 * 6 + 31),
            "tile/1/000.p/11",
            "hash 6 is not that of tile/0/006",
        ),
        fault(
            "a bit of the size",
            |dir| flip(dir, "checkpoint", NAME.len() + 1),
            "checkpoint",
            "a note's signature by the known key does not verify",
        ),
        fault(
            "a bit of the root",
            |dir| flip(dir, "checkpoint", NAME.len() + 1 + 5 + 10),
            "checkpoint",
            "a note's signature by the known key does not verify",
        ),
        fault(
            "a bit of the signature",
            |dir| {
                let length = fs::read(dir.join("checkpoint")).unwrap().len();
                flip(dir, "checkpoint", length - 20);
            },
            "checkpoint",
            "a note's signature by the known key does not verify",
        ),
        fault(
            "a bit of the key",
            |dir| flip(dir, "key", NAME.len() + 20),
            "key",
            "not an Ed25519 key for notes",
        ),
        fault("a bit of the key's name", |dir| flip(dir, "key", 0), "key", "not an Ed25519 key for notes"),
        fault(
            "another log's key",
            |dir| fs::write(dir.join("key"), Log { seed: [8; 32], ..Log::of(1) }.key()).unwrap(),
            "checkpoint",
            "a note is not signed by the known key",
        ),
        fault(
            "a truncated tile of hashes",
            |dir| truncate(dir, "tile/0/002", 8_191),
            "tile/0/002",
            "8191 bytes long instead of 8192",
        ),
        fault(
            "a truncated tile at the edge",
            |dir| truncate(dir, "tile/0/011.p/184", 183 * 32),
            "tile/0/011.p/184",
            "5856 bytes long instead of 5888",
        ),
        fault(
            "a truncated tile of entries",
            |dir| truncate(dir, "tile/entries/011.p/184", 72 * 183 + 10),
            "tile/entries/011.p/184",
            "a tile of entries is cut short in entry 183",
        ),
        fault(
            "an empty tile",
            |dir| truncate(dir, "tile/0/000", 0),
            "tile/0/000",
            "0 bytes long instead of 8192",
        ),
        fault(
            "a tile that is too long",
            |dir| fs::write(dir.join("tile/0/002"), [0; 8_193]).unwrap(),
            "tile/0/002",
            "larger than the 8192 bytes that it may have",
        ),
        fault(
            "a missing tile",
            |dir| fs::remove_file(dir.join("tile/0/005")).unwrap(),
            "tile/0/005",
            "it is missing",
        ),
        fault(
            "missing entries",
            |dir| fs::remove_file(dir.join("tile/entries/005")).unwrap(),
            "tile/entries/005",
            "it is missing",
        ),
        fault(
            "a checkpoint that the key signed of another tree",
            |dir| {
                let log = Log::of(SIZE);
                let forged = sign(NAME, SIZE, [3; 32], &log.signer());
                fs::write(dir.join("checkpoint"), forged).unwrap();
            },
            "checkpoint",
            "its root is not the one that the tiles lead to",
        ),
        fault(
            "a checkpoint of another origin",
            |dir| {
                let log = Log::of(SIZE);
                let other = sign("other.example/trails/1", SIZE, log.root(), &log.signer());
                fs::write(dir.join("checkpoint"), other).unwrap();
            },
            "checkpoint",
            "the checkpoint is another log's",
        ),
        fault(
            "an unsigned checkpoint",
            |dir| {
                let text = Checkpoint::new(NAME, SIZE, Log::of(SIZE).root()).unwrap().to_string();
                fs::write(dir.join("checkpoint"), text).unwrap();
            },
            "checkpoint",
            "a note does not end in signature lines",
        ),
        fault(
            "an unknown event",
            |dir| {
                let mut entry = of(Event::Withdrawn, 2_000, digest(1));
                entry[1] = 99;
                Log::of(SIZE).with(2_000, entry).write(dir);
            },
            "tile/entries/007",
            "entry 2000 is of event 99, which is unknown",
        ),
        fault(
            "an entry that is too short",
            |dir| {
                let entry = of(Event::Withdrawn, 2_001, digest(1))[..69].to_vec();
                Log::of(SIZE).with(2_001, entry).write(dir);
            },
            "tile/entries/007",
            "entry 2001 is 69 bytes long instead of 70",
        ),
        fault(
            "hours that run backwards",
            |dir| {
                let entry = at_hour(Event::Confirmed, 500_000 + 2_500 / 40 - 2, digest(2_500));
                Log::of(SIZE).with(2_500, entry).write(dir);
            },
            "tile/entries/009",
            "entry 2500 is dated 2 hours before one that stands ahead of it",
        ),
        fault(
            "an export of more rows than there were people",
            |dir| {
                let entry = of(Event::Exported, 2_899, service_tail(&id(1), 2_898, 958));
                Log::of(SIZE).with(2_899, entry).write(dir);
            },
            "tile/entries/011.p/184",
            "entry 2899 is an export of 958 rows at tree size 2898, where 957 people had said yes and not left",
        ),
        fault(
            "an export that looks ahead",
            |dir| {
                let entry = of(Event::Exported, 2_899, service_tail(&id(1), 2_900, 1));
                Log::of(SIZE).with(2_899, entry).write(dir);
            },
            "tile/entries/011.p/184",
            "entry 2899 is a `exported` that looks back on tree size 2900, which the log had not reached",
        ),
    ]
}
