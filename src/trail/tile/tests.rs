use proptest::prelude::*;

use super::*;
use crate::trail::path::{consistency, hashes, inclusion};
use crate::trail::tests::Log;

fn all(size: u64) -> Vec<String> {
    changed(0, size).map(|tile| tile.to_string()).collect()
}

/// Test vectors: paths, and the tiles of trees of 256 and of 70,000, from C2SP tlog-tiles.
#[test]
fn paths_and_tiles_are_those_of_the_specification() {
    let tile = |index| Tile { kind: Kind::Hashes(0), index, width: WIDTH };
    assert_eq!(tile(1_234_067).to_string(), "tile/0/x001/x234/067");
    assert_eq!(all(256), ["tile/0/000", "tile/1/000.p/1"]);

    let tiles = all(70_000);
    assert_eq!(tiles.len(), 277);
    assert_eq!(
        tiles[272..],
        ["tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    );
    assert!(!tiles[..273].iter().any(|path| path.contains(".p/")));
}

#[test]
fn paths_are_written_in_groups_of_three() {
    let written = |kind, index, width| Tile { kind, index, width }.to_string();
    assert_eq!(written(Kind::Hashes(63), 0, 256), "tile/63/000");
    assert_eq!(written(Kind::Hashes(1), 999, 1), "tile/1/999.p/1");
    assert_eq!(written(Kind::Entries, 1000, 255), "tile/entries/x001/000.p/255");
    assert_eq!(written(Kind::Entries, MAX_SIZE >> 8, 256), "tile/entries/x036/x028/x797/x018/x963/967");
}

#[test]
fn only_the_one_spelling_of_a_path_is_read() {
    for path in [
        "tile/0/000",
        "tile/63/x001/234.p/1",
        "tile/entries/x001/x000/000.p/255",
        "tile/entries/x036/x028/x797/x018/x963/967",
    ] {
        assert_eq!(path.parse::<Tile>().unwrap().to_string(), path);
    }
    for other in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile//000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/Entries/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/+01",
        "tile/0/x000",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x1/067",
        "tile/0/x001/x067",
        "tile/0/x001//067",
        "tile/0/X001/067",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/../000",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(other.parse::<Tile>(), Err(NotATile), "{other}");
    }
}

#[test]
fn the_tiles_that_change_are_those_that_are_not_yet_there() {
    let written = |old, new| changed(old, new).map(|tile| tile.to_string()).collect::<Vec<_>>();
    assert!(written(0, 0).is_empty() && written(300, 300).is_empty() && written(300, 299).is_empty());
    assert_eq!(written(0, 1), ["tile/0/000.p/1"]);
    assert_eq!(written(255, 256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(written(256, 257), ["tile/0/001.p/1"]);
    assert_eq!(written(500, 800), ["tile/0/001", "tile/0/002", "tile/0/003.p/32", "tile/1/000.p/3"]);
    for (old, new) in [(0, 70_000), (1, 256), (255, 513), (65_535, 65_537), (65_536, 66_000)] {
        let (had, has) = (all(old), all(new));
        let missing: Vec<_> = has.into_iter().filter(|path| !had.contains(path)).collect();
        assert_eq!(written(old, new), missing, "{old} {new}");
    }
    let largest: Vec<_> = changed(MAX_SIZE - 1, MAX_SIZE).map(|tile| tile.to_string()).collect();
    assert_eq!(largest, ["tile/0/x036/x028/x797/x018/x963/967.p/255"]);
}

#[test]
fn a_tile_knows_its_place() {
    let tile = Tile::of(Kind::Hashes(0), 273, 70_000).unwrap();
    assert_eq!((tile.kind(), tile.index(), tile.width(), tile.is_full()), (Kind::Hashes(0), 273, 112, false));
    assert_eq!(tile.full().to_string(), "tile/0/273");
    assert_eq!(tile.entries().unwrap().to_string(), "tile/entries/273.p/112");
    assert_eq!(tile.entries().unwrap().entries(), None);
    assert_eq!(Tile::of(Kind::Entries, 273, 70_000), tile.entries());
    assert_eq!(Tile::of(Kind::Hashes(0), 274, 70_000), None);
    assert_eq!(Tile::of(Kind::Hashes(1), 0, 255), None);
    assert_eq!(Tile::of(Kind::Hashes(200), 0, u64::MAX), None);
    assert_eq!(Tile::of(Kind::Entries, u64::MAX, u64::MAX), None);
}

/// The bytes of a tile, from the hashes of a log.
fn bytes(log: &Log, tile: &Tile) -> Vec<u8> {
    let Kind::Hashes(level) = tile.kind() else { panic!("a tile of hashes") };
    let first = tile.index() * 256;
    let hash = |index| log.read(Subtree { level: 8 * level, index }).unwrap();
    (first..first + u64::from(tile.width())).flat_map(hash).collect()
}

#[test]
fn proofs_can_be_read_from_the_tiles_they_need() {
    const SIZE: u64 = 66_000;
    let log = Log::of(SIZE);
    for (first, size) in
        [(0, 1), (254, 256), (256, 257), (5, 700), (65_536, 65_537), (1000, SIZE), (SIZE - 1, SIZE)]
    {
        for nodes in [inclusion(first, size).unwrap(), consistency(first, size).unwrap()] {
            let tiles: BTreeMap<_, _> =
                needed(&nodes, size).into_iter().map(|tile| (tile, bytes(&log, &tile))).collect();
            assert!(tiles.len() <= 6, "{first} {size}");
            let Ok(from_log) = hashes(&nodes, |subtree| log.read(subtree));
            assert_eq!(proof_hashes(&nodes, size, &tiles), Some(from_log), "{first} {size}");
            for tile in tiles.keys() {
                let mut fewer = tiles.clone();
                fewer.remove(tile);
                assert_eq!(proof_hashes(&nodes, size, &fewer), None, "{first} {size} without {tile}");
                fewer.insert(*tile, Vec::new());
                assert_eq!(proof_hashes(&nodes, size, &fewer), None, "{first} {size} with an empty {tile}");
            }
        }
    }
}

#[test]
fn a_subtree_beyond_a_tiles_bytes_has_no_hash() {
    let log = Log::of(1000);
    let whole = bytes(&log, &Tile::of(Kind::Hashes(0), 0, 1000).unwrap());
    for level in 0..8 {
        let last = Subtree { level, index: (256 >> level) - 1 };
        assert_eq!(subtree_hash(&whole, last), log.read(last).ok());
        assert_eq!(subtree_hash(&whole[..whole.len() - 1], last), None);
    }
    assert_eq!(subtree_hash(&[], Subtree { level: 0, index: 0 }), None);
    let full: &[Hash] = whole.as_chunks().0;
    assert_eq!(perfect_root(full), log.read(Subtree { level: 8, index: 0 }).ok());
    assert_eq!(perfect_root(&full[..3]), None);
    assert_eq!(perfect_root(&[]), None);
}

#[test]
fn entries_are_read_as_they_were_written_and_in_no_other_number() {
    let entries: [&[u8]; 4] = [b"", b"one", &[2; 70], &[3; 65_535]];
    let bytes = write_entries(entries).unwrap();
    assert_eq!(bytes[..7], [0, 0, 0, 3, b'o', b'n', b'e']);
    assert_eq!(read_entries(&bytes, 4).unwrap(), entries);
    assert_eq!(read_entries(&bytes, 3), Err(BadBundle::Extra(3)));
    assert_eq!(read_entries(&bytes, 5), Err(BadBundle::Short(4)));
    assert_eq!(read_entries(&bytes[..bytes.len() - 1], 4), Err(BadBundle::Short(3)));
    assert_eq!(read_entries(&bytes[..6], 2), Err(BadBundle::Short(1)));
    assert_eq!(read_entries(&bytes[..3], 2), Err(BadBundle::Short(1)));
    assert_eq!(read_entries(&[], 0), Ok(vec![]));
    assert_eq!(write_entries([&[0; 65_536][..]]), Err(BadBundle::TooLong(0)));
}

proptest! {
    #[test]
    fn every_tile_is_read_as_it_was_written(
        kind in prop_oneof![Just(Kind::Entries), (0..64_u8).prop_map(Kind::Hashes)],
        index in prop_oneof![0..2_000_000_u64, 0..=MAX_SIZE >> 8],
        width in 1..=256_u16,
    ) {
        let tile = Tile { kind, index, width };
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }

    #[test]
    fn what_reads_as_a_path_is_written_the_same_way(
        path in r"tile/([0-9]{1,2}|entries)(/x?[0-9]{3}){1,3}(\.p/[0-9]{1,3})?|.*|[/x0-9.ptilen]*",
    ) {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
        }
    }

    #[test]
    fn what_reads_as_entries_is_written_the_same_way(bytes in prop::collection::vec(0..4_u8, 0..40), width in 0..20_u16) {
        if let Ok(entries) = read_entries(&bytes, width) {
            prop_assert_eq!(write_entries(entries), Ok(bytes));
        }
    }
}
