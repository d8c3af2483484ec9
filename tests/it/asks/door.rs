//! At the write door: a known and an unknown address cost the same commit, and what is asked at once is settled at once.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use optin::consent::change::{Ask, Asked, Erase};
use optin::consent::subscription::{ASK_AGAIN, AskOutcome, EraseOutcome};
use optin::store::outbox::LetterKind;
use optin::store::sql::ALL;
use optin::token::SubscriptionId;
use tokio_postgres::SimpleQueryMessage;

use crate::doors::people::{Bench, nobody, noon, token};

const ANN: &str = "ann@example.org";

fn ask(kind: Asked, list: u32, id: SubscriptionId, at: Timestamp) -> Ask {
    Ask::new(kind, &[list], &[(list, id)], nobody(), at).unwrap()
}

/// The transactions that wrote the rows of a table.
async fn written(bench: &Bench, table: &str) -> Vec<String> {
    let rows = bench.db.query(&format!("SELECT xmin::text FROM {table} ORDER BY 1"), &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Ann is signed up at noon, and her letter has gone.
async fn bench() -> (Bench, u32, SubscriptionId) {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let signup = bench.signup(&list, ANN, noon());
    let id = signup.id();
    bench.store.sign_up(signup).await.unwrap();
    bench.db.batch_execute("DELETE FROM outbox").await.unwrap();
    (bench, list.0.number, id)
}

#[tokio::test]
async fn known_and_unknown_cost_one_commit_that_writes() {
    let (bench, list, ann) = bench().await;
    let at = noon();
    for (kind, letter) in [(Asked::Data, LetterKind::DataLink), (Asked::Leave, LetterKind::LeaveLink)] {
        bench.db.batch_execute("DELETE FROM outbox").await.unwrap();
        let before = written(&bench, "subscriptions").await;
        assert_eq!(bench.store.ask(ask(kind, list, ann, at)).await.unwrap(), AskOutcome::Owed);
        let owed = written(&bench, "subscriptions").await;
        assert!(
            owed != before && owed == written(&bench, "outbox").await,
            "row and letter, in one transaction"
        );

        assert_eq!(bench.store.ask(ask(kind, list, ann, at)).await.unwrap(), AskOutcome::CoolingDown);
        let cooling = written(&bench, "subscriptions").await;
        assert!(cooling != owed, "the row is written, though nothing is owed");
        assert_eq!(written(&bench, "outbox").await, owed, "and no further letter");

        let unknown = Ask::new(kind, &[list], &[], nobody(), at).unwrap();
        assert_eq!(bench.store.ask(unknown.clone()).await.unwrap(), AskOutcome::NoRow);
        assert_eq!(written(&bench, "subscriptions").await, cooling);
        let its = "SELECT count(*) FROM outbox WHERE list = $1 AND subscription = $2 AND kind = $3";
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&(list as i32), &&unknown.id().0[..], &(letter as i16)];
        let found: i64 = bench.db.query_one(its, &parameters).await.unwrap().get(0);
        assert_eq!(found, 1, "a letter for nobody");
    }
}

#[tokio::test]
async fn the_cool_down_ends_to_the_instant_and_each_kind_has_its_own() {
    let (bench, list, ann) = bench().await;
    let at = |after: SignedDuration| noon() + after;
    let least = SignedDuration::from_micros(1);
    for (kind, at, outcome) in [
        (Asked::Data, noon(), AskOutcome::Owed),
        (Asked::Leave, at(least), AskOutcome::Owed),
        (Asked::Data, at(ASK_AGAIN - least), AskOutcome::CoolingDown),
        (Asked::Data, at(ASK_AGAIN), AskOutcome::Owed),
        (Asked::Leave, at(ASK_AGAIN), AskOutcome::CoolingDown),
        (Asked::Leave, at(ASK_AGAIN + least), AskOutcome::Owed),
        (Asked::Data, at(ASK_AGAIN * 2 - least), AskOutcome::CoolingDown),
        // A replica's clock that is behind owes nothing either.
        (Asked::Data, noon(), AskOutcome::CoolingDown),
    ] {
        assert_eq!(bench.store.ask(ask(kind, list, ann, at)).await.unwrap(), outcome, "{kind:?} {at}");
    }
    let waits =
        bench.db.query("SELECT kind, queued_at, due_at FROM outbox ORDER BY kind", &[]).await.unwrap();
    let waits: Vec<(i16, Timestamp, Timestamp)> =
        waits.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let (data, leave) = (at(ASK_AGAIN), at(ASK_AGAIN + least));
    assert_eq!(
        waits,
        [(4, data, data), (5, leave, leave)],
        "one of a kind waits, as of the last time it was owed"
    );
}

#[tokio::test]
async fn two_hundred_who_ask_at_once_for_one_person_cause_one_letter_of_each_kind() {
    let (bench, list, ann) = bench().await;
    let kind = |n: usize| if n.is_multiple_of(2) { Asked::Data } else { Asked::Leave };
    let asks = (0..200).map(|n| ask(kind(n), list, ann, noon()));
    let stores = [&bench.store, &bench.replica];
    let outcomes = join_all(asks.enumerate().map(|(n, ask)| stores[n / 2 % 2].ask(ask))).await;
    for kind_of in [Asked::Data, Asked::Leave] {
        let its = outcomes.iter().enumerate().filter(|(n, _)| kind(*n) == kind_of);
        let owed = its.filter(|(_, outcome)| matches!(outcome, Ok(AskOutcome::Owed))).count();
        assert_eq!(owed, 1, "{kind_of:?}");
    }
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(AskOutcome::Owed | AskOutcome::CoolingDown))));
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 2);
}

