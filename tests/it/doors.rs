//! The write door: who waits goes together, each is answered for itself, and nothing that was acknowledged is lost.

pub mod people;
mod race;
mod rewrite;
mod wire;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use jiff::{SignedDuration, Timestamp};
use optin::consent::change::{Confirm, Erase, Signup};
use optin::consent::subscription::{ConfirmOutcome, EraseOutcome, SignupOutcome};
use optin::store::{Store, StoreError};
use optin::token::SubscriptionId;
use tokio::time::sleep;

use crate::house::{connect, until};
use people::{Bench, Change, Outcome, nobody, noon, pass, token};
use wire::Wire;

const ASKED: Outcome = Outcome::SignUp(SignupOutcome::Asked);

#[tokio::test]
async fn two_hundred_signups_of_one_address_at_once_make_one_row_and_one_letter() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let signups: Vec<Signup> = (0..200).map(|_| bench.signup(&list, "ann@example.org", noon())).collect();
    let outcomes = join_all(signups.iter().map(|signup| bench.store.sign_up(signup.clone()))).await;

    let asked: Vec<&Signup> = signups
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, Ok(SignupOutcome::Asked)))
        .map(|(signup, _)| signup)
        .collect();
    assert_eq!(asked.len(), 1, "one of them made the row");
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(SignupOutcome::Asked | SignupOutcome::CoolingDown)))
    );
    let row = bench.db.query_one("SELECT id, seal FROM subscriptions", &[]).await.unwrap();
    assert!(row.get::<_, &[u8]>("id") == asked[0].id().0 && row.get::<_, &[u8]>("seal") == asked[0].seal());
    assert_eq!(bench.count("SELECT count(*) FROM outbox JOIN subscriptions ON subscription = id").await, 1);
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test]
async fn what_waits_goes_in_one_transaction_for_each_list() {
    let bench = Bench::open().await;
    let lists = [bench.list(72).await, bench.list(72).await, bench.list(72).await];
    let of =
        |n: usize| Change::SignUp(bench.signup(&lists[n % 3], &format!("p{}@example.org", n / 3), noon()));
    let outcomes = bench.pass_in_one_batch((0..90).map(of).collect()).await;

    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(ASKED))),
        "an address may be on several lists"
    );
    let transactions = "SELECT count(*), count(DISTINCT xmin::text) FROM subscriptions WHERE list = $1";
    for (list, _) in &lists {
        let row = bench.db.query_one(transactions, &[&(list.number as i32)]).await.unwrap();
        assert_eq!((row.get(0), row.get(1)), (30_i64, 1_i64), "rows and transactions");
    }
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 90);
}

#[tokio::test]
async fn a_change_that_the_database_refuses_fails_alone() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let sign_up = |lang: &str, who: String| Change::SignUp(bench.signup_in(lang, &list, &who, noon()));
    let mut changes: Vec<Change> = (0..40).map(|n| sign_up("en", format!("p{n}@example.org"))).collect();
    // PostgreSQL keeps no NUL in a text. One stands alone, one comes before a good signup of the same address.
    changes.insert(17, sign_up("e\0", "bad@example.org".into()));
    changes.insert(5, sign_up("e\0", "p30@example.org".into()));
    let outcomes = bench.pass_in_one_batch(changes).await;

    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(StoreError::Refused(code)) => assert!([5, 18].contains(&n) && code == "22021", "{n}: {code}"),
            outcome => assert!(matches!(outcome, Ok(ASKED)), "{n}: {outcome:?}"),
        }
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 2);
    assert_eq!(bench.count("SELECT count(*) FROM subscriptions").await, 40);
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 40);

    // The same for confirmations: PostgreSQL's time does not reach back so far.
    let ids = ids(&bench).await;
    let mut confirms: Vec<Change> = ids[..9].iter().map(|id| confirm(list.0.number, *id, noon())).collect();
    confirms.insert(4, confirm(list.0.number, nobody(), Timestamp::MIN));
    let outcomes = bench.pass_in_one_batch(confirms).await;
    assert!(matches!(&outcomes[4], Err(StoreError::Refused(code)) if code == "22008"), "{:?}", outcomes[4]);
    let confirmed =
        |outcome: &&Result<_, _>| matches!(outcome, Ok(Outcome::Confirm(ConfirmOutcome::Confirmed)));
    assert_eq!(outcomes.iter().filter(confirmed).count(), 9);
    assert_eq!(bench.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 1").await, 9);
}

