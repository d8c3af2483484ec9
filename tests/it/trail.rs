//! The trail: what acts leave is numbered once, hashed as RFC 6962 says, and signed for.

mod crash;
mod proof;
mod reading;
mod secrecy;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use optin::store::StoreError;
use optin::store::seal::Seal;
use optin::trail::checkpoint::Checkpoint;
use optin::trail::note::{Note, Signer};
use sha2::{Digest, Sha256};

use crate::doors::people::{Bench, noon};

const HOST: &str = "optin.example";

/// A list with entries that wait.
struct Log {
    bench: Bench,
    list: u32,
}

/// What stands in the database.
struct Standing {
    origin: String,
    size: i64,
    checkpoint: String,
    public_size: i64,
    public_checkpoint: String,
}

impl Log {
    async fn open() -> Log {
        let bench = Bench::open().await;
        let list = bench.list(72).await.0.number;
        Log { bench, list }
    }

    fn seal_at(&self, at: Timestamp) -> Seal<'_> {
        Seal::new(HOST, &self.bench.ring, at)
    }

    async fn seal(&self) -> Result<Option<u64>, StoreError> {
        self.bench.store.seal(self.list, &self.seal_at(noon())).await
    }

    /// Entries as acts leave them, all different.
    async fn add(&self, from: i32, count: i32) {
        let sql = "INSERT INTO trail_entries (list, entry)
                   SELECT $1, substr('\\x010100079a46'::bytea || sha256(n::text::bytea) || sha256(('b' || n)::bytea), 1, 70)
                   FROM generate_series($2::int, $3::int) AS n";
        self.bench.db.execute(sql, &[&(self.list as i32), &from, &(from + count - 1)]).await.unwrap();
    }

    async fn standing(&self) -> Standing {
        let row = self
            .bench
            .db
            .query_one("SELECT * FROM trails WHERE list = $1", &[&(self.list as i32)])
            .await
            .unwrap();
        Standing {
            origin: row.get("origin"),
            size: row.get("size"),
            checkpoint: row.get("checkpoint"),
            public_size: row.get("public_size"),
            public_checkpoint: row.get("public_checkpoint"),
        }
    }

    /// The entries in their order; they have every index once.
    async fn entries(&self) -> Vec<Vec<u8>> {
        let sql =
            "SELECT index, entry FROM trail_entries WHERE list = $1 AND index IS NOT NULL ORDER BY index";
        let rows = self.bench.db.query(sql, &[&(self.list as i32)]).await.unwrap();
        rows.iter().enumerate().for_each(|(n, row)| assert_eq!(row.get::<_, i64>(0), n as i64));
        rows.iter().map(|row| row.get(1)).collect()
    }

    async fn waiting(&self) -> i64 {
        let sql = "SELECT count(*) FROM trail_entries WHERE list = $1 AND index IS NULL";
        self.bench.db.query_one(sql, &[&(self.list as i32)]).await.unwrap().get(0)
    }

    /// Whether the checkpoint, the tiles and the entries say the same, worked out here from the entries alone.
    async fn assert_whole(&self) {
        let (standing, entries) = (self.standing().await, self.entries().await);
        assert_eq!(standing.size, entries.len() as i64);
        let origin = format!("{HOST}/trails/{}", self.list);
        assert_eq!(standing.origin, origin);
        let leaves: Vec<[u8; 32]> = entries.iter().map(|entry| hash(&[&[0], entry])).collect();
        let by = Signer::new(&origin, self.bench.ring.trail_seed()).unwrap().verifier();
        for (text, size) in
            [(&standing.checkpoint, standing.size), (&standing.public_checkpoint, standing.public_size)]
        {
            let checkpoint = Checkpoint::open(&Note::parse(text.as_bytes()).unwrap(), &origin, &by).unwrap();
            assert_eq!(checkpoint.size(), size as u64);
            assert_eq!(*checkpoint.root(), root(&leaves[..size as usize]));
        }
        let mut level: Vec<[u8; 32]> = leaves;
        let mut tiles = Vec::new();
        for number in 0i16.. {
            let full = level.chunks(256).enumerate();
            tiles.extend(full.map(|(n, hashes)| (number, n as i64, hashes.concat())));
            level = level.chunks_exact(256).map(root).collect();
            if level.is_empty() {
                break;
            }
        }
        let sql = "SELECT level, index, hashes FROM trail_tiles WHERE list = $1 ORDER BY level, index";
        let rows = self.bench.db.query(sql, &[&(self.list as i32)]).await.unwrap();
        let kept: Vec<(i16, i64, Vec<u8>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        assert!(kept == tiles, "the tiles are not those of the entries");
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// RFC 6962, section 2.1, word for word.
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => hash(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            hash(&[&[1], &root(left), &root(right)])
        }
    }
}

#[tokio::test]
async fn sealing_numbers_hashes_and_signs_what_waits_however_much_that_is() {
    let log = Log::open().await;
    let mut added = 1;
    for count in [0, 1, 1, 5, 249, 255, 256, 257, 1000, 17_000] {
        log.add(added, count).await;
        added += count;
        while log.waiting().await > 0 {
            log.seal().await.unwrap();
        }
        assert_eq!(log.seal().await.unwrap(), Some(added as u64), "with nothing to do it changes nothing");
        log.bench.store.seal(log.list, &log.seal_at(noon() + SignedDuration::from_hours(2))).await.unwrap();
        log.assert_whole().await;
    }
}

