//! `optin trail`: what it finds whole, what it refuses and how it names it, and that a mirror survives anything.

mod kill;
mod mirror;
mod python;
mod verify;
mod web;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use optin::trail::checkpoint::Checkpoint;
use optin::trail::entry::{Event, LENGTH, ZEROS, entry, service_tail};
use optin::trail::growth::Growth;
use optin::trail::note::Signer;
use optin::trail::tile::{Kind, Tile, WIDTH, write_entries};
use optin::trail::tree::{Frontier, Hash, leaf_hash};
use sha2::{Digest, Sha256};

use crate::process::{Said, optin, run};

const NAME: &str = "news.example/trails/1";
const SEED: [u8; 32] = [7; 32];
/// Of 11 full tiles of leaves, and a partial one.
const SIZE: u64 = 3_000;

/// A log, made without any service.
#[derive(Clone)]
struct Log {
    name: &'static str,
    seed: [u8; 32],
    entries: Vec<Vec<u8>>,
}

impl Log {
    /// A notice, then people who come and go, each entry different, a few an hour, and now and then an export.
    fn of(size: u64) -> Log {
        let mut entries = Vec::new();
        let mut standing = 0;
        for n in 0..size {
            entries.push(match n % 100 {
                0 => of(Event::NoticePublished, n, service_tail(&[1; 16], 0, 0)),
                98 => of(Event::ExportBegan, n, service_tail(&id(n), n, 0)),
                99 => of(Event::Exported, n, service_tail(&id(n), n - 1, standing)),
                k if k % 3 == 0 => {
                    standing -= 1;
                    of(Event::Withdrawn, n, digest(n))
                }
                _ => {
                    standing += 1;
                    of(Event::Confirmed, n, digest(n))
                }
            });
        }
        Log { name: NAME, seed: SEED, entries }
    }

    /// Its first entries alone.
    fn first(&self, size: u64) -> Log {
        Log { entries: self.entries[..size as usize].to_vec(), ..self.clone() }
    }

    /// The same with another entry at a place.
    fn with(mut self, index: u64, entry: Vec<u8>) -> Log {
        self.entries[index as usize] = entry;
        self
    }

    fn signer(&self) -> Signer {
        Signer::new(self.name, &self.seed).unwrap()
    }

    fn key(&self) -> String {
        self.signer().verifier().to_string()
    }

    fn grown(&self) -> Growth {
        let mut growth = Growth::new(Frontier::default());
        self.entries.iter().for_each(|entry| growth.push(leaf_hash(entry)));
        growth
    }

    fn root(&self) -> Hash {
        self.grown().frontier().root()
    }

    fn checkpoint(&self) -> String {
        sign(self.name, self.entries.len() as u64, self.root(), &self.signer())
    }

    /// All its files at this size, beside those of other sizes that may be there.
    fn write(&self, dir: &Path) {
        let put = |path: String, bytes: &[u8]| {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let growth = self.grown();
        for addition in growth.additions() {
            put(addition.tile.to_string(), addition.hashes);
        }
        for (n, entries) in self.entries.chunks(WIDTH.into()).enumerate() {
            let tile = Tile::of(Kind::Entries, n as u64, self.entries.len() as u64).unwrap();
            put(tile.to_string(), &write_entries(entries.iter().map(Vec::as_slice)).unwrap());
        }
        put("key".into(), format!("{}\n", self.key()).as_bytes());
        put("checkpoint".into(), self.checkpoint().as_bytes());
    }
}

/// The whole log's files. They are made once.
fn write_whole(dir: &Path) {
    static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        Log::of(SIZE).write(dir.path());
        files(dir.path())
    });
    for (path, bytes) in &*FILES {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn sign(name: &str, size: u64, root: Hash, signer: &Signer) -> String {
    Checkpoint::new(name, size, root).unwrap().sign(signer).unwrap().to_string()
}

/// An entry of the hour that it would be written at.
fn of(event: Event, n: u64, tail: [u8; 32]) -> Vec<u8> {
    at_hour(event, 500_000 + n / 40, tail)
}

fn at_hour(event: Event, hour: u64, tail: [u8; 32]) -> Vec<u8> {
    let at = Timestamp::from_second(hour as i64 * 3600).unwrap();
    let notice = if event.fills_the_slot() { [9; 32] } else { ZEROS };
    let bytes: [u8; LENGTH] = entry(event, at, &notice, &tail);
    bytes.to_vec()
}

fn digest(n: u64) -> [u8; 32] {
    Sha256::digest(n.to_be_bytes()).into()
}

fn id(n: u64) -> [u8; 16] {
    *digest(n).first_chunk().unwrap()
}

/// All files below a folder, by their paths.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut folders, mut found) = (vec![dir.to_owned()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// Changes one bit of a file.
fn flip(dir: &Path, file: &str, byte: usize) {
    let path = dir.join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[byte] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

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

fn truncate(dir: &Path, file: &str, length: usize) {
    let path = dir.join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write(path, &bytes[..length]).unwrap();
}