#[tokio::test]
async fn a_full_queue_says_busy_and_serves_whoever_was_let_in() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let holder = bench.lock_subscriptions().await;
    let mut first = pin!(bench.store.sign_up(bench.signup(&list, "first@example.org", noon())));
    assert!(poll!(&mut first).is_pending());
    bench.until_waiting(1).await;

    let signups: Vec<Signup> =
        (0..1500).map(|n| bench.signup(&list, &format!("p{n}@example.org"), noon())).collect();
    let mut others = pin!(join_all(signups.into_iter().map(|signup| bench.store.sign_up(signup))));
    assert!(poll!(&mut others).is_pending());
    holder.batch_execute("COMMIT").await.unwrap();
    assert!(matches!(first.await, Ok(SignupOutcome::Asked)));
    let outcomes = others.await;

    let let_in = outcomes.iter().take_while(|outcome| matches!(outcome, Ok(SignupOutcome::Asked))).count();
    assert!((256..1500).contains(&let_in), "the queue is bounded, and not tight: {let_in}");
    assert!(outcomes[let_in..].iter().all(|outcome| matches!(outcome, Err(StoreError::Busy))));
    assert_eq!(bench.count("SELECT count(*) FROM subscriptions").await, let_in as i64 + 1);
    let late = bench.store.sign_up(bench.signup(&list, "late@example.org", noon())).await;
    assert!(matches!(late, Ok(SignupOutcome::Asked)), "afterwards there is room again");
}

#[tokio::test]
async fn a_change_stands_although_whoever_asked_has_gone() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let holder = bench.lock_subscriptions().await;
    {
        let mut asked = pin!(bench.store.sign_up(bench.signup(&list, "ann@example.org", noon())));
        assert!(poll!(&mut asked).is_pending());
    }
    holder.batch_execute("COMMIT").await.unwrap();
    until("the row", async || bench.count("SELECT count(*) FROM subscriptions").await == 1).await;
}

/// Two replicas, every kind of act, few people: all that meets meets often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_at_the_same_rows_neither_fail_nor_leave_a_hole_in_the_trail() {
    let bench = Bench::open().await;
    let lists = [bench.list(72).await, bench.list(72).await];
    let mut known: Vec<(u32, SubscriptionId)> = Vec::new();
    let (mut confirmed, mut now) = (0, noon());
    for round in 0..16 {
        now += SignedDuration::from_mins(11);
        let mut changes = Vec::new();
        for list in &lists {
            for n in 0..40 {
                let address = format!("p{n}@example.org");
                changes.extend((0..2).map(|_| Change::SignUp(bench.signup(list, &address, now))));
            }
        }
        for (n, (list, id)) in known.iter().enumerate() {
            changes.extend((0..2).map(|_| confirm(*list, *id, now)));
            if (n + round) % 3 == 0 {
                changes.extend((0..2).map(|_| Change::Erase(Erase::withdraw(&token(*list, *id), now))));
            }
            if (n + round) % 5 == 0 {
                changes.push(Change::Erase(Erase::not_me(&token(*list, *id), now)));
            }
        }
        let stores = [&bench.store, &bench.replica];
        let passed = changes.into_iter().enumerate().map(|(n, change)| pass(stores[n % 2], change));
        for outcome in join_all(passed).await {
            let outcome = outcome.expect("no collision reaches whoever asked");
            confirmed += i64::from(outcome == Outcome::Confirm(ConfirmOutcome::Confirmed));
        }
        let rows = bench.db.query("SELECT list, id FROM subscriptions", &[]).await.unwrap();
        known = rows.iter().map(|row| (row.get::<_, i32>(0) as u32, id_of(row.get(1)))).collect();
        assert!(known.len() <= 80, "an address is on a list once");
    }

    let entries = |event| format!("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = {event}");
    let (came, left) = (bench.count(&entries(1)).await, bench.count(&entries(2)).await);
    assert!(confirmed > 100 && left > 50, "much has happened: {confirmed}, {left}");
    assert_eq!(came, confirmed, "an entry for each confirmation");
    assert_eq!(came - left, bench.count("SELECT count(*) FROM subscriptions WHERE state = 2").await);
    let twice = "SELECT count(*) - count(DISTINCT substr(entry, 39)) FROM trail_entries";
    assert_eq!(bench.count(twice).await, 0, "no commitment is used twice");
}

