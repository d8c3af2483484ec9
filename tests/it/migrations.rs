//! Migrations: forward, once each, whole or not at all, and never against a database that another version shaped.

use futures_util::future::join_all;
use optin::clock::Clock;
use optin::consent::operator::{Right, Role};
use optin::consent::webhook::Target;
use optin::journeys::export::{By, Export, Format};
use optin::links::Links;
use optin::store::StoreError;
use optin::store::access::Access;
use optin::store::feed::Reader;
use optin::store::idempotency::KeyUse;
use optin::store::migrate::{MigrateError, Migration, check, migrate, migrations};
use optin::store::operators::NewToken;
use optin::store::seal::Seal;
use optin::store::sessions::Throttle;
use optin::store::webhooks::WebhookId;

use crate::doors::people::{Bench, noon, token};
use crate::feed::begun;
use crate::house::{connect, database};

fn named(name: &str, text: &str) -> Migration {
    (name.to_owned(), text.to_owned())
}

/// The version after this one.
fn with_next(text: &str) -> Vec<Migration> {
    [migrations(), vec![named("9001_next.sql", text)]].concat()
}

async fn count(url: &str, sql: &str) -> i64 {
    connect(url).await.query_one(sql, &[]).await.unwrap().get(0)
}

#[test]
fn migrations_are_numbered_without_a_gap() {
    for (n, (name, text)) in migrations().iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", n + 1)) && name.ends_with(".sql"), "{name}");
        assert!(!text.trim().is_empty(), "{name}");
    }
    assert!(!migrations().is_empty());
}

