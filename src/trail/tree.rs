//! The hash tree of RFC 6962, section 2.1: hashes, the parts of a tree, and the right edge by which one grows.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The most leaves a tree of ours, or one that we read of, can have: 2⁶³ − 1.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// `SHA-256(0x00 ‖ entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves: the SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root over neighbouring perfect subtrees, each larger than the next, from their hashes right to left.
fn join<E>(from_the_right: impl Iterator<Item = Result<Hash, E>>) -> Result<Hash, E> {
    let mut joined = None;
    for left in from_the_right {
        let left = left?;
        joined = Some(joined.map_or(left, |right| node_hash(&left, &right)));
    }
    Ok(joined.unwrap_or_else(empty_root))
}

/// A perfect subtree: the 2^`level` leaves from `index << level` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subtree {
    /// 0 for a leaf, at most 63.
    pub level: u8,
    pub index: u64,
}

impl Subtree {
    /// Its leaves, as far as the tree reaches.
    pub(super) fn within(self, size: u64) -> Span {
        let begin = self.index << self.level;
        Span { begin, end: begin.saturating_add(1 << self.level).min(size) }
    }
}

/// The leaves under one node of a tree, perfect or at its right edge: `begin` is a multiple of a power of two that is
/// no smaller than the length. Only this floor makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    begin: u64,
    end: u64,
}

impl Span {
    /// The whole of a tree.
    pub fn whole(size: u64) -> Span {
        Span { begin: 0, end: size }
    }

    /// The perfect subtrees it falls into, from left to right, each larger than the next: 63 at most.
    pub fn subtrees(self) -> impl DoubleEndedIterator<Item = Subtree> {
        let length = self.end - self.begin;
        let present = (0..64).rev().filter(move |level| length >> level & 1 == 1);
        present.map(move |level| Subtree { level, index: (self.begin >> level) + (length >> level & !1) })
    }

    /// Its hash, from those of the subtrees it falls into.
    pub fn hash<E>(self, read: impl FnMut(Subtree) -> Result<Hash, E>) -> Result<Hash, E> {
        join(self.subtrees().rev().map(read))
    }
}

/// The right edge of a tree: its size and the hashes of the perfect subtrees it falls into. All that growing needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From left to right, one for each bit of the size.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree's root, in at most 63 hashes.
    pub fn root(&self) -> Hash {
        let Ok(root) = join(self.peaks.iter().rev().copied().map(Ok::<_, std::convert::Infallible>));
        root
    }

    /// Adds a leaf by its hash, and tells of each perfect subtree that it completes, from the leaf itself upwards:
    /// two a leaf on average, 64 at most.
    pub fn push(&mut self, leaf: Hash, mut made: impl FnMut(Subtree, Hash)) {
        let (mut at, mut hash) = (Subtree { level: 0, index: self.size }, leaf);
        made(at, hash);
        while at.index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            (at, hash) = (Subtree { level: at.level + 1, index: at.index >> 1 }, node_hash(&left, &hash));
            made(at, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// `size u64be ‖ hashes`: at most 2,024 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.size.to_be_bytes(), self.peaks.as_flattened()].concat()
    }

    /// Reads [`Frontier::to_bytes`]; nothing where there is a hash too many or too few, or a size beyond [`MAX_SIZE`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Frontier> {
        let (size, peaks) = bytes.split_first_chunk()?;
        let size = u64::from_be_bytes(*size);
        let (peaks, rest) = peaks.as_chunks();
        let fits = size <= MAX_SIZE && rest.is_empty() && peaks.len() == size.count_ones() as usize;
        fits.then(|| Frontier { size, peaks: peaks.to_vec() })
    }
}

#[cfg(test)]
mod tests;