#[tokio::test]
async fn a_change_that_loses_a_deadlock_is_tried_again_and_nobody_hears_of_it() {
    let bench = Bench::open().await;
    // Long enough for the rival to come; and the rival is so patient that it is never the one to lose.
    let patience = "DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 2000', current_database());
    END $$";
    bench.db.batch_execute(patience).await.unwrap();
    let list = bench.list(72).await;
    let signup = bench.signup(&list, "ann@example.org", noon());
    let (id, its) = (signup.id(), token(signup.list(), signup.id()));
    bench.store.sign_up(signup).await.unwrap();

    // The erasure takes the row and then the letter, the rival the letter and then the row.
    let rival = connect(&bench.url).await;
    rival.batch_execute("SET deadlock_timeout = 60000; BEGIN; SELECT FROM outbox FOR UPDATE").await.unwrap();
    let mut erased = pin!(bench.store.erase(Erase::withdraw(&its, noon())));
    assert!(poll!(&mut erased).is_pending());
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the erasure to wait", async || bench.count(waiting).await == 1).await;
    let row = "SELECT FROM subscriptions WHERE id = $1 FOR UPDATE";
    rival.execute(row, &[&&id.0[..]]).await.expect("the erasure has lost");
    rival.batch_execute("ROLLBACK").await.unwrap();

    assert!(matches!(erased.await, Ok(EraseOutcome::Erased)));
    assert_eq!(bench.count("SELECT count(*) FROM subscriptions").await, 0);
}

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_when_connections_are_killed() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;

    // Killed for certain: these wait for a lock when it happens.
    let holder = bench.lock_subscriptions().await;
    let early = (0..20).map(|n| bench.signup(&list, &format!("early{n}@example.org"), noon()));
    let mut waiting = pin!(join_all(early.map(|signup| bench.store.sign_up(signup))));
    assert!(poll!(&mut waiting).is_pending());
    bench.until_waiting(1).await;
    assert_eq!(kill_waiting(&bench).await, 1);
    assert!(waiting.await.iter().all(|outcome| matches!(outcome, Err(StoreError::Unavailable))));
    holder.batch_execute("COMMIT").await.unwrap();
    drop(holder);
    assert_eq!(bench.count("SELECT count(*) FROM subscriptions").await, 0);

    // And at any moment: each person tries until there is an answer.
    let persistent = async |n: u32| loop {
        let signup = bench.signup(&list, &format!("p{n}@example.org"), noon());
        let id = signup.id();
        match bench.store.sign_up(signup).await {
            Ok(SignupOutcome::Asked) => break Some(id),
            // An earlier try was written, though its answer was lost.
            Ok(SignupOutcome::CoolingDown) => break None,
            Err(StoreError::Unavailable) => sleep(Duration::from_millis(2)).await,
            other => panic!("{other:?}"),
        }
    };
    let waves = async {
        let mut acknowledged = BTreeSet::new();
        for wave in 0..30 {
            acknowledged
                .extend(join_all((wave * 20..wave * 20 + 20).map(persistent)).await.into_iter().flatten());
        }
        acknowledged
    };
    let killing = async {
        // Ever more slowly, so that a slow machine gets through too.
        for pause in 3..60 {
            kill_all(&bench).await;
            sleep(Duration::from_millis(pause)).await;
        }
        std::future::pending::<()>().await;
    };
    let acknowledged = tokio::select! {
        acknowledged = waves => acknowledged,
        () = killing => unreachable!("it never ends"),
    };
    let rows: BTreeSet<SubscriptionId> = ids(&bench).await.into_iter().collect();
    assert_eq!(rows.len(), 600, "everybody got in, once");
    assert!(acknowledged.len() > 300 && acknowledged.is_subset(&rows));
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 600);
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_said_to_be_so_and_is_used_again_when_it_is_back() {
    let nowhere = tempfile::tempdir().unwrap();
    let socket = nowhere.path().display().to_string().replace('/', "%2F");
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let unreachable = Store::open(&format!("postgresql://optin@{socket}/optin")).unwrap();
    let refused = unreachable.sign_up(bench.signup(&list, "ann@example.org", noon())).await;
    assert!(matches!(refused, Err(StoreError::Unavailable)), "{refused:?}");
    assert!(matches!(unreachable.ping().await, Err(StoreError::Unavailable)));

    let wire = Wire::to(&bench.url).await;
    let store = Store::open(&wire.url).unwrap();
    let sign_up = |who: &str| store.sign_up(bench.signup(&list, who, noon()));
    assert!(matches!(sign_up("ann@example.org").await, Ok(SignupOutcome::Asked)));

    // Cut while a statement runs, and then no connection is to be had.
    let holder = bench.lock_subscriptions().await;
    let mut under_way = pin!(sign_up("bob@example.org"));
    assert!(poll!(&mut under_way).is_pending());
    bench.until_waiting(1).await;
    wire.cut();
    assert!(matches!(under_way.await, Err(StoreError::Unavailable)));
    holder.batch_execute("COMMIT").await.unwrap();
    assert!(matches!(sign_up("cid@example.org").await, Err(StoreError::Unavailable)));
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable)));

    wire.mend();
    until("the database", async || store.ping().await.is_ok()).await;
    assert!(matches!(sign_up("cid@example.org").await, Ok(SignupOutcome::Asked)));
    // Bob's signup may have been written although nobody could tell him: trying again does no harm.
    assert!(matches!(
        sign_up("bob@example.org").await,
        Ok(SignupOutcome::Asked | SignupOutcome::CoolingDown)
    ));
    assert_eq!(bench.count("SELECT count(*) FROM subscriptions").await, 3);
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 3);
}