#[tokio::test]
async fn an_empty_database_is_behind_until_it_is_migrated_and_then_nothing_is_left_to_do() {
    let url = database(false).await;
    let all = migrations();
    let behind = check(&url, &all).await;
    assert!(matches!(behind, Err(MigrateError::Behind(n)) if n == all.len()), "{behind:?}");
    assert_eq!(
        count(&url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await,
        0,
        "checking changes nothing"
    );
    assert_eq!(migrate(&url, &all).await.unwrap(), all.len());
    check(&url, &all).await.unwrap();
    assert_eq!(migrate(&url, &all).await.unwrap(), 0);
    check(&url, &all).await.unwrap();

    let next = with_next("CREATE TABLE more ()");
    let behind = check(&url, &next).await;
    assert!(matches!(behind, Err(MigrateError::Behind(1))), "{behind:?}");
    assert_eq!(migrate(&url, &next).await.unwrap(), 1);
    check(&url, &next).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_that_migrate_at_once_apply_each_migration_once() {
    let url = database(false).await;
    // Were one of these applied twice, the second time would fail.
    let all = [
        with_next("CREATE TABLE once (n integer)"),
        vec![named("9002_again.sql", "INSERT INTO once VALUES (1)")],
    ]
    .concat();
    let outcomes = join_all((0..8).map(|_| {
        let (url, all) = (url.clone(), all.clone());
        tokio::spawn(async move { migrate(&url, &all).await })
    }))
    .await;
    let applied: usize = outcomes.into_iter().map(|outcome| outcome.unwrap().unwrap()).sum();
    assert_eq!(applied, all.len());
    assert_eq!(count(&url, "SELECT count(*) FROM once").await, 1);
    assert_eq!(count(&url, "SELECT count(*) FROM migrations").await, all.len() as i64);
}

#[tokio::test]
async fn a_migration_with_another_text_is_refused_by_name() {
    let url = database(true).await;
    let mut changed = migrations();
    changed[0].1.push_str("\n-- a word more");
    for refused in [migrate(&url, &changed).await.map(|_| ()), check(&url, &changed).await] {
        let Err(error @ MigrateError::Changed(_)) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains(&changed[0].0), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_by_the_name_of_what_is_not_known() {
    let url = database(true).await;
    migrate(&url, &with_next("CREATE TABLE more ()")).await.unwrap();
    for refused in [migrate(&url, &migrations()).await.map(|_| ()), check(&url, &migrations()).await] {
        let Err(error @ MigrateError::Unknown(_)) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains("9001_next.sql"), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_another_version_is_left_as_it_is() {
    let url = database(true).await;
    migrate(&url, &with_next("CREATE TABLE more ()")).await.unwrap();
    let other = [migrations(), vec![named("9000_other.sql", "CREATE TABLE other ()")]].concat();
    let refused = migrate(&url, &other).await;
    assert!(matches!(refused, Err(MigrateError::Unknown(_))), "{refused:?}");
    assert_eq!(count(&url, "SELECT count(*) FROM pg_tables WHERE tablename = 'other'").await, 0);
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_of_itself_and_stands_in_nobodys_way() {
    let url = database(true).await;
    let failing = with_next("CREATE TABLE half (); SELECT 1 / 0");
    for _ in 0..2 {
        let Err(error @ MigrateError::Failed(..)) = migrate(&url, &failing).await else {
            panic!("it passed")
        };
        assert!(matches!(&error, MigrateError::Failed(_, StoreError::Refused(state)) if state == "22012"));
        let told = format!("{:#}", anyhow::Error::from(error));
        assert!(told.contains("9001_next.sql failed: ") && told.contains("22012"), "{told}");
    }
    assert_eq!(count(&url, "SELECT count(*) FROM pg_tables WHERE tablename = 'half'").await, 0);
    let behind = check(&url, &failing).await;
    assert!(matches!(behind, Err(MigrateError::Behind(1))), "{behind:?}");
    assert_eq!(migrate(&url, &with_next("CREATE TABLE whole ()")).await.unwrap(), 1, "the lock is free");
}

/// What lies in the tables, a line each, in a fixed order.
async fn contents(url: &str, tables: &[String]) -> Vec<String> {
    let db = connect(url).await;
    let mut lines = Vec::new();
    for table in tables {
        let rows = db.query(&format!("SELECT t::text FROM {table} t ORDER BY 1"), &[]).await.unwrap();
        lines.extend(rows.iter().map(|row| format!("{table}: {}", row.get::<_, String>(0))));
    }
    lines
}

async fn tables(url: &str) -> Vec<String> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations' ORDER BY 1";
    connect(url).await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// A database as its first version left it, filled, comes through every migration since with what it held. A
/// migration that changes old values on purpose gets a case of its own.
#[tokio::test]
async fn what_a_filled_database_holds_comes_through_every_later_migration() {
    let url = database(false).await;
    let all = migrations();
    migrate(&url, &all[..1]).await.unwrap();
    let tables = tables(&url).await;
    let db = connect(&url).await;
    db.batch_execute(include_str!("migrations/filled_0001.sql")).await.unwrap();
    for table in &tables {
        assert!(count(&url, &format!("SELECT count(*) FROM {table}")).await > 0, "{table} is filled");
        db.batch_execute(&format!("CREATE TABLE old_{table} AS SELECT to_jsonb(t) AS old FROM {table} t"))
            .await
            .unwrap();
    }
    assert_eq!(migrate(&url, &all).await.unwrap(), all.len() - 1);
    for table in &tables {
        let lost = format!(
            "SELECT count(*) FROM old_{table} WHERE NOT EXISTS (SELECT FROM {table} t WHERE to_jsonb(t) @> old)"
        );
        assert_eq!(count(&url, &lost).await, 0, "{table}");
    }
}

#[tokio::test]
async fn migrating_a_filled_database_again_leaves_its_rows_alone() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    for who in ["ann@example.org", "bob@example.org"] {
        let signup = bench.signup(&list, who, noon());
        let its = token(signup.list(), signup.id());
        bench.store.sign_up(signup).await.unwrap();
        bench.store.confirm(optin::consent::change::Confirm::new(&its, noon())).await.unwrap();
    }
    let signup = bench.signup(&list, "cid@example.org", noon());
    let id = signup.id();
    bench.store.sign_up(signup).await.unwrap();
    bench.store.count_bounce(list.0.number, id, noon()).await.unwrap();
    let used = KeyUse { key: [1; 32], request: [2; 32] };
    bench.store.note_key(list.0.number, &used, id, noon()).await.unwrap();
    bench.store.add_operator("tester", Role::Admin, noon()).await.unwrap();
    bench.store.check_ring(&bench.ring).await.unwrap();
    bench.store.record_access(list.0.number, "tester", Access::Export, noon()).await.unwrap();
    let by = By { operator: "tester", token: None };
    let clock = Clock::manual(noon());
    let links = Links::new("http://optin.example".into(), &bench.ring);
    let export = Export { store: &bench.store, keys: &bench.ring, links: &links, clock: &clock };
    export.begin(list.0.clone(), by, Format::Csv).await.unwrap();
    let expires_at = noon() + jiff::SignedDuration::from_hours(1);
    let new = NewToken { name: "a program", rights: &[Right::Trail], lists: Some(&[1]), expires_at };
    assert!(bench.store.add_token("a-token", "tester", &new, noon()).await.unwrap());
    bench.store.begin_session("a-session", "tester", noon()).await.unwrap();
    assert!(bench.store.invite("an-invitation", "tester", noon()).await.unwrap());
    bench.store.count_try(&[Throttle { key: [1; 32], most: 1 }], noon()).await.unwrap();
    let seal = Seal::new("optin.example", &bench.ring, noon());
    bench.store.seal(list.0.number, &seal).await.unwrap();
    let before = bench.store.begin_export(list.0.number, &seal, &begun([1; 16])).await.unwrap().0.feed;
    let before = before.parse().unwrap();
    let leave = bench.signup(&list, "dan@example.org", noon());
    let its = token(leave.list(), leave.id());
    bench.store.sign_up(leave).await.unwrap();
    bench.store.confirm(optin::consent::change::Confirm::new(&its, noon())).await.unwrap();
    let reader = Reader { operator: "tester", token: None };
    let target = Target::parse("https://shop.example/hook", &[]).unwrap();
    bench.store.add_webhook(list.0.number, WebhookId([1; 14]), &target, b"sealed", noon()).await.unwrap();
    assert!(bench.store.read_feed(reader, &before, 10, noon()).await.unwrap().is_some());

    let tables = tables(&bench.url).await;
    let before = contents(&bench.url, &tables).await;
    for table in &tables {
        assert!(before.iter().any(|line| line.starts_with(&format!("{table}: "))), "{table} is filled");
    }
    assert_eq!(migrate(&bench.url, &migrations()).await.unwrap(), 0);
    assert_eq!(contents(&bench.url, &tables).await, before);
    check(&bench.url, &migrations()).await.unwrap();
}
