//! What is counted of people, by list and day, and how little of it is told. That tallies agree with whatever people do is
//! `machine.rs`'s to show, and that they agree with the trail, every test's: a house looks when it is closed.

use jiff::{SignedDuration, Timestamp};
use optin::app::stats::{Days, Figures, overview};
use optin::consent::change::{Confirm, Erase};
use optin::consent::figures::Figure;
use optin::store::seal::Seal;
use optin::trail::entry::{Event, ZEROS, entry, service_tail};

use crate::doors::people::{Bench, Change, noon, pass, token};
use crate::house::trails::tallies_are_the_trails;
use crate::house::{House, link};

const TALLIES: &str =
    "SELECT coalesce(string_agg(kind || ':' || count, ' ' ORDER BY day, kind), '') FROM tallies";

async fn tallies(bench: &Bench) -> String {
    bench.db.query_one(TALLIES, &[]).await.unwrap().get(0)
}

async fn seal(bench: &Bench, list: u32, at: Timestamp) {
    let seal = Seal::new("optin.example", &bench.ring, at);
    assert!(bench.store.seal(list, &seal).await.unwrap().is_some());
}

/// So many people who sign up, and confirm after a while.
async fn people(
    bench: &Bench,
    list: &(optin::consent::list::List, optin::consent::notice::Notice),
    n: usize,
) {
    for n in 0..n {
        let signup = bench.signup(list, &format!("ann{n}@example.org"), noon());
        let its = token(list.0.number, signup.id());
        bench.store.sign_up(signup).await.unwrap();
        let later = noon() + SignedDuration::from_mins(3);
        bench.store.confirm(Confirm::new(&its, later)).await.unwrap();
    }
}

#[tokio::test]
async fn each_signup_counts_whatever_comes_of_it() {
    let bench = Bench::open().await;
    let list = bench.list(1).await;
    let signup = async |minutes: i64| {
        let at = noon() + SignedDuration::from_mins(minutes);
        bench.store.sign_up(bench.signup(&list, "ann@example.org", at)).await.unwrap();
        tallies(&bench).await
    };
    assert_eq!(signup(0).await, "32:1");
    assert_eq!(signup(1).await, "32:2", "within the cool-down");
    assert_eq!(signup(30).await, "32:3", "the letter is sent anew");
    assert_eq!(signup(95).await, "32:4", "the sweeper just was not there yet");
}

/// A stranger who can see how much is written must not learn from it whether an address is known.
#[tokio::test]
async fn a_signup_writes_the_same_tallies_whatever_the_address_is() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    people(&bench, &list, 1).await;
    // The transaction that wrote it last.
    let version = "SELECT xmin::text FROM tallies WHERE kind = 32";
    let mut seen = bench.db.query_one(version, &[]).await.unwrap().get::<_, String>(0);
    for (address, what) in
        [("ben@example.org", "new"), ("ben@example.org", "pending"), ("ann0@example.org", "active")]
    {
        bench.store.sign_up(bench.signup(&list, address, noon())).await.unwrap();
        let now: String = bench.db.query_one(version, &[]).await.unwrap().get(0);
        assert_ne!(now, seen, "the tally was written for a {what} address");
        // What rises for one and not for another would tell whose address is known.
        seen = now;
    }
    assert_eq!(tallies(&bench).await.split(' ').next(), Some("32:4"));
}

