//! A log made without any service, its files, and a web server over them.

pub mod web;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use optin::trail::checkpoint::Checkpoint;
use optin::trail::entry::{Event, LENGTH, ZEROS, entry, service_tail};
use optin::trail::growth::Growth;
use optin::trail::note::{Note, Signer};
use optin::trail::path;
use optin::trail::proof::Proof;
use optin::trail::tile::{Kind, Tile, WIDTH, perfect_root, write_entries};
use optin::trail::tree::{Frontier, Hash, leaf_hash};
use sha2::{Digest, Sha256};

pub const NAME: &str = "news.example/trails/1";
pub const SEED: [u8; 32] = [7; 32];
/// Of 11 full tiles of leaves, and a partial one.
pub const SIZE: u64 = 3_000;

/// A log, made without any service.
#[derive(Clone)]
pub struct Log {
    pub name: &'static str,
    pub seed: [u8; 32],
    pub entries: Vec<Vec<u8>>,
}

impl Log {
    /// A notice, then people who come and go, each entry different, a few an hour, and now and then an export.
    pub fn of(size: u64) -> Log {
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
    pub fn first(&self, size: u64) -> Log {
        Log { entries: self.entries[..size as usize].to_vec(), ..self.clone() }
    }

    /// The same with another entry at a place.
    pub fn with(mut self, index: u64, entry: Vec<u8>) -> Log {
        self.entries[index as usize] = entry;
        self
    }

    pub fn signer(&self) -> Signer {
        Signer::new(self.name, &self.seed).unwrap()
    }

    pub fn key(&self) -> String {
        self.signer().verifier().to_string()
    }

    fn grown(&self) -> Growth {
        let mut growth = Growth::new(Frontier::default());
        self.entries.iter().for_each(|entry| growth.push(leaf_hash(entry)));
        growth
    }

    pub fn root(&self) -> Hash {
        self.grown().frontier().root()
    }

    pub fn checkpoint(&self) -> String {
        sign(self.name, self.entries.len() as u64, self.root(), &self.signer())
    }

    /// The proof of an entry, as a receipt has it.
    pub fn proof(&self, index: u64) -> Proof {
        let leaves: Vec<Hash> = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
        let nodes = path::inclusion(index, leaves.len() as u64).unwrap();
        let hashes = path::hashes(&nodes, |subtree| {
            let begin = (subtree.index << subtree.level) as usize;
            perfect_root(&leaves[begin..begin + (1 << subtree.level)]).ok_or(())
        });
        let checkpoint = Note::parse(self.checkpoint().as_bytes()).unwrap();
        Proof::new(b"", index, hashes.unwrap(), checkpoint)
    }

    /// All its files at this size, beside those of other sizes that may be there.
    pub fn write(&self, dir: &Path) {
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
pub fn write_whole(dir: &Path) {
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

pub fn sign(name: &str, size: u64, root: Hash, signer: &Signer) -> String {
    Checkpoint::new(name, size, root).unwrap().sign(signer).unwrap().to_string()
}

/// An entry of the hour that it would be written at.
pub fn of(event: Event, n: u64, tail: [u8; 32]) -> Vec<u8> {
    at_hour(event, 500_000 + n / 40, tail)
}

pub fn at_hour(event: Event, hour: u64, tail: [u8; 32]) -> Vec<u8> {
    let at = Timestamp::from_second(hour as i64 * 3600).unwrap();
    let notice = if event.fills_the_slot() { [9; 32] } else { ZEROS };
    let bytes: [u8; LENGTH] = entry(event, at, &notice, &tail);
    bytes.to_vec()
}

pub fn digest(n: u64) -> [u8; 32] {
    Sha256::digest(n.to_be_bytes()).into()
}

pub fn id(n: u64) -> [u8; 16] {
    *digest(n).first_chunk().unwrap()
}

/// All files below a folder, by their paths.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
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
pub fn flip(dir: &Path, file: &str, byte: usize) {
    let path = dir.join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[byte] ^= 1;
    fs::write(path, bytes).unwrap();
}

pub fn truncate(dir: &Path, file: &str, length: usize) {
    let path = dir.join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write(path, &bytes[..length]).unwrap();
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
