use ct_merkle::mem_backed_tree::MemoryBackedTree;
use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;
use crate::trail::tests::{LEAVES, Log, Monotone, ROOTS};

/// The root as RFC 6962, section 2.1, defines it.
fn by_definition(leaves: &[&[u8]]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => leaf_hash(leaf),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&by_definition(left), &by_definition(right))
        }
    }
}

#[test]
fn roots_are_those_of_the_test_vectors() {
    let mut frontier = Frontier::default();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(HEXLOWER.encode(&by_definition(&LEAVES[..size])), *root);
        assert_eq!(HEXLOWER.encode(&frontier.root()), *root);
        LEAVES.get(size).inspect(|leaf| frontier.push(leaf_hash(leaf), |_, _| ()));
    }
}

#[test]
fn a_growing_tree_has_the_oracles_roots() {
    let mut oracle = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    let mut log = Log::default();
    for size in 0..=600 {
        assert_eq!(log.frontier.size(), size);
        assert_eq!(log.frontier.root()[..], oracle.root().as_bytes()[..], "at {size}");
        assert_eq!(log.frontier.root(), log.root(size), "at {size}");
        log.push();
        oracle.push(Log::entry(size));
    }
}

#[test]
fn a_leaf_tells_of_each_subtree_that_it_completes() {
    let mut frontier = Frontier::default();
    let mut told = Vec::new();
    for leaf in 0..8 {
        frontier.push([leaf; 32], |subtree, hash| told.push((subtree.level, subtree.index, hash)));
    }
    let places: Vec<_> = told.iter().map(|(level, index, _)| (*level, *index)).collect();
    let pairs =
        [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (2, 0), (0, 4), (0, 5), (1, 2), (0, 6), (0, 7)];
    assert_eq!(places[..12], pairs);
    assert_eq!(places[12..], [(1, 3), (2, 1), (3, 0)]);
    assert_eq!(told[2].2, node_hash(&[0; 32], &[1; 32]));
    assert_eq!(told[14].2, frontier.root());
}

#[test]
fn a_right_edge_is_kept_in_bytes_and_goes_on_from_there() {
    let mut log = Log::default();
    for size in 0..130 {
        let bytes = log.frontier.to_bytes();
        assert_eq!(bytes.len(), 8 + 32 * (size as u64).count_ones() as usize);
        let again = Frontier::from_bytes(&bytes).unwrap();
        assert_eq!(again, log.frontier);
        log.frontier = again;
        log.push();
    }
    assert_eq!(log.frontier.root(), Log::of(130).frontier.root());
}

#[test]
fn bytes_that_are_no_right_edge_are_refused() {
    let bytes = Log::of(21).frontier.to_bytes();
    for cut in 0..bytes.len() {
        assert_eq!(Frontier::from_bytes(&bytes[..cut]), None);
    }
    for more in [1, 31, 32, 64] {
        assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0; 64][..more]].concat()), None);
    }
    let of_size = |size: u64| [&size.to_be_bytes()[..], &[1; 63 * 32]].concat();
    let largest = Frontier::from_bytes(&of_size(MAX_SIZE)).unwrap();
    assert_eq!(largest.to_bytes().len(), 2024);
    assert_eq!(Frontier::from_bytes(&of_size(u64::MAX - 1)), None);
}

proptest! {
    #[test]
    fn a_whole_tree_falls_into_perfect_subtrees_from_left_to_right(size in 0..=MAX_SIZE) {
        let mut next = 0;
        let mut last = 64;
        for subtree in Span::whole(size).subtrees() {
            prop_assert!(subtree.level < last);
            last = subtree.level;
            prop_assert_eq!(subtree.index << subtree.level, next);
            next += 1 << subtree.level;
        }
        prop_assert_eq!(next, size);
    }

    #[test]
    fn a_large_trees_right_edge_has_its_root(size in 0..=MAX_SIZE) {
        let trees = Monotone::new();
        let peaks: Vec<Hash> = Span::whole(size).subtrees().map(|part| trees.read(part).unwrap()).collect();
        let bytes = [&size.to_be_bytes(), peaks.as_flattened()].concat();
        let mut frontier = Frontier::from_bytes(&bytes).unwrap();
        prop_assert_eq!(frontier.root(), trees.root(size));
        frontier.push(leaf_hash(b""), |subtree, hash| assert_eq!(trees.read(subtree), Ok(hash)));
        prop_assert_eq!(frontier.root(), trees.root(size + 1));
    }

    #[test]
    fn what_reads_as_a_right_edge_is_written_the_same_way(bytes in prop::collection::vec(any::<u8>(), 0..100), size in 0..8_u64) {
        for bytes in [bytes.clone(), [&size.to_be_bytes()[..], &bytes].concat()] {
            if let Some(frontier) = Frontier::from_bytes(&bytes) {
                prop_assert_eq!(frontier.to_bytes(), bytes);
            }
        }
    }
}
