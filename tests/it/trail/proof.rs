//! Every entry of a person can be proved by its commitment, in a log of any size, as soon as it is there.

use optin::app::App;
use optin::store::proof::Proven;
use optin::store::sql::ALL;
use optin::trail::entry::Entry;
use optin::trail::note::Signer;
use optin::trail::tree::leaf_hash;
use tokio_postgres::SimpleQueryMessage;

use super::{Log, noon};

#[tokio::test]
async fn every_entry_is_proved_by_its_commitment_against_the_newest_checkpoint_however_large_the_log() {
    let log = Log::open().await;
    let mut added = 1;
    for count in [1, 2, 250, 3, 255, 1, 1000, 64_500] {
        log.add(added, count).await;
        added += count;
        log.seal().await.unwrap();
        while log.waiting().await > 0 {
            log.seal().await.unwrap();
        }
        let entries = log.entries().await;
        let size = entries.len();
        for index in [1, 2, 255, 256, 257, 511, 512, size / 2, size - 2, size - 1] {
            let Some(entry) = entries.get(index.max(1)) else { continue };
            let proven = log.prove(entry).await.unwrap();
            assert_eq!(&proven.entry[..], &entry[..]);
            let by = Signer::new(&proven.origin, log.bench.ring.trail_seed()).unwrap().verifier();
            let checkpoint = proven.proof.verify(&leaf_hash(entry), &proven.origin, &by).unwrap();
            assert_eq!((proven.proof.index(), checkpoint.size()), (index.max(1) as u64, size as u64));
        }
    }
}

#[tokio::test]
async fn what_waits_is_sealed_for_its_proof_and_what_is_not_there_has_none() {
    let log = Log::open().await;
    log.add(1, 3).await;
    let sql = "SELECT entry FROM trail_entries WHERE list = $1 AND get_byte(entry, 1) = 1 LIMIT 1";
    let waits = log.bench.db.query_one(sql, &[&(log.list as i32)]).await.unwrap();
    let waits: Vec<u8> = waits.get(0);
    assert!(log.prove(&waits).await.is_some() && log.waiting().await == 0);

    // Eight bytes alike are not enough, and another list's entries are another list's.
    let mut alike = waits.clone();
    alike[69] ^= 1;
    assert!(log.prove(&alike).await.is_none());
    let other = Log { list: log.bench.list(72).await.0.number, bench: log.bench };
    assert!(other.prove(&waits).await.is_none());

    // While another holds the trail's lock, nothing can be said.
    other.add(9, 1).await;
    let waits: Vec<u8> = other.bench.db.query_one(sql, &[&(other.list as i32)]).await.unwrap().get(0);
    let lock = format!("SELECT pg_advisory_lock(x'74726c73'::int, {})", other.list);
    other.bench.db.batch_execute(&lock).await.unwrap();
    assert!(other.prove(&waits).await.is_none());
    other.bench.db.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    assert!(other.prove(&waits).await.is_some());
}

/// Nobody tells the planner to: it has no statistics of commitments, and still reads no log through.
#[tokio::test]
async fn an_entry_is_found_by_the_index_of_commitments() {
    let log = Log::open().await;
    log.add(1, 20_000).await;
    while log.waiting().await > 0 {
        log.seal().await.unwrap();
    }
    let (_, sql) = ALL.iter().find(|(name, _)| *name == "find_entries").unwrap();
    for when in ["before it is analyzed", "after"] {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            log.bench.db.batch_execute(&format!("SET plan_cache_mode = {mode}")).await.unwrap();
            let explain = format!(
                "PREPARE look (int, bytea[]) AS {sql}; EXPLAIN EXECUTE look ({}, '{{\\\\x{}}}'); DEALLOCATE look",
                log.list,
                data_encoding::HEXLOWER.encode(&App::random::<32>())
            );
            let plan = log.bench.db.simple_query(&explain).await.unwrap();
            let lines = plan.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            let plan = lines.collect::<Vec<_>>().join("\n");
            assert!(
                plan.contains("Scan on trail_entries_commitment")
                    || plan.contains("using trail_entries_commitment")
            );
            let by = |line: &str| {
                line.contains("Index Cond: ((list = ") && line.contains("(substr(entry, 39, 8) = substr(a.")
            };
            assert!(plan.lines().any(by) && !plan.contains("Seq Scan"), "{when}, {mode}: {plan}");
        }
        log.bench.db.batch_execute("ANALYZE").await.unwrap();
    }
}

impl Log {
    async fn prove(&self, entry: &[u8]) -> Option<Proven> {
        Entry::read(entry).unwrap();
        let commitment = entry[38..].try_into().unwrap();
        self.bench.store.prove(self.list, &commitment, &self.seal_at(noon())).await.unwrap()
    }
}
