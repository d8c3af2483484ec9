//! A log's tail goes back in under the numbers that its mirror has it under, however long it is.

use std::pin::pin;
use std::time::Duration;

use optin::store::replay::{Behind, Mirrored, ReplayError};
use optin::trail::checkpoint::Checkpoint;
use optin::trail::entry::{Event, LENGTH, entry, service_tail};
use optin::trail::growth::Growth;
use optin::trail::tree::{Frontier, leaf_hash};

use crate::doors::people::{Bench, noon};

/// More than one statement writes.
const MANY: u64 = 20_000;

#[tokio::test]
async fn a_tail_of_more_than_a_handful_keeps_its_order_and_waits_for_a_sealer_at_work() {
    let bench = Bench::open().await;
    let (list, notice) = bench.list(72).await;
    let exported = |n| entry(Event::Exported, noon(), &notice.sha256, &service_tail(&[7; 16], 0, n));
    let entries: Vec<[u8; LENGTH]> = (0..MANY).map(exported).collect();
    let mut growth = Growth::new(Frontier::default());
    entries.iter().for_each(|entry| growth.push(leaf_hash(entry)));
    let checkpoint = Checkpoint::new("news.example/trails/1", MANY, growth.frontier().root()).unwrap();
    let mirrored = Mirrored { checkpoint: &checkpoint, note: "as it was signed" };
    let tail = |from: u64| Ok::<_, ReplayError>(entries[from as usize..].to_vec());

    let sealer = "BEGIN; SELECT pg_advisory_xact_lock(x'74726c73'::int, 1)";
    bench.db.batch_execute(sealer).await.unwrap();
    let mut restored = pin!(bench.store.restore_log(list.number, &mirrored, tail, noon()));
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut restored).await.is_err(), "it waits");
    bench.db.batch_execute("COMMIT").await.unwrap();
    assert_eq!(restored.await.unwrap(), Behind::By(MANY));

    let stored = bench.store.entries(list.number, 0, MANY).await.unwrap();
    assert!(
        stored.iter().zip(&entries).all(|(stored, entry)| stored == entry) && stored.len() == entries.len()
    );
}
