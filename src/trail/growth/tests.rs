use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::trail::tests::Log;
use crate::trail::tree::{Subtree, leaf_hash};

/// Puts a batch's additions behind what is kept of each tile, as a store would.
fn keep(kept: &mut BTreeMap<(u8, u64), Vec<u8>>, batch: &Growth) {
    for Addition { tile, had, hashes } in batch.additions() {
        let Kind::Hashes(level) = tile.kind() else { panic!("a tile of hashes") };
        let bytes = kept.entry((level, tile.index())).or_default();
        assert_eq!(bytes.len(), 32 * usize::from(had));
        assert!(!hashes.is_empty());
        bytes.extend_from_slice(hashes);
        assert_eq!(bytes.len(), 32 * usize::from(tile.width()));
    }
}

fn grow(batches: &[u64]) {
    let mut kept = BTreeMap::new();
    let mut frontier = Frontier::default();
    for batch in batches {
        let mut growth = Growth::new(frontier);
        for _ in 0..*batch {
            growth.push(leaf_hash(&Log::entry(growth.frontier().size())));
        }
        keep(&mut kept, &growth);
        frontier = growth.frontier().clone();
    }
    let size = batches.iter().sum();
    let log = Log::of(size);
    assert_eq!(frontier, log.frontier);
    let tiles = changed(0, size).map(|tile| {
        let Kind::Hashes(level) = tile.kind() else { panic!("a tile of hashes") };
        let first = tile.index() * 256;
        let hash = |index| log.read(Subtree { level: 8 * level, index }).unwrap();
        ((level, tile.index()), (first..first + u64::from(tile.width())).flat_map(hash).collect())
    });
    assert_eq!(kept, tiles.collect());
}

#[test]
fn batches_of_any_size_make_the_same_tiles() {
    grow(&[]);
    grow(&[0, 1, 0]);
    grow(&[256]);
    grow(&[255, 1, 1]);
    grow(&[65_535, 0, 2, 300]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_batches_make_the_same_tiles(batches in prop::collection::vec(0..700_u64, 0..8)) {
        grow(&batches);
    }
}
