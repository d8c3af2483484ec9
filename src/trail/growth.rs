//! A tree that grows by a batch of leaves, and what the batch adds to its tiles.

use crate::trail::tile::{HEIGHT, Kind, LEVELS, Tile, WIDTH, changed};
use crate::trail::tree::{Frontier, Hash};

/// A growing tree. It keeps the hashes that the batch made and that tiles hold: 33 bytes a leaf.
pub struct Growth {
    frontier: Frontier,
    /// The size before the batch.
    from: u64,
    /// The new hashes by level of tiles.
    made: [Vec<Hash>; LEVELS as usize],
}

/// What a batch adds to one tile.
#[derive(Debug, PartialEq, Eq)]
pub struct Addition<'a> {
    /// The tile as it is after the batch.
    pub tile: Tile,
    /// How many hashes the tile had before it.
    pub had: u16,
    /// The hashes that come after those, 32 bytes each.
    pub hashes: &'a [u8],
}

impl Growth {
    /// A batch on top of the tree with this right edge.
    pub fn new(frontier: Frontier) -> Growth {
        Growth { from: frontier.size(), frontier, made: Default::default() }
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let made = &mut self.made;
        self.frontier.push(leaf, |subtree, hash| {
            if subtree.level % HEIGHT == 0 {
                made[usize::from(subtree.level / HEIGHT)].push(hash);
            }
        });
    }

    /// The right edge after the batch so far.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// What the batch adds to each tile that it changes, level by level from the leaves up.
    pub fn additions(&self) -> impl Iterator<Item = Addition<'_>> {
        changed(self.from, self.frontier.size()).filter_map(|tile| {
            let Kind::Hashes(level) = tile.kind() else { return None };
            let first = self.from >> (HEIGHT * level);
            let begin = tile.index() * u64::from(WIDTH);
            let had = first.saturating_sub(begin);
            let new = (begin + had - first) as usize..(begin + u64::from(tile.width()) - first) as usize;
            let hashes = self.made[usize::from(level)][new].as_flattened();
            Some(Addition { tile, had: had as u16, hashes })
        })
    }
}

#[cfg(test)]
mod tests;