/// Two replicas at the same tallies, at midnight, so that each batch has rows of two days: they wait for each other and
/// never in a circle.
#[tokio::test]
async fn two_replicas_that_count_at_once_both_come_through() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let midnight: Timestamp = "2026-11-03T00:00:00Z".parse().unwrap();
    let at = |n: i64| midnight + SignedDuration::from_secs(if n % 2 == 0 { -1 } else { 1 });
    let signups: Vec<_> =
        (0..400).map(|n| bench.signup(&list, &format!("ann{n}@example.org"), at(n))).collect();
    let ids: Vec<_> = signups.iter().map(|signup| token(list.0.number, signup.id())).collect();
    let stores = [&bench.store, &bench.replica];
    let passed =
        signups.into_iter().enumerate().map(|(n, signup)| pass(stores[n / 2 % 2], Change::SignUp(signup)));
    futures_util::future::try_join_all(passed).await.unwrap();
    let confirms = ids.iter().enumerate().map(|(n, its)| {
        let took = SignedDuration::from_secs(1 << (n % 12));
        pass(stores[n / 2 % 2], Change::Confirm(Confirm::new(its, at(n as i64) + took)))
    });
    futures_util::future::try_join_all(confirms).await.unwrap();
    seal(&bench, list.0.number, midnight).await;
    let sum = |kinds: &str| format!("SELECT sum(count)::bigint FROM tallies WHERE kind {kinds}");
    assert_eq!(bench.count(&sum("= 32")).await, 400);
    assert_eq!(bench.count(&sum("= 1")).await, 400);
    assert_eq!(bench.count(&sum(">= 64")).await, 400);
    assert_eq!(bench.count("SELECT count FROM tallies WHERE kind = 32 AND day = '2026-11-02'").await, 200);
    tallies_are_the_trails(&bench.db).await;
}

/// An older version that runs beside this one seals and does not count.
#[tokio::test]
async fn what_was_sealed_without_being_counted_is_counted_with_the_next_seal() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    // Its notice comes first; what follows within an hour comes in any order.
    seal(&bench, list.0.number, noon()).await;
    people(&bench, &list, 3).await;
    seal(&bench, list.0.number, noon()).await;
    let forget = "DELETE FROM tallies WHERE kind < 32; UPDATE trails SET tallied = 2, subscribers = 0";
    bench.db.batch_execute(forget).await.unwrap();
    let one =
        "INSERT INTO tallies SELECT list, '2026-11-02', 1, 1 FROM trails; UPDATE trails SET subscribers = 1";
    bench.db.batch_execute(one).await.unwrap();
    let signup = bench.signup(&list, "bob@example.org", noon());
    let its = token(list.0.number, signup.id());
    bench.store.sign_up(signup).await.unwrap();
    bench.store.confirm(Confirm::new(&its, noon())).await.unwrap();
    bench.store.erase(Erase::withdraw(&its, noon())).await.unwrap();
    seal(&bench, list.0.number, noon()).await;
    tallies_are_the_trails(&bench.db).await;
    assert_eq!(bench.store.subscribers(&[list.0.number, 77]).await.unwrap(), [(list.0.number, 3)].into());
}

#[tokio::test]
async fn figures_are_what_was_counted_on_these_days_of_this_list() {
    let bench = Bench::open().await;
    let (list, other) = (bench.list(72).await, bench.list(72).await);
    people(&bench, &list, 6).await;
    people(&bench, &other, 2).await;
    for list in [&list, &other] {
        seal(&bench, list.0.number, noon()).await;
    }
    let days = Days::last(3, noon() + SignedDuration::from_hours(24));
    let figures = Figures::of(&bench.store, &list.0, days).await.unwrap();
    let told: Vec<_> = figures.days.iter().map(|day| day.acts.confirmed).collect();
    assert_eq!(told, [Figure::of(0), Figure::of(6), Figure::of(0)]);
    assert_eq!((figures.total.signed_up, figures.total.left), (Figure::of(6), Figure::of(0)));
    assert_eq!(figures.subscribers, Figure { at_least: 5, at_most: 9 });
    assert_eq!(figures.median_in_words().as_deref(), Some("about 3 minutes"));
    assert_eq!(figures.letters.waiting, Figure::of(6));
    assert!(!figures.letters.and_more);

    let lines = overview(&bench.store, vec![list.0.clone(), other.0.clone()], days).await.unwrap();
    assert_eq!(lines[0].total, figures.total);
    assert_eq!((lines[1].total.confirmed, lines[1].subscribers), (Figure::of(2), Figure::of(2)));
    let of_few = Figures::of(&bench.store, &other.0, days).await.unwrap();
    assert_eq!(of_few.median_seconds_to_confirm, None, "two people's time is their own");

    // Before these days, and after them, nobody did anything.
    let before = Days::last(3, noon() - SignedDuration::from_hours(24));
    let figures = Figures::of(&bench.store, &list.0, before).await.unwrap();
    assert_eq!(figures.total, optin::app::stats::Acts::default());
}

