//! Proofs in a tree: that it holds an entry, and that it goes on from an earlier one (RFC 9162, section 2.1).
//!
//! A proof is made in two steps, so that the hashes may come from anywhere: [`inclusion`] and [`consistency`] say which
//! nodes it consists of, [`hashes`] reads them.

use crate::trail::tree::{Hash, Span, Subtree, empty_root, node_hash};

/// Why there is no proof, or why one proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("a tree of size {size} has no entry {index}")]
    NoSuchEntry { index: u64, size: u64 },
    #[error("a tree of size {second} does not go on from one of size {first}")]
    Shrunk { first: u64, second: u64 },
    #[error("two trees of size {size} have different roots")]
    Forked { size: u64 },
    #[error("an empty tree has another root")]
    NotEmpty,
    #[error("the proof is of the wrong length")]
    Length,
    #[error("the proof leads to another root")]
    Root,
}

/// The nodes that prove the entry at an index, from the leaf's sibling up (RFC 9162, section 2.1.3.1): 63 at most.
pub fn inclusion(index: u64, size: u64) -> Result<Vec<Span>, Unproven> {
    if index >= size {
        return Err(Unproven::NoSuchEntry { index, size });
    }
    Ok(siblings(index, 0, size).collect())
}

/// The nodes that prove that a tree of the second size begins with one of the first (RFC 9162, section 2.1.4.1): 64 at
/// most, none where the first is empty or the whole.
pub fn consistency(first: u64, second: u64) -> Result<Vec<Span>, Unproven> {
    if first > second {
        return Err(Unproven::Shrunk { first, second });
    }
    if first == 0 || first == second {
        return Ok(Vec::new());
    }
    // The last perfect subtree of the first tree is a node of both. Where it is the whole first tree, its hash is
    // known already.
    let level = first.trailing_zeros() as u8;
    let common = Subtree { level, index: (first - 1) >> level };
    let known = first.is_power_of_two();
    Ok((!known)
        .then(|| common.within(second))
        .into_iter()
        .chain(siblings(first - 1, level, second))
        .collect())
}

/// Reads the nodes of a proof.
pub fn hashes<E>(nodes: &[Span], mut read: impl FnMut(Subtree) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    nodes.iter().map(|node| node.hash(&mut read)).collect()
}

/// The siblings of the nodes between a leaf and the root, from that level up.
fn siblings(leaf: u64, from: u8, size: u64) -> impl Iterator<Item = Span> {
    // Below the fork, where the ways to this leaf and to the last one part, every node has a sibling; above it the
    // way runs along the right edge, where only right children have one.
    let fork = 64 - (leaf ^ (size - 1)).leading_zeros();
    let nodes = (from..64).map(move |level| Subtree { level, index: leaf >> level });
    let paired = nodes.filter(move |node| u32::from(node.level) < fork || node.index & 1 == 1);
    paired.map(move |node| Subtree { index: node.index ^ 1, ..node }.within(size))
}

/// Checks that the tree with this size and root holds this leaf at this index (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Unproven> {
    if index >= size {
        return Err(Unproven::NoSuchEntry { index, size });
    }
    let mut climb = Climb { node: index, last: size - 1 };
    let mut hash = *leaf;
    for other in proof {
        hash = match climb.step()? {
            Side::Left => node_hash(other, &hash),
            Side::Right => node_hash(&hash, other),
        };
    }
    climb.end()?;
    if hash == *root { Ok(()) } else { Err(Unproven::Root) }
}

/// Checks that the second tree, a size and a root, begins with the first (RFC 9162, section 2.1.4.2). Of trees of one
/// size the roots must be the same, an empty tree has its own root and begins every other; for these the proof is empty.
pub fn verify_consistency(first: (u64, &Hash), second: (u64, &Hash), proof: &[Hash]) -> Result<(), Unproven> {
    let ((first, first_root), (second, second_root)) = (first, second);
    if first > second {
        return Err(Unproven::Shrunk { first, second });
    }
    if first == 0 && *first_root != empty_root() {
        return Err(Unproven::NotEmpty);
    }
    if first == second && first_root != second_root {
        return Err(Unproven::Forked { size: first });
    }
    if first == 0 || first == second {
        return if proof.is_empty() { Ok(()) } else { Err(Unproven::Length) };
    }
    let (common, path) = if first.is_power_of_two() {
        (first_root, proof)
    } else {
        proof.split_first().ok_or(Unproven::Length)?
    };
    let level = first.trailing_zeros();
    let mut climb = Climb { node: (first - 1) >> level, last: (second - 1) >> level };
    let (mut older, mut newer) = (*common, *common);
    for other in path {
        match climb.step()? {
            Side::Left => (older, newer) = (node_hash(other, &older), node_hash(other, &newer)),
            Side::Right => newer = node_hash(&newer, other),
        }
    }
    climb.end()?;
    if older == *first_root && newer == *second_root { Ok(()) } else { Err(Unproven::Root) }
}

/// On which side of the node so far the next hash of a proof stands.
enum Side {
    Left,
    Right,
}

/// The way from a node up to the root: RFC 9162's `fn` and `sn`, the node's index in its level and the last one's.
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    /// Goes up past the next node that has a sibling; refused at the root, where the proof should have ended.
    fn step(&mut self) -> Result<Side, Unproven> {
        if self.last == 0 {
            return Err(Unproven::Length);
        }
        let on_the_edge = self.node == self.last;
        let side = if on_the_edge || self.node & 1 == 1 { Side::Left } else { Side::Right };
        // A left child at the right edge has no sibling: its parent has the same hash.
        let alone = if on_the_edge { self.node.trailing_zeros() } else { 0 };
        self.node = self.node >> alone >> 1;
        self.last = self.last >> alone >> 1;
        Ok(side)
    }

    fn end(self) -> Result<(), Unproven> {
        if self.last == 0 { Ok(()) } else { Err(Unproven::Length) }
    }
}

#[cfg(test)]
mod tests;
