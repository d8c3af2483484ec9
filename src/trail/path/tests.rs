use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::*;
use crate::trail::tests::{LEAVES, Log, Monotone};
use crate::trail::tree::{Frontier, MAX_SIZE, leaf_hash};

/// Every pair of sizes, or index and size, up to this is tried.
const ALL_UP_TO: u64 = 100;

fn leaf(index: u64) -> Hash {
    leaf_hash(&Log::entry(index))
}

fn prove_inclusion(log: &Log, index: u64, size: u64) -> Vec<Hash> {
    let Ok(proof) = hashes(&inclusion(index, size).unwrap(), |subtree| log.read(subtree));
    proof
}

fn prove_consistency(log: &Log, first: u64, second: u64) -> Vec<Hash> {
    let Ok(proof) = hashes(&consistency(first, second).unwrap(), |subtree| log.read(subtree));
    proof
}

/// What a proof can be made into that must not pass: a hash dropped, doubled, added, exchanged, or another bit.
fn spoilt(proof: &[Hash], bits: impl Iterator<Item = usize> + Clone) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..proof.len() {
        let mut change = |change: &dyn Fn(&mut Vec<Hash>)| {
            let mut proof = proof.to_vec();
            change(&mut proof);
            all.push(proof);
        };
        change(&|proof| _ = proof.remove(at));
        change(&|proof| proof.insert(at, proof[at]));
        change(&|proof| proof.insert(at, [0; 32]));
        if at > 0 {
            change(&|proof| proof.swap(at - 1, at));
        }
        for bit in bits.clone() {
            change(&|proof| proof[at][bit / 8] ^= 1 << (bit % 8));
        }
    }
    all.push([proof, &[[0; 32]]].concat());
    all
}

#[test]
fn proofs_are_the_oracles() {
    let mut oracle = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    let log = Log::of(ALL_UP_TO);
    for size in 1..=ALL_UP_TO {
        oracle.push(Log::entry(size - 1));
        for other in 0..size {
            let inclusion = prove_inclusion(&log, other, size);
            assert_eq!(inclusion.as_flattened(), oracle.prove_inclusion(other as usize).as_bytes());
            let consistency = prove_consistency(&log, size - other, size);
            assert_eq!(consistency.as_flattened(), oracle.prove_consistency(other as usize).as_bytes());
        }
    }
}

#[test]
fn every_proof_of_a_small_tree_is_taken_for_what_it_proves_alone() {
    let log = Log::of(ALL_UP_TO);
    let roots: Vec<Hash> = (0..=ALL_UP_TO).map(|size| log.root(size)).collect();
    for size in 1..=ALL_UP_TO {
        let root = &roots[size as usize];
        for other in 0..size {
            let proof = prove_inclusion(&log, other, size);
            assert_eq!(verify_inclusion(&leaf(other), other, size, &proof, root), Ok(()));
            assert!(
                verify_inclusion(&leaf(other), (other + 1) % size, size, &proof, root).is_err() || size == 1
            );
            assert!(verify_inclusion(&leaf(other + 1), other, size, &proof, root).is_err());

            let (first, second) = ((other, &roots[other as usize]), (size, root));
            let proof = prove_consistency(&log, other, size);
            assert_eq!(verify_consistency(first, second, &proof), Ok(()));
            assert_eq!(
                verify_consistency((other, root), second, &proof),
                Err(if other == 0 { Unproven::NotEmpty } else { Unproven::Root })
            );
        }
    }
}

#[test]
fn no_single_bit_of_a_proof_can_be_other_and_no_hash_more_or_fewer() {
    let log = Log::of(100);
    for (index, size) in [(0, 2), (1, 3), (2, 3), (5, 7), (6, 7), (64, 65), (63, 100), (99, 100)] {
        let (leaf, root) = (leaf(index), log.root(size));
        for spoilt in spoilt(&prove_inclusion(&log, index, size), 0..256) {
            assert!(verify_inclusion(&leaf, index, size, &spoilt, &root).is_err(), "{index} of {size}");
        }
    }
    for (first, second) in [(1, 2), (3, 4), (4, 7), (6, 8), (7, 13), (64, 100), (99, 100)] {
        let (older, newer) = (log.root(first), log.root(second));
        for spoilt in spoilt(&prove_consistency(&log, first, second), 0..256) {
            assert!(
                verify_consistency((first, &older), (second, &newer), &spoilt).is_err(),
                "{first} {second}"
            );
        }
    }
}