#[tokio::test]
async fn letters_that_wait_are_told_apart_from_those_given_up() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    for email in ["ann@example.org", "ben@example.org", "cid@example.org"] {
        bench.store.sign_up(bench.signup(&list, email, noon())).await.unwrap();
    }
    let bury = "UPDATE outbox SET dead_at = now() WHERE subscription = (SELECT subscription FROM outbox ORDER BY 1 LIMIT 1)";
    bench.db.batch_execute(bury).await.unwrap();
    let letters = bench.store.count_letters(list.0.number).await.unwrap();
    assert_eq!((letters.waiting, letters.given_up), (2, 1));
    assert_eq!(bench.store.count_letters(77).await.unwrap().waiting, 0);
}

#[tokio::test]
async fn the_migration_counts_what_has_been_so_far() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    people(&bench, &list, 3).await;
    bench.list(72).await;
    let id: Vec<u8> =
        bench.db.query_one("SELECT id FROM subscriptions ORDER BY 1 LIMIT 1", &[]).await.unwrap().get(0);
    let its = token(list.0.number, optin::token::SubscriptionId(id.try_into().unwrap()));
    bench.store.erase(Erase::withdraw(&its, noon() + SignedDuration::from_hours(30))).await.unwrap();
    let lost = entry(Event::Lost, noon(), &ZEROS, &service_tail(&[7; 16], 1, 1));
    let insert = "INSERT INTO trail_entries (list, entry) VALUES ($1, $2)";
    bench.db.execute(insert, &[&(list.0.number as i32), &&lost[..]]).await.unwrap();
    seal(&bench, list.0.number, noon()).await;
    // Somebody is not there any more.
    let one = "DELETE FROM subscriptions WHERE id = (SELECT id FROM subscriptions ORDER BY 1 LIMIT 1)";
    bench.db.batch_execute(one).await.unwrap();
    tallies_are_the_trails(&bench.db).await;

    // An act that waits is counted when it is sealed.
    let signup = bench.signup(&list, "bob@example.org", noon());
    let its = token(list.0.number, signup.id());
    bench.store.sign_up(signup).await.unwrap();
    let before = "DROP TABLE tallies; ALTER TABLE trails DROP COLUMN tallied, DROP COLUMN subscribers";
    bench.db.batch_execute(before).await.unwrap();
    bench.db.batch_execute(include_str!("../../sql/migrations/0011_tallies.sql")).await.unwrap();
    tallies_are_the_trails(&bench.db).await;
    assert_eq!(bench.store.subscribers(&[list.0.number]).await.unwrap(), [(list.0.number, 1)].into());
    bench.store.confirm(Confirm::new(&its, noon())).await.unwrap();
    seal(&bench, list.0.number, noon()).await;
    tallies_are_the_trails(&bench.db).await;
}

#[tokio::test]
async fn the_time_to_confirm_is_in_no_table_but_as_one_of_many() {
    let house = House::open().await;
    house.sign_up("ann@example.org").await;
    house.advance(SignedDuration::from_secs(200));
    let letter = house.letter("ann@example.org").await;
    assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    // 181 to 256 seconds.
    assert_eq!(house.count("SELECT kind::bigint FROM tallies WHERE kind >= 64").await, 64 + 16);
    house.close().await;
}
