//! How fast a trail grows, and how long a proof from a large one takes; no database.
//!
//! `cargo bench --bench trail [-- LEAVES]` prints entries hashed into the tree a second, tiles and all, in batches as
//! the sealer would, and the time to make each kind of proof from the tiles of the whole. Absolute figures are this
//! machine's.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::time::{Duration, Instant};

use optin::trail::entry::LENGTH;
use optin::trail::growth::Growth;
use optin::trail::path::{consistency, hashes, inclusion, verify_consistency, verify_inclusion};
use optin::trail::tile::{Kind, Tile, WIDTH, needed, subtree_hash};
use optin::trail::tree::{Frontier, Hash, Span, leaf_hash};

const BATCH: u64 = 1000;
const PROOFS: u64 = 2000;

fn main() {
    let asked = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let size: u64 = asked.unwrap_or(10_000_000);
    let mut log = Log::default();

    let start = Instant::now();
    while log.frontier.size() < size {
        log.grow(BATCH.min(size - log.frontier.size()));
    }
    let rate = size as f64 / start.elapsed().as_secs_f64();
    println!("{size} entries in batches of {BATCH}: {rate:.0} entries/s, tiles made");

    let (mut including, mut going_on) = (Duration::ZERO, Duration::ZERO);
    for n in 0..PROOFS {
        // Spread over the whole log, the same in each run.
        let other = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % size;
        let start = Instant::now();
        let proof = log.prove(&inclusion(other, size).unwrap());
        including += start.elapsed();
        verify_inclusion(&leaf_hash(&entry(other)), other, size, &proof, &log.frontier.root()).unwrap();

        let start = Instant::now();
        let proof = log.prove(&consistency(other, size).unwrap());
        going_on += start.elapsed();
        let first = log.prove(&[Span::whole(other)])[0];
        verify_consistency((other, &first), (size, &log.frontier.root()), &proof).unwrap();
    }
    println!("inclusion proof from {size} entries: {:.1} µs", micros(including));
    println!("consistency proof to {size} entries: {:.1} µs", micros(going_on));
}

fn micros(all: Duration) -> f64 {
    all.as_secs_f64() * 1e6 / PROOFS as f64
}

/// Bytes of an entry's length, each other than the next.
fn entry(index: u64) -> [u8; LENGTH] {
    let mut entry = [0; LENGTH];
    entry[LENGTH - 8..].copy_from_slice(&index.to_be_bytes());
    entry
}

/// A tree's tiles in memory, those of a level one behind the other.
#[derive(Default)]
struct Log {
    frontier: Frontier,
    levels: [Vec<u8>; 8],
}

impl Log {
    fn grow(&mut self, by: u64) {
        let from = self.frontier.size();
        let mut batch = Growth::new(std::mem::take(&mut self.frontier));
        (from..from + by).for_each(|index| batch.push(leaf_hash(&entry(index))));
        for addition in batch.additions() {
            self.levels[level(&addition.tile)].extend_from_slice(addition.hashes);
        }
        self.frontier = batch.frontier().clone();
    }

    /// The tiles that a proof needs are looked up first, as from a database, and its hashes computed from them.
    fn prove(&self, nodes: &[Span]) -> Vec<Hash> {
        let size = self.frontier.size();
        let needed = needed(nodes, size);
        let tile_of = |subtree| Tile::holding(subtree, size).filter(|tile| needed.contains(tile)).ok_or(());
        hashes(nodes, |subtree| subtree_hash(self.tile(&tile_of(subtree)?), subtree).ok_or(())).unwrap()
    }

    fn tile(&self, tile: &Tile) -> &[u8] {
        let begin = 32 * tile.index() as usize * usize::from(WIDTH);
        &self.levels[level(tile)][begin..begin + 32 * usize::from(tile.width())]
    }
}

fn level(tile: &Tile) -> usize {
    match tile.kind() {
        Kind::Hashes(level) => level.into(),
        Kind::Entries => unreachable!("a tree's tiles hold hashes"),
    }
}
