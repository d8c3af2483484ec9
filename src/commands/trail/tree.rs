//! A log's hashes, read tile by tile from the signed root down: nothing is believed that the root does not vouch for,
//! and what is wrong is wrong in the tile that is named.

use std::collections::BTreeMap;

use super::fault::{Fault, Piece, Wrong, length};
use crate::trail::checkpoint::Checkpoint;
use crate::trail::path::{Unproven, consistency, verify_consistency};
use crate::trail::tile::{
    HEIGHT, Kind, LEVELS, Tile, WIDTH, needed, perfect_root, proof_hashes, read_entries, subtree_hash,
};
use crate::trail::tree::{Hash, Span, leaf_hash};

/// The tree of a checkpoint. It holds two tiles a level, whatever its size.
pub struct Tree<'a, R> {
    checkpoint: &'a Checkpoint,
    /// Gives a tile's bytes, which may be any.
    read: &'a R,
    /// The partial tiles at the right edge, which together make the root, by level.
    edge: Level,
    /// The full tiles above the one that was checked last, by level.
    above: Level,
}

/// Tiles with their bytes, by level.
type Level = BTreeMap<u8, (Tile, Vec<u8>)>;

impl<'a, R> Tree<'a, R>
where
    R: AsyncFn(Tile) -> Result<Vec<u8>, Fault>,
{
    /// Reads the right edge and holds it against the root. Where the two do not agree, entries are read, if they can be,
    /// to find out what is to blame.
    pub async fn open(checkpoint: &'a Checkpoint, read: &'a R, with_entries: bool) -> Result<Self, Fault> {
        let size = checkpoint.size();
        let mut edge = Level::new();
        for level in 0..LEVELS {
            let index = size >> (HEIGHT * level) >> HEIGHT;
            if let Some(tile) = Tile::of(Kind::Hashes(level), index, size) {
                edge.insert(level, (tile, whole(tile, read(tile).await?)?));
            }
        }
        let tree = Tree { checkpoint, read, edge, above: Level::new() };
        if tree.root() == Some(*checkpoint.root()) { Ok(tree) } else { Err(tree.blame(with_entries).await) }
    }

    fn root(&self) -> Option<Hash> {
        let root = Span::whole(self.checkpoint.size()).hash(|subtree| {
            let held = self.edge.get(&(subtree.level / HEIGHT));
            held.and_then(|(_, bytes)| subtree_hash(bytes, subtree)).ok_or(())
        });
        root.ok()
    }

    /// What is to blame for another root: the lowest tile of the edge that does not agree with what is below it.
    async fn blame(&self, with_entries: bool) -> Fault {
        for (tile, bytes) in self.edge.values() {
            let found = match tile.entries() {
                None => self.blame_children(*tile, bytes).await,
                Some(entries) if with_entries => self.blame_leaves(*tile, bytes, entries).await,
                // Leaf hashes that nothing can be held against may be what is wrong.
                Some(_) => continue,
            };
            if let Err(fault) = found {
                return fault;
            }
        }
        match self.edge.get(&0) {
            Some((leaves, _)) if !with_entries => Wrong::Edge.in_tile(*leaves),
            _ => Wrong::Root.at(Piece::Checkpoint),
        }
    }

    async fn blame_children(&self, tile: Tile, bytes: &[u8]) -> Result<(), Fault> {
        let Kind::Hashes(level) = tile.kind() else { return Ok(()) };
        let first = first_of(tile);
        for (n, hash) in bytes.as_chunks().0.iter().enumerate() {
            let size = self.checkpoint.size();
            let Some(child) = Tile::of(Kind::Hashes(level - 1), first + n as u64, size) else { continue };
            if root_of(&whole(child, (self.read)(child).await?)?) != Some(*hash) {
                return Err(Wrong::Hash { hash: n, of: child }.in_tile(tile));
            }
        }
        Ok(())
    }

    async fn blame_leaves(&self, tile: Tile, bytes: &[u8], entries: Tile) -> Result<(), Fault> {
        let read = (self.read)(entries).await?;
        let read = read_entries(&read, tile.width()).map_err(|bad| Wrong::from(bad).in_tile(entries))?;
        let hashes = bytes.as_chunks().0;
        match read.iter().zip(hashes).position(|(entry, hash)| leaf_hash(entry) != *hash) {
            Some(n) => Err(Wrong::Leaf { hash: n, index: first_of(tile) + n as u64 }.in_tile(tile)),
            None => Ok(()),
        }
    }

    /// A tile of hashes that the root vouches for.
    pub async fn tile(&mut self, tile: Tile) -> Result<Vec<u8>, Fault> {
        match self.at_edge(tile) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => {
                let bytes = (self.read)(tile).await?;
                self.check(tile, &bytes).await?;
                Ok(bytes)
            }
        }
    }

    /// The bytes of a partial tile.
    pub fn at_edge(&self, tile: Tile) -> Option<&[u8]> {
        let Kind::Hashes(level) = tile.kind() else { return None };
        let (_, bytes) = self.edge.get(&level).filter(|(edge, _)| *edge == tile)?;
        Some(bytes)
    }

    /// Holds a full tile's bytes against the hash that the tile above has of it, which is checked in the same way.
    pub async fn check(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), Fault> {
        let Kind::Hashes(level) = tile.kind() else { return Ok(()) };
        let mut vouched = None;
        for height in (level..LEVELS).rev() {
            let index = tile.index() >> (HEIGHT * (height - level));
            let Some(at) = Tile::of(Kind::Hashes(height), index, self.checkpoint.size()) else { continue };
            if height == level {
                vouched_for(at, bytes, vouched)?;
                break;
            }
            let is_held = self.above.get(&height).is_some_and(|(held, _)| *held == at);
            if at.is_full() && !is_held {
                let bytes = (self.read)(at).await?;
                vouched_for(at, &bytes, vouched)?;
                self.above.insert(height, (at, bytes));
            }
            let held = if at.is_full() { &self.above } else { &self.edge };
            let next = (tile.index() >> (HEIGHT * (height - level - 1))) % u64::from(WIDTH);
            let hash = held.get(&height).and_then(|(_, bytes)| bytes.as_chunks().0.get(next as usize));
            vouched = hash.map(|hash| (at, *hash));
        }
        Ok(())
    }

    /// Whether the log that the first checkpoint is of has become this one.
    pub async fn goes_on_from(&mut self, first: &Checkpoint) -> Result<Result<(), Unproven>, Fault> {
        let size = self.checkpoint.size();
        let nodes = match consistency(first.size(), size) {
            Ok(nodes) => nodes,
            Err(unproven) => return Ok(Err(unproven)),
        };
        let mut tiles = BTreeMap::new();
        for tile in needed(&nodes, size) {
            tiles.insert(tile, self.tile(tile).await?);
        }
        let proof = proof_hashes(&nodes, size, &tiles).ok_or(Unproven::Length);
        let (first, second) = ((first.size(), first.root()), (size, self.checkpoint.root()));
        Ok(proof.and_then(|proof| verify_consistency(first, second, &proof)))
    }
}

/// Holds a tile against the hash that a tile above has of it.
fn vouched_for(tile: Tile, bytes: &[u8], vouched: Option<(Tile, Hash)>) -> Result<(), Fault> {
    let bytes = whole(tile, bytes)?;
    match vouched {
        Some((_, hash)) if root_of(bytes) == Some(hash) => Ok(()),
        Some((above, _)) => Err(Wrong::NotIn(above).in_tile(tile)),
        None => Err(Wrong::Root.at(Piece::Checkpoint)),
    }
}

/// A tile's bytes, where they are as many as it has.
fn whole<B: AsRef<[u8]>>(tile: Tile, bytes: B) -> Result<B, Fault> {
    let (found, length) = (bytes.as_ref().len(), length(tile));
    if found == length { Ok(bytes) } else { Err(Wrong::Length { found, length }.in_tile(tile)) }
}

fn root_of(bytes: &[u8]) -> Option<Hash> {
    perfect_root(bytes.as_chunks().0)
}

/// The index of a tile's first hash or entry.
pub fn first_of(tile: Tile) -> u64 {
    tile.index() * u64::from(WIDTH)
}