#[tokio::test]
async fn who_is_erased_takes_their_letters_along_and_what_is_asked_for_them_later_is_for_nobody() {
    let (bench, list, ann) = bench().await;
    for kind in [Asked::Data, Asked::Leave] {
        bench.store.ask(ask(kind, list, ann, noon())).await.unwrap();
    }
    assert_eq!(bench.count("SELECT count(*) FROM outbox").await, 2);
    let erased = bench.store.erase(Erase::withdraw(&token(list, ann), noon())).await.unwrap();
    assert_eq!(erased, EraseOutcome::Erased);
    for table in ["outbox", "subscriptions"] {
        assert_eq!(bench.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    // Found a moment before, gone by now.
    let late = bench.store.ask(ask(Asked::Data, list, ann, noon())).await.unwrap();
    assert_eq!(late, AskOutcome::NoRow);
}

#[tokio::test]
async fn an_address_is_found_on_each_list_that_it_is_on_by_number() {
    let bench = Bench::open().await;
    let lists = [bench.list(72).await, bench.list(72).await, bench.list(72).await];
    let mut ids = Vec::new();
    for list in [&lists[2], &lists[0]] {
        let signup = bench.signup(list, ANN, noon());
        ids.push((list.0.number, signup.id()));
        bench.store.sign_up(signup).await.unwrap();
    }
    bench.store.sign_up(bench.signup(&lists[1], "bob@example.org", noon())).await.unwrap();
    ids.sort();
    let keys = |who: &str| -> Vec<_> {
        let numbers = lists.iter().rev().map(|(list, _)| list.number);
        numbers.map(|list| (list, bench.ring.address_key(list, who))).collect()
    };
    assert_eq!(bench.store.find_addresses(&keys(ANN)).await.unwrap(), ids);
    assert_eq!(bench.store.find_addresses(&keys("cem@example.org")).await.unwrap(), []);
    assert_eq!(bench.store.find_addresses(&[]).await.unwrap(), []);
}

/// Nobody tells the planner to: it has no statistics of keys, and still reads no list through.
#[tokio::test]
async fn both_statements_go_by_index_on_a_long_list() {
    let (bench, list, _) = bench().await;
    let random = |bytes: u32| format!("substr(sha256(n::text::bytea || '{bytes}'::bytea), 1, {bytes})");
    let [id, key, reference] = [14, 32, 16].map(random);
    let fill = format!(
        "INSERT INTO subscriptions (list, id, address_key, state, notice, lang, seal, reference, confirmed_commitment,
                                    withdrawn_commitment, signed_up_at, expires_at)
         SELECT {list}, {id}, {key}, 1, 1, 'en', {key}, {reference}, {key}, {key}, now(), now()
         FROM generate_series(1, 20000) AS n"
    );
    bench.db.batch_execute(&fill).await.unwrap();
    let bytes = "'{\"\\\\x00\",\"\\\\x01\"}'";
    let statements = [
        ("find_addresses", "int[], bytea[]", format!("'{{{list}, 7}}', {bytes}"), "subscriptions_address"),
        (
            "apply_asks",
            "int, bytea[], smallint[], timestamptz[], smallint, smallint, float8[]",
            format!("{list}, {bytes}, '{{4, 5}}', '{{now, now}}', 4, 5, '{{600, 600}}'"),
            "subscriptions_pkey",
        ),
    ];
    for when in ["before it is analyzed", "after"] {
        for (name, types, values, index) in &statements {
            let (_, sql) = ALL.iter().find(|(known, _)| known == name).unwrap();
            for mode in ["force_custom_plan", "force_generic_plan"] {
                bench.db.batch_execute(&format!("SET plan_cache_mode = {mode}")).await.unwrap();
                let explain =
                    format!("PREPARE ask ({types}) AS {sql}; EXPLAIN EXECUTE ask ({values}); DEALLOCATE ask");
                let plan = bench.db.simple_query(&explain).await.unwrap();
                let lines = plan.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                let plan = lines.collect::<Vec<_>>().join("\n");
                let by_index = plan.contains(index) && !plan.contains("Seq Scan");
                assert!(by_index, "{name}, {when}, {mode}: {plan}");
            }
        }
        bench.db.batch_execute("ANALYZE").await.unwrap();
    }
}
