//! What the tests of several formats share.

use std::collections::HashMap;
use std::convert::Infallible;

use proptest::prelude::*;

use crate::trail::tree::{Frontier, Hash, Span, Subtree, leaf_hash, node_hash};

/// Test vector: the leaves that implementations of RFC 6962 are commonly tried with.
pub const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// Test vector: the roots over the first 0 to 8 of them, which Python's hashlib gives too.
pub const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A log in memory: its entries, each its own number, and the hash of every perfect subtree.
#[derive(Default)]
pub struct Log {
    pub frontier: Frontier,
    subtrees: HashMap<Subtree, Hash>,
}

impl Log {
    pub fn of(size: u64) -> Log {
        let mut log = Log::default();
        (0..size).for_each(|_| log.push());
        log
    }

    pub fn push(&mut self) {
        let leaf = leaf_hash(&Log::entry(self.frontier.size()));
        self.frontier.push(leaf, |subtree, hash| _ = self.subtrees.insert(subtree, hash));
    }

    pub fn entry(index: u64) -> [u8; 8] {
        index.to_be_bytes()
    }

    pub fn read(&self, subtree: Subtree) -> Result<Hash, Infallible> {
        Ok(self.subtrees[&subtree])
    }

    pub fn root(&self, size: u64) -> Hash {
        let Ok(root) = Span::whole(size).hash(|subtree| self.read(subtree));
        root
    }
}

/// Trees of any size, whose leaves are all the same: so is then every subtree of a level.
pub struct Monotone(Vec<Hash>);

impl Monotone {
    pub fn new() -> Monotone {
        let above = |hash: &Hash| Some(node_hash(hash, hash));
        Monotone(std::iter::successors(Some(leaf_hash(b"")), above).take(64).collect())
    }

    pub fn read(&self, subtree: Subtree) -> Result<Hash, Infallible> {
        Ok(self.0[usize::from(subtree.level)])
    }

    pub fn root(&self, size: u64) -> Hash {
        let Ok(root) = Span::whole(size).hash(|subtree| self.read(subtree));
        root
    }
}

/// Test vector: of the key whose 32 secret bytes are all 7, computed with Python's cryptography package from the
/// documented formulas; so are the next two.
pub const VERIFIER: &str = "news.example/trails/1+6af8ff41+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";

/// Its checkpoint of the first seven [`LEAVES`].
pub const CHECKPOINT: &str = "\
news.example/trails/1
7
3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=

— news.example/trails/1 avj/QdGdMevialN6dCVFO949+pegCuc+E1wK7Pu89tuPAyYUzP+j44GzoRsTDZ0/mFm9pMSYaRPpWmHhR1vFclFe+A4=
";

/// A proof of the fifth of them, before its checkpoint.
pub const PROOF: &str = "\
c2sp.org/tlog-proof@v1
extra c2FsdA==
index 4
QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=
sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=
037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=

";

/// A text with one thing changed: a character taken out, put in, or made another.
pub fn changed(text: &str) -> impl Strategy<Value = String> + use<> {
    let letters: Vec<char> = text.chars().collect();
    let other =
        prop_oneof![Just('\n'), Just(' '), Just('0'), Just('A'), Just('='), Just('\u{a0}'), any::<char>()];
    (any::<prop::sample::Index>(), 0..3, other).prop_map(move |(at, how, other)| {
        let mut letters = letters.clone();
        let at = at.index(letters.len());
        match how {
            0 => _ = letters.remove(at),
            1 => letters.insert(at, other),
            _ => letters[at] = other,
        }
        letters.into_iter().collect()
    })
}