#[test]
fn what_cannot_be_proven_is_told_why() {
    let log = Log::of(9);
    let (eight, nine, none) = (log.root(8), log.root(9), empty_root());
    for (index, size) in [(0, 0), (9, 9), (u64::MAX, 9), (u64::MAX, u64::MAX)] {
        let refused = Unproven::NoSuchEntry { index, size };
        assert_eq!(inclusion(index, size), Err(refused));
        assert_eq!(verify_inclusion(&leaf(0), index, size, &[], &nine), Err(refused));
    }
    assert_eq!(verify_inclusion(&leaf(0), 0, 1, &[], &log.root(1)), Ok(()));
    assert_eq!(verify_inclusion(&leaf(0), 0, 1, &[], &nine), Err(Unproven::Root));
    assert_eq!(verify_inclusion(&leaf(0), 0, 1, &[nine], &log.root(1)), Err(Unproven::Length));
    assert_eq!(verify_inclusion(&leaf(0), 0, 9, &[], &nine), Err(Unproven::Length));

    let shrunk = Unproven::Shrunk { first: 9, second: 8 };
    assert_eq!(consistency(9, 8), Err(shrunk));
    assert_eq!(verify_consistency((9, &nine), (8, &eight), &[]), Err(shrunk));
    assert_eq!(consistency(0, 9), Ok(vec![]));
    assert_eq!(consistency(9, 9), Ok(vec![]));
    assert_eq!(verify_consistency((9, &nine), (9, &nine), &[]), Ok(()));
    assert_eq!(verify_consistency((9, &nine), (9, &nine), &[nine]), Err(Unproven::Length));
    assert_eq!(verify_consistency((9, &nine), (9, &eight), &[]), Err(Unproven::Forked { size: 9 }));
    assert_eq!(verify_consistency((0, &none), (9, &nine), &[]), Ok(()));
    assert_eq!(verify_consistency((0, &none), (9, &nine), &[nine]), Err(Unproven::Length));
    assert_eq!(verify_consistency((0, &nine), (9, &nine), &[]), Err(Unproven::NotEmpty));
    assert_eq!(verify_consistency((0, &none), (0, &none), &[]), Ok(()));
    assert_eq!(verify_consistency((0, &none), (0, &nine), &[]), Err(Unproven::Forked { size: 0 }));
    assert_eq!(verify_consistency((8, &eight), (9, &nine), &[]), Err(Unproven::Length));
    assert_eq!(verify_consistency((7, &log.root(7)), (9, &nine), &[]), Err(Unproven::Length));
}

/// Test vector: RFC 6962, section 2.1.3, draws these nodes of a tree of seven leaves.
#[test]
fn proofs_are_those_of_the_specifications_example() {
    let mut frontier = Frontier::default();
    let mut made = std::collections::HashMap::new();
    for leaf in &LEAVES[..7] {
        frontier.push(leaf_hash(leaf), |subtree, hash| _ = made.insert((subtree.level, subtree.index), hash));
    }
    let node = |level, index| made[&(level, index)];
    let (a, b, c, d, e, f, j) =
        (node(0, 0), node(0, 1), node(0, 2), node(0, 3), node(0, 4), node(0, 5), node(0, 6));
    let (g, h, i, k) = (node(1, 0), node(1, 1), node(1, 2), node(2, 0));
    let l = node_hash(&i, &j);
    let read = |nodes: Result<Vec<Span>, Unproven>| {
        hashes(&nodes.unwrap(), |subtree| Ok::<_, ()>(node(subtree.level, subtree.index))).unwrap()
    };
    assert_eq!(read(inclusion(0, 7)), [b, h, l]);
    assert_eq!(read(inclusion(3, 7)), [c, g, l]);
    assert_eq!(read(inclusion(4, 7)), [f, j, k]);
    assert_eq!(read(inclusion(6, 7)), [i, k]);
    assert_eq!(read(consistency(3, 7)), [c, d, g, l]);
    assert_eq!(read(consistency(4, 7)), [l]);
    assert_eq!(read(consistency(6, 7)), [i, j, k]);
    assert_eq!(
        node_hash(&node_hash(&node_hash(&a, &b), &h), &node_hash(&node_hash(&e, &f), &j)),
        frontier.root()
    );
}

proptest! {
    #[test]
    fn proofs_hold_in_trees_of_any_size_and_spoilt_ones_do_not(
        size in prop_oneof![1..=1000_u64, 1..=MAX_SIZE],
        part in any::<prop::sample::Index>(),
        bit in 0..256_usize,
    ) {
        let trees = Monotone::new();
        let read = |subtree| trees.read(subtree);
        let other = (part.index(usize::MAX) as u64) % size;
        let (leaf, root) = (leaf_hash(b""), trees.root(size));
        let Ok(proof) = hashes(&inclusion(other, size).unwrap(), read);
        prop_assert!(proof.len() <= 63);
        prop_assert_eq!(verify_inclusion(&leaf, other, size, &proof, &root), Ok(()));
        if !proof.is_empty() {
            let at = part.index(proof.len());
            let mut flipped = proof.clone();
            flipped[at][bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_inclusion(&leaf, other, size, &flipped, &root), Err(Unproven::Root));
            prop_assert!(verify_inclusion(&leaf, other, size, &proof[..at], &root).is_err());
        }

        let (first, second) = ((other, &trees.root(other)), (size, &root));
        let Ok(proof) = hashes(&consistency(other, size).unwrap(), read);
        prop_assert!(proof.len() <= 64);
        prop_assert_eq!(verify_consistency(first, second, &proof), Ok(()));
        if !proof.is_empty() {
            let at = part.index(proof.len());
            let mut flipped = proof.clone();
            flipped[at][bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify_consistency(first, second, &flipped), Err(Unproven::Root));
            prop_assert!(verify_consistency(first, second, &proof[..at]).is_err());
        }
    }

    #[test]
    fn any_numbers_and_hashes_get_an_answer(first: u64, second: u64, proof in prop::collection::vec(any::<Hash>(), 0..70)) {
        let root = [7; 32];
        prop_assert!(verify_inclusion(&root, first, second, &proof, &root).is_err());
        prop_assert!(verify_consistency((first, &root), (second, &root), &proof).is_err() || first == second);
        prop_assert!(inclusion(first, second).is_ok() != inclusion(second, first).is_ok() || first == second);
        prop_assert!(consistency(first, second).is_ok() || consistency(second, first).is_ok());
    }
}