#[tokio::test]
async fn a_link_of_a_list_that_cannot_exist_meets_no_row() {
    let bench = Bench::open().await;
    for list in [0, i32::MAX as u32 + 1, u32::MAX] {
        let outcome = bench.store.confirm(Confirm::new(&token(list, nobody()), noon())).await;
        assert!(matches!(outcome, Ok(ConfirmOutcome::NoRow)));
        let outcome = bench.store.erase(Erase::withdraw(&token(list, nobody()), noon())).await;
        assert!(matches!(outcome, Ok(EraseOutcome::NoRow)));
    }
}

fn confirm(list: u32, id: SubscriptionId, at: Timestamp) -> Change {
    Change::Confirm(Confirm::new(&token(list, id), at))
}

async fn ids(bench: &Bench) -> Vec<SubscriptionId> {
    let rows = bench.db.query("SELECT id FROM subscriptions", &[]).await.unwrap();
    rows.iter().map(|row| id_of(row.get(0))).collect()
}

fn id_of(bytes: &[u8]) -> SubscriptionId {
    SubscriptionId(bytes.try_into().unwrap())
}

/// Ends the backends that wait for a lock, and says how many.
async fn kill_waiting(bench: &Bench) -> i64 {
    let kill = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
    bench.count(kill).await
}

/// Ends every backend of the database but the one that looks on.
async fn kill_all(bench: &Bench) -> i64 {
    let kill = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    bench.count(kill).await
}
