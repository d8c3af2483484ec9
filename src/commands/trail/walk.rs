//! A whole log, from its first entry to its last: hashes, entries, and whether what they say adds up.

use futures_util::stream::{self, StreamExt as _};

use super::fault::{Fault, Wrong};
use super::tree::{Tree, first_of};
use crate::trail::audit::Audit;
use crate::trail::checkpoint::Checkpoint;
use crate::trail::tile::{HEIGHT, Kind, Tile, WIDTH, changed, read_entries};
use crate::trail::tree::{Hash, leaf_hash};

/// How many tiles are asked for before it is their turn.
const AHEAD: usize = 8;

/// A tile of leaf hashes and its entries, as they were read.
struct Leaves {
    tile: Tile,
    hashes: Vec<u8>,
    entries: Option<Vec<u8>>,
}

/// Checks what a log of that size has more than one of size `from`, and hands on each tile once it has been checked;
/// with an audit, which has heard of all entries before, the entries too.
pub async fn walk<R>(
    checkpoint: &Checkpoint,
    from: u64,
    mut audit: Option<&mut Audit>,
    read: &R,
    mut keep: impl FnMut(Tile, &[u8]) -> Result<(), Fault>,
) -> Result<(), Fault>
where
    R: AsyncFn(Tile) -> Result<Vec<u8>, Fault>,
{
    let (size, with_entries) = (checkpoint.size(), audit.is_some());
    let mut tree = Tree::open(checkpoint, read, with_entries).await?;
    let indices = if from < size { from >> HEIGHT..size.div_ceil(WIDTH.into()) } else { 0..0 };
    let tiles = indices.filter_map(|index| Tile::of(Kind::Hashes(0), index, size));
    let read_leaves = async |tile: Tile| {
        // A partial tile is held already.
        let hashes = if tile.is_full() { read(tile).await? } else { Vec::new() };
        let entries = match tile.entries() {
            Some(entries) if with_entries => Some(read(entries).await?),
            _ => None,
        };
        Ok(Leaves { tile, hashes, entries })
    };
    let mut leaves = std::pin::pin!(stream::iter(tiles).map(read_leaves).buffered(AHEAD));
    while let Some(next) = leaves.next().await {
        let Leaves { tile, hashes, entries } = next?;
        let hashes = match tree.at_edge(tile) {
            Some(hashes) => hashes,
            None => {
                tree.check(tile, &hashes).await?;
                &hashes
            }
        };
        if let Some((bytes, audit)) = entries.zip(audit.as_deref_mut())
            && let Some(entries) = tile.entries()
        {
            check_entries(entries, &bytes, hashes.as_chunks().0, audit)?;
            keep(entries, &bytes)?;
        }
        keep(tile, hashes)?;
    }
    for tile in changed(from, size).filter(|tile| tile.entries().is_none()) {
        keep(tile, &tree.tile(tile).await?)?;
    }
    Ok(())
}

/// Holds entries against their hashes, and audits those that have not been.
fn check_entries(tile: Tile, bytes: &[u8], hashes: &[Hash], audit: &mut Audit) -> Result<(), Fault> {
    let entries = read_entries(bytes, tile.width()).map_err(|bad| Wrong::from(bad).in_tile(tile))?;
    for (index, (entry, hash)) in (first_of(tile)..).zip(entries.into_iter().zip(hashes)) {
        if leaf_hash(entry) != *hash {
            return Err(Wrong::Entry(index).in_tile(tile));
        }
        if index == audit.size() {
            audit.take(entry).map_err(|fault| Wrong::from(fault).in_tile(tile))?;
        }
    }
    Ok(())
}
