//! Tiles: a tree's hashes, and its entries, cut into pieces that never change (C2SP tlog-tiles).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::trail::path::hashes;
use crate::trail::text::decimal;
use crate::trail::tree::{Hash, MAX_SIZE, Span, Subtree, node_hash};

/// The levels of the tree that one level of tiles spans.
pub const HEIGHT: u8 = 8;
/// The hashes, or entries, of a full tile.
pub const WIDTH: u16 = 1 << HEIGHT;
/// The levels of tiles that a tree of at most [`MAX_SIZE`] leaves has.
pub const LEVELS: u8 = 8;
/// The highest level that a path may name.
const HIGHEST: u8 = 63;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hashes of that level: leaf hashes at 0, above it each the root of a full tile of the level below. 63 at most.
    Hashes(u8),
    Entries,
}

/// A tile's place and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    kind: Kind,
    index: u64,
    width: u16,
}

/// A text that is no tile's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct NotATile;

impl Tile {
    /// The tile at an index of its level, in a tree of that size, which it may be part of: nothing where it is empty.
    pub fn of(kind: Kind, index: u64, size: u64) -> Option<Tile> {
        let begin = index.checked_mul(WIDTH.into())?;
        let width = hashes_at(kind, size).saturating_sub(begin).min(WIDTH.into());
        (width > 0).then_some(Tile { kind, index, width: width as u16 })
    }

    /// The tile of a tree of that size in which a perfect subtree's hash is found, or can be computed.
    pub fn holding(subtree: Subtree, size: u64) -> Option<Tile> {
        let (level, height) = (subtree.level / HEIGHT, subtree.level % HEIGHT);
        Tile::of(Kind::Hashes(level), subtree.index >> (HEIGHT - height), size)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// Its index among the tiles of its level; times 256 it is the index of its first hash or entry.
    pub fn index(&self) -> u64 {
        self.index
    }
    /// The number of its hashes or entries: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }
    /// The full tile that a partial one will become, which may stand in for it.
    pub fn full(&self) -> Tile {
        Tile { width: WIDTH, ..*self }
    }
    /// The tile of entries that belongs to a tile of leaf hashes.
    pub fn entries(&self) -> Option<Tile> {
        (self.kind == Kind::Hashes(0)).then_some(Tile { kind: Kind::Entries, ..*self })
    }
}

/// The hashes or entries that a tree of that size has at a level.
fn hashes_at(kind: Kind, size: u64) -> u64 {
    match kind {
        Kind::Entries => size,
        Kind::Hashes(level) => size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0),
    }
}

/// The tiles of hashes that a tree of size `new` has and that one of size `old` has not, or has narrower; level by
/// level from the leaves up. With `old` 0 these are all the tree's tiles.
pub fn changed(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0..LEVELS).flat_map(move |level| {
        let kind = Kind::Hashes(level);
        let (had, has) = (hashes_at(kind, old), hashes_at(kind, new));
        let indices = if had < has { had >> HEIGHT..has.div_ceil(WIDTH.into()) } else { 0..0 };
        indices.filter_map(move |index| Tile::of(kind, index, new))
    })
}

/// The tiles of a tree of that size from which the nodes of a proof are read.
pub fn needed(nodes: &[Span], size: u64) -> BTreeSet<Tile> {
    let subtrees = nodes.iter().flat_map(|node| node.subtrees());
    subtrees.filter_map(|subtree| Tile::holding(subtree, size)).collect()
}

/// The hashes of a proof's nodes in a tree of that size, from the bytes of the tiles that are [`needed`] for it; nothing
/// where one of these is missing or too short.
pub fn proof_hashes(nodes: &[Span], size: u64, tiles: &BTreeMap<Tile, Vec<u8>>) -> Option<Vec<Hash>> {
    let read = |subtree| subtree_hash(tiles.get(&Tile::holding(subtree, size)?)?, subtree);
    hashes(nodes, |subtree| read(subtree).ok_or(())).ok()
}

