//! Entries a second through the sealer, on a real PostgreSQL with durable commits, and whether that stays so as the log
//! grows.
//!
//! `cargo bench --bench seal [-- ENTRIES]` lets entries come in portions of 20,000, as a busy second would leave them,
//! seals each portion, and prints the rate for every tenth of the log.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use optin::app::App;
use optin::clock::Clock;
use optin::consent::list::ListOptions;
use optin::consent::notice::NoticeText;
use optin::keys::KeyRing;
use optin::store::Store;
use optin::store::cluster::Cluster;
use optin::store::migrate::{migrate, migrations};
use optin::store::seal::Seal;
use zeroize::Zeroizing;

const PORTION: u64 = 20_000;

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let entries: u64 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::durable(folder.path(), |_| {}).await.unwrap();
    cluster.create_database("bench", None).await.unwrap();
    let url = cluster.url("bench");
    migrate(&url, &migrations()).await.unwrap();
    let store = Store::open(&url).unwrap();
    let part = || "A sentence of the notice.".to_owned();
    let text = NoticeText {
        purpose: part(),
        sender: part(),
        recipients: part(),
        storage: part(),
        retention: part(),
        legal_basis: part(),
        withdrawal: part(),
    };
    let texts = BTreeMap::from([("en".to_owned(), text)]);
    let options = ListOptions::titled("en", "News");
    let list = store
        .create_list("news", &options, texts, Clock::System.now(), App::random())
        .await
        .unwrap()
        .unwrap();
    let (db, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);

    let keys = KeyRing::generate(Zeroizing::new(App::random()));
    let (mut size, mut sealing, mut since) = (0, Duration::ZERO, 0);
    println!("{:>12}{:>16}", "log's size", "entries/s");
    while size < entries {
        let come = "INSERT INTO trail_entries (list, entry)
                    SELECT $1, substr('\\x010200079a46'::bytea || sha256(gen_random_uuid()::text::bytea) || sha256('x'), 1, 70)
                    FROM generate_series(1, $2::bigint)";
        db.execute(come, &[&(list as i32), &(PORTION as i64)]).await.unwrap();
        let begin = Instant::now();
        let target = size + PORTION;
        while size < target {
            let seal = Seal::new("optin.example", &keys, Clock::System.now());
            size = store.seal(list, &seal).await.unwrap().expect("nobody else seals");
        }
        sealing += begin.elapsed();
        if size - since >= entries / 10 {
            println!("{size:>12}{:>16.0}", (size - since) as f64 / sealing.as_secs_f64());
            (sealing, since) = (Duration::ZERO, size);
        }
    }
    drop(store);
    cluster.stop().await.unwrap();
}