#[tokio::test]
async fn one_bad_trail_keeps_no_other_from_being_sealed() {
    let house = crate::house::House::open().await;
    house.new_list("second", serde_json::json!([])).await;
    house.seal().await;
    let db = house.db().await;
    db.execute("UPDATE trails SET size = size + 1 WHERE list = 1", &[]).await.unwrap();
    let waiting = "INSERT INTO trail_entries (list, entry) SELECT list, entry FROM trail_entries";
    db.execute(waiting, &[]).await.unwrap();
    house.seal().await;
    assert_eq!(house.trail("second").await.newest.size, 2);
    db.execute("UPDATE trails SET size = size - 1 WHERE list = 1", &[]).await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn a_batch_does_not_keep_the_order_that_it_came_in() {
    let log = Log::open().await;
    log.add(1, 200).await;
    let sql = "SELECT entry FROM trail_entries ORDER BY ctid";
    let came: Vec<Vec<u8>> =
        log.bench.db.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    log.seal().await.unwrap();
    let entries = log.entries().await;
    assert_ne!(entries, came);
    let sorted = |mut entries: Vec<Vec<u8>>| {
        entries.sort();
        entries
    };
    assert_eq!(sorted(entries), sorted(came), "each is there, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_that_seal_at_once_while_entries_come_make_one_log() {
    let log = Log::open().await;
    let third = optin::store::Store::open(&log.bench.url).unwrap();
    for round in 0..20 {
        let stores = [&log.bench.store, &log.bench.replica, &third];
        let seal = log.seal_at(noon());
        let sealed = join_all(stores.map(|store| store.seal(log.list, &seal)));
        let (sealed, ()) = tokio::join!(sealed, log.add(1 + round * 40, 40));
        assert!(sealed.iter().all(Result::is_ok), "{sealed:?}");
    }
    while log.waiting().await > 0 {
        log.seal().await.unwrap();
    }
    assert_eq!(log.entries().await.len(), 801);
    log.assert_whole().await;
}

#[tokio::test]
async fn the_public_sees_a_new_checkpoint_at_the_lists_interval_and_none_before() {
    let log = Log::open().await;
    log.seal().await.unwrap();
    let first = log.standing().await;
    assert_eq!((first.public_size, &first.public_checkpoint), (1, &first.checkpoint));
    log.add(1, 10).await;
    let after = |minutes| noon() + SignedDuration::from_mins(minutes);
    log.bench.store.seal(log.list, &log.seal_at(after(59))).await.unwrap();
    let second = log.standing().await;
    assert_eq!((second.size, second.public_size), (11, 1));
    assert_eq!(second.public_checkpoint, first.public_checkpoint);
    let due = async |at| log.bench.store.trails_to_seal(at).await.unwrap();
    assert_eq!(due(after(59)).await, [0; 0]);
    assert_eq!(due(after(60)).await, [log.list], "though no entry waits");
    log.bench.store.seal(log.list, &log.seal_at(after(60))).await.unwrap();
    let third = log.standing().await;
    assert_eq!((third.public_size, &third.public_checkpoint), (11, &second.checkpoint));
    assert_eq!(due(after(300)).await, [0; 0]);

    // An act after a quiet time shows at its own hour's end too, and not at once.
    log.add(11, 1).await;
    log.bench.store.seal(log.list, &log.seal_at(after(330))).await.unwrap();
    let fourth = log.standing().await;
    assert_eq!((fourth.size, fourth.public_size), (12, 11));
    assert_eq!(due(after(359)).await, [0; 0]);
    assert_eq!(due(after(360)).await, [log.list]);
    // What stood when the hour ended is shown, and not what came since.
    log.add(12, 1).await;
    log.bench.store.seal(log.list, &log.seal_at(after(360))).await.unwrap();
    let fifth = log.standing().await;
    assert_eq!((fifth.size, fifth.public_size), (13, 12));
    assert_eq!(fifth.public_checkpoint, fourth.checkpoint);
    // A clock that was ahead does not hold the public back for ever.
    assert_eq!(due(after(-600)).await, [log.list]);
    log.assert_whole().await;
}

#[tokio::test]
async fn a_trail_that_somebody_has_meddled_with_is_not_signed_for() {
    for meddling in [
        "DELETE FROM trail_tiles WHERE level = 0",
        "UPDATE trail_tiles SET hashes = hashes || sha256('x') WHERE level = 0",
        "UPDATE trails SET size = size + 1",
        "UPDATE trails SET frontier = frontier || sha256('x')",
    ] {
        let log = Log::open().await;
        log.add(1, 20).await;
        log.seal().await.unwrap();
        log.bench.db.execute(meddling, &[]).await.unwrap();
        log.add(21, 20).await;
        let checkpoint = log.standing().await.checkpoint;
        for _ in 0..2 {
            let refused = log.seal().await;
            assert!(
                matches!(refused, Err(StoreError::Malformed(_) | StoreError::Refused(_))),
                "{meddling}: {refused:?}"
            );
        }
        assert_eq!(log.standing().await.checkpoint, checkpoint, "{meddling}");
        assert_eq!(log.waiting().await, 20, "{meddling}");
    }
}

#[tokio::test]
async fn a_sealer_that_breaks_off_anywhere_has_done_nothing() {
    let log = Log::open().await;
    log.add(1, 300).await;
    // Every statement of a seal, cut off by a lock that one table after the other is held under.
    for table in ["trail_entries", "trail_tiles", "trails"] {
        let other = crate::house::connect(&log.bench.url).await;
        other.batch_execute(&format!("BEGIN; LOCK TABLE {table}")).await.unwrap();
        let seal = log.seal();
        let cut = tokio::time::timeout(std::time::Duration::from_millis(300), seal).await;
        assert!(cut.is_err(), "it had to wait for {table}");
        other.batch_execute("ROLLBACK").await.unwrap();
        log.seal().await.unwrap();
        log.assert_whole().await;
        log.add(1000, 1).await;
    }
}