/// The hash of a perfect subtree, from the bytes of the tile that is [`Tile::holding`] it; nothing where the bytes do
/// not reach so far. At most 127 hashings.
pub fn subtree_hash(tile: &[u8], subtree: Subtree) -> Option<Hash> {
    let height = subtree.level % HEIGHT;
    let width = 1 << height;
    let begin = (subtree.index << height) as usize % usize::from(WIDTH);
    perfect_root(tile.as_chunks().0.get(begin..begin + width)?)
}

/// The root over 2ⁿ hashes; nothing for any other number of them.
pub fn perfect_root(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.pop()
}

/// `tile/<L>/<N>` or `tile/entries/<N>`, and `.p/<W>` where the tile is partial. `N` is in groups of three digits, all
/// but the last after an `x`: `x001/x234/067`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        let group = |place: u32| self.index / 1000_u64.pow(place) % 1000;
        let above = (1..=6).rev().skip_while(|place| self.index < 1000_u64.pow(*place));
        above.into_iter().try_for_each(|place| write!(f, "x{:03}/", group(place)))?;
        write!(f, "{:03}", group(0))?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Reads what `Display` writes, in that spelling only. Levels that no tree reaches are read, up to 63; of indices none
/// whose hashes could not be counted.
impl FromStr for Tile {
    type Err = NotATile;

    fn from_str(path: &str) -> Result<Tile, NotATile> {
        let (level, rest) =
            path.strip_prefix("tile/").and_then(|path| path.split_once('/')).ok_or(NotATile)?;
        let kind = match level {
            "entries" => Kind::Entries,
            _ => Kind::Hashes(small(level, 0, HIGHEST.into()).ok_or(NotATile)? as u8),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, small(width, 1, WIDTH - 1).ok_or(NotATile)?),
            None => (rest, WIDTH),
        };
        Ok(Tile { kind, index: parse_index(index).ok_or(NotATile)?, width })
    }
}

fn small(text: &str, least: u16, most: u16) -> Option<u16> {
    let number = decimal(text)?.try_into().ok()?;
    (least..=most).contains(&number).then_some(number)
}

fn parse_index(text: &str) -> Option<u64> {
    let mut groups = text.split('/').rev();
    let last = groups.next()?;
    let mut above = groups.rev().peekable();
    if above.peek() == Some(&"x000") {
        return None;
    }
    let mut index = 0_u64;
    for group in above {
        index = index.checked_mul(1000)?.checked_add(three_digits(group.strip_prefix('x')?)?)?;
    }
    index = index.checked_mul(1000)?.checked_add(three_digits(last)?)?;
    (index <= MAX_SIZE >> HEIGHT).then_some(index)
}

fn three_digits(text: &str) -> Option<u64> {
    let is_one = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { text.parse().ok() } else { None }
}

/// Why a tile of entries cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBundle {
    #[error("entry {0} of a tile is longer than 65,535 bytes")]
    TooLong(usize),
    #[error("a tile of entries is cut short in entry {0}")]
    Short(usize),
    #[error("a tile of entries holds more than its {0}")]
    Extra(u16),
}

/// The bytes of a tile of entries: each after its length, u16be.
pub fn write_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BadBundle> {
    let mut bytes = Vec::new();
    for (n, entry) in entries.into_iter().enumerate() {
        let length = u16::try_from(entry.len()).map_err(|_| BadBundle::TooLong(n))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a tile that should hold so many, and nothing else.
pub fn read_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BadBundle> {
    let mut rest = bytes;
    let mut entries = Vec::new();
    for n in 0..usize::from(width) {
        let (length, after) = rest.split_first_chunk().ok_or(BadBundle::Short(n))?;
        let (entry, after) =
            after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(BadBundle::Short(n))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BadBundle::Extra(width)) }
}

#[cfg(test)]
mod tests;
