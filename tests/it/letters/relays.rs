//! Each owed letter goes once, whatever the relay does, and only as long as it is owed.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use mail_parser::{Message, MessageParser};
use optin::chores::postman;
use optin::mail::session::{Answer, Door, Limits, Protocol, Transaction};
use tokio_util::sync::CancellationToken;

use super::{ANN, GRETA};
use crate::house::{House, link, until};

/// What a relay was given, in order, and whether it took it.
#[derive(Clone, Default)]
pub struct Relay(Arc<Mutex<Vec<Try>>>);

#[derive(Clone)]
pub struct Try {
    pub to: String,
    data: Vec<u8>,
    answer: Answer,
}

impl Try {
    fn read(&self) -> Message<'_> {
        MessageParser::default().parse(&self.data).unwrap()
    }

    fn name(&self) -> String {
        self.read().message_id().unwrap().to_owned()
    }

    pub fn link(&self, door: &str) -> String {
        link(&self.read().body_text(0).unwrap(), door)
    }
}

impl Relay {
    /// A relay that answers each message by its recipient and by how often it has seen that one before.
    pub fn that(decides: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> (Relay, Door) {
        let relay = Relay::default();
        let seen = relay.clone();
        let message = move |transaction: Transaction| {
            let to = transaction.to[0].clone();
            let mut tries = seen.0.lock().unwrap();
            let answer = decides(&to, tries.iter().filter(|one| one.to == to).count());
            tries.push(Try { to, data: transaction.data.to_vec(), answer });
            async move { answer }
        };
        let door =
            Door::new(Protocol::Smtp, "relay.test", Limits::default(), |_| async { Answer::TAKEN }, message);
        (relay, door)
    }

    pub fn tries(&self, to: &str) -> Vec<Try> {
        self.0.lock().unwrap().iter().filter(|one| one.to == to).cloned().collect()
    }

    pub fn taken(&self) -> Vec<Try> {
        self.0.lock().unwrap().iter().filter(|one| one.answer == Answer::TAKEN).cloned().collect()
    }
}

/// As relays say it: with the address, and with words that must not be found anywhere afterwards.
const LATER: Answer = Answer::reply(451, "4.7.1", "<ann@example.org> is on the quaggalist, come back");
const NEVER: Answer = Answer::reply(550, "5.1.1", "<ann@example.org> no such quagga here");
const UNWANTED: Answer =
    Answer::reply(554, "5.7.1", "<ann@example.org> is a quagga, and those are not welcome");

/// A letter's row: its attempts, its status, whether it was given up, whether somebody holds it.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    attempts: i32,
    status: Option<String>,
    dead: bool,
    held: bool,
}

/// The one letter that waits, if there is one. A lease ends later than the first retries come.
async fn waiting(house: &House) -> Option<Waiting> {
    let sql = "SELECT attempts, status, dead_at IS NOT NULL, due_at > $1 FROM outbox";
    let soon = house.clock.now() + SignedDuration::from_secs(45);
    let row = house.db().await.query_opt(sql, &[&soon]).await.unwrap()?;
    Some(Waiting { attempts: row.get(0), status: row.get(1), dead: row.get(2), held: row.get(3) })
}

/// Waits until the one letter has failed so often, and expects that nothing but a status is kept of why.
async fn failed(house: &House, attempts: i32, status: &str) {
    let set_aside = async || waiting(house).await.is_some_and(|it| it.attempts == attempts && !it.held);
    until("a failure", set_aside).await;
    let expected = Waiting { attempts, status: Some(status.into()), dead: false, held: false };
    assert_eq!(waiting(house).await, Some(expected));
}

/// More than a first or second retry's delay.
const A_WHILE: SignedDuration = SignedDuration::from_secs(20);

/// Puts a letter to somebody else through, so that the postman is known to have looked again.
async fn postman_has_looked(house: &House, relay: &Relay, email: &str) {
    house.sign_up(email).await;
    until("another's letter", async || relay.taken().iter().any(|one| one.to == email)).await;
}

/// Whether a word stands anywhere in the database, in the clear or as bytes.
async fn stands_in_database(house: &House, word: &str) -> bool {
    let db = house.db().await;
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let hex = data_encoding::HEXLOWER.encode(word.as_bytes());
    for table in db.query(tables, &[]).await.unwrap() {
        let sql = format!("SELECT t::text FROM {} t", table.get::<_, String>(0));
        let rows = db.query(&sql, &[]).await.unwrap();
        if rows.iter().map(|row| row.get::<_, String>(0)).any(|row| row.contains(word) || row.contains(&hex))
        {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_deferred_letter_is_tried_again_under_the_same_name_until_it_is_taken() {
    let (relay, door) = Relay::that(|_, before| if before < 2 { LATER } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    assert!(!stands_in_database(&house, "quagga").await && !stands_in_database(&house, ANN).await);
    assert!(stands_in_database(&house, "4.7.1").await, "or the search finds nothing");
    house.advance(A_WHILE);
    failed(&house, 2, "4.7.1").await;
    house.advance(A_WHILE);
    until("the letter", async || waiting(&house).await.is_none()).await;

    let tries = relay.tries(ANN);
    assert_eq!(tries.iter().map(|one| one.answer).collect::<Vec<_>>(), [LATER, LATER, Answer::TAKEN]);
    assert!(tries.iter().all(|one| one.name() == tries[0].name()));
    assert!(tries.iter().all(|one| one.link("/c/") == tries[0].link("/c/")), "one link, however late");
    assert_eq!(house.post(&tries[2].link("/c/"), &[]).await.status(), 200);
    house.close().await;
}

#[tokio::test]
async fn a_letter_that_is_refused_for_good_is_given_up_at_once_and_only_a_status_is_kept() {
    let (relay, door) = Relay::that(|to, _| if to == ANN { UNWANTED } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    until("the refusal", async || waiting(&house).await.is_some_and(|it| it.dead)).await;
    let given_up = waiting(&house).await.unwrap();
    assert_eq!((given_up.attempts, given_up.status.as_deref()), (1, Some("5.7.1")));
    assert!(!stands_in_database(&house, "quagga").await && !stands_in_database(&house, ANN).await);

    house.advance(SignedDuration::from_hours(25));
    postman_has_looked(&house, &relay, GRETA).await;
    assert_eq!(relay.tries(ANN).len(), 1, "given up is given up");

    // Her mark goes when she does.
    assert_eq!(house.post(&relay.tries(ANN)[0].link("/n/"), &[]).await.status(), 200);
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    house.close().await;
}

#[tokio::test]
async fn a_signup_ends_where_the_relay_knows_that_nobody_is_there() {
    let (_relay, door) = Relay::that(|_, _| NEVER);
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    let left = "SELECT (SELECT count(*) FROM subscriptions) + (SELECT count(*) FROM outbox)";
    until("the end", async || house.count(left).await == 0).await;
    assert_eq!(house.count("SELECT letters FROM bounces").await, 1);
    house.close().await;
}

#[tokio::test]
async fn a_letter_that_waited_for_a_day_is_not_given_up_at_its_second_failure() {
    let (_relay, door) = Relay::that(|_, _| LATER);
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    house.advance(SignedDuration::from_hours(25));
    failed(&house, 2, "4.7.1").await;
    house.advance(SignedDuration::from_mins(1));
    until("the end", async || waiting(&house).await.is_some_and(|it| it.dead && it.attempts == 3)).await;
    house.close().await;
}

#[tokio::test]
async fn after_a_day_of_failures_a_letter_is_given_up_and_not_before() {
    let (relay, door) = Relay::that(|_, _| LATER);
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    house.advance(SignedDuration::from_hours(24) - SignedDuration::from_mins(1));
    failed(&house, 2, "4.7.1").await;
    house.advance(SignedDuration::from_mins(1));
    until("the end", async || waiting(&house).await.is_some_and(|it| it.dead)).await;
    let given_up = waiting(&house).await.unwrap();
    assert_eq!((given_up.attempts, given_up.status.as_deref()), (3, Some("4.7.1")));
    assert_eq!(relay.tries(ANN).len(), 3);
    house.close().await;
}

#[tokio::test]
async fn a_connection_that_breaks_at_the_last_moment_loses_no_letter() {
    let (relay, door) = Relay::that(|_, before| if before == 0 { Answer::Reset } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.4.2").await;
    house.advance(A_WHILE);
    until("the letter", async || waiting(&house).await.is_none()).await;
    let tries = relay.tries(ANN);
    assert_eq!((tries.len(), tries[0].name()), (2, tries[1].name()));
    house.close().await;
}

#[tokio::test]
async fn a_relay_that_hangs_holds_up_no_transaction_no_other_letter_and_its_own_only_for_a_lease() {
    let hangs_once = |to: &str, before| if to == ANN && before == 0 { Answer::Hang } else { Answer::TAKEN };
    let (relay, door) = Relay::that(hangs_once);
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    until("the silence", async || relay.tries(ANN).len() == 1).await;

    let busy = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
    let idle = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    // Other workers look into the outbox meanwhile, and are soon done.
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 'outbox'::regclass";
    until("a moment of rest", async || house.count(busy).await == 0).await;
    until("a moment without locks", async || house.count(locks).await == 0).await;
    assert_eq!(house.count(idle).await, 0);

    postman_has_looked(&house, &relay, GRETA).await;
    assert_eq!(relay.tries(ANN).len(), 1, "it is held");
    house.advance(SignedDuration::from_mins(11));
    until("the letter", async || waiting(&house).await.is_none()).await;
    let tries = relay.tries(ANN);
    assert_eq!((tries.len(), tries[0].name()), (2, tries[1].name()));
    house.close().await;
}

#[tokio::test]
async fn a_letter_whose_person_has_left_while_it_waited_is_not_sent() {
    let (relay, door) = Relay::that(|to, _| if to == ANN { LATER } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    assert_eq!(house.post(&relay.tries(ANN)[0].link("/n/"), &[]).await.status(), 200);
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0, "it goes with the person");
    house.advance(A_WHILE);
    postman_has_looked(&house, &relay, GRETA).await;
    assert_eq!(relay.tries(ANN).len(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_letter_that_was_on_its_way_while_its_person_left_is_dropped_when_it_comes_back() {
    let (relay, door) = Relay::that(|to, _| if to == ANN { LATER } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    assert_eq!(house.post(&relay.tries(ANN)[0].link("/n/"), &[]).await.status(), 200);
    // As a signup leaves it whose transaction ends while the erasure waits for its lock.
    let orphan = "INSERT INTO outbox (list, subscription, kind, queued_at, due_at) VALUES (1, $1, 1, $2, $2)";
    let now = house.clock.now();
    house.db().await.execute(orphan, &[&[7u8; 14].as_slice(), &now]).await.unwrap();
    until("an empty outbox", async || waiting(&house).await.is_none()).await;
    assert_eq!(relay.tries(ANN).len(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_letter_that_is_no_longer_true_is_not_sent() {
    // Deferred although the relay kept it: such letters arrive twice or are confirmed before the second try.
    let (relay, door) =
        Relay::that(|to, before| if to == ANN && before == 0 { LATER } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    assert_eq!(house.post(&relay.tries(ANN)[0].link("/c/"), &[]).await.status(), 200);
    house.advance(A_WHILE);
    until("an empty outbox", async || waiting(&house).await.is_none()).await;
    assert_eq!(relay.tries(ANN).len(), 1, "she has confirmed: nothing is to be asked any more");

    // An invitation that would arrive after it has died.
    let (relay, door) = Relay::that(|_, _| LATER);
    let other = House::with_relay(door).await;
    other.sign_up(ANN).await;
    failed(&other, 1, "4.7.1").await;
    other.advance(SignedDuration::from_hours(72));
    until("an empty outbox", async || waiting(&other).await.is_none()).await;
    assert_eq!(relay.tries(ANN).len(), 1);
    other.close().await;
    house.close().await;
}

#[tokio::test]
async fn when_a_postman_dies_with_a_letter_in_hand_another_sends_it() {
    let (relay, door) =
        Relay::that(|to, before| if to == ANN && before == 0 { LATER } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;

    // One takes it a moment before it is due, so that nobody else can have, and is never heard of again.
    let (now, lease) = (house.clock.now(), SignedDuration::from_mins(10));
    let dead = house.app.store.lease_letter(now + A_WHILE, now + lease).await.unwrap().unwrap();
    assert_eq!(dead.attempts, 2);
    house.advance(lease - SignedDuration::from_secs(1));
    postman_has_looked(&house, &relay, GRETA).await;
    assert_eq!(relay.tries(ANN).len(), 1, "the lease is kept");
    house.advance(SignedDuration::from_secs(1));
    until("the letter", async || waiting(&house).await.is_none()).await;
    let tries = relay.tries(ANN);
    assert_eq!((tries.len(), tries[1].answer, tries[0].name()), (2, Answer::TAKEN, tries[1].name()));
    house.close().await;
}

#[tokio::test]
async fn whoever_reports_after_the_lease_changes_nothing() {
    let (_, door) = Relay::that(|_, _| LATER);
    let house = House::with_relay(door).await;
    let (store, now) = (&house.app.store, house.clock.now());
    house.sign_up(ANN).await;
    failed(&house, 1, "4.7.1").await;
    let at = |minutes| now + SignedDuration::from_mins(minutes);
    let slow = &store.lease_letter(at(1), at(11)).await.unwrap().unwrap();
    let next = &store.lease_letter(at(11), at(21)).await.unwrap().unwrap();
    store.finish_letter(slow).await.unwrap();
    store.delay_letter(slow, now, "4.4.2").await.unwrap();
    store.bury_letter(slow, now, "5.0.0").await.unwrap();
    let kept = Waiting { attempts: 3, status: Some("4.7.1".into()), dead: false, held: true };
    assert_eq!(waiting(&house).await, Some(kept));
    store.finish_letter(next).await.unwrap();
    assert_eq!(waiting(&house).await, None);
    house.close().await;
}

#[tokio::test]
async fn two_postmen_on_one_outbox_send_each_letter_once() {
    const LETTERS: usize = 200;
    let (relay, door) = Relay::that(|_, before| if before == 0 { LATER } else { Answer::TAKEN });
    let house = House::with_relay(door).await;
    let second = CancellationToken::new();
    tokio::spawn(postman::run(house.app.clone(), second.clone()));
    for n in 0..LETTERS {
        house.sign_up(&format!("person{n}@example.org")).await;
    }
    let set_aside = "SELECT count(*) FROM outbox WHERE status = '4.7.1'";
    until("all failures", async || house.count(set_aside).await == LETTERS as i64).await;
    // Now all of them are due at once.
    house.advance(A_WHILE);
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    let taken = relay.taken();
    let mut reached: Vec<_> = taken.iter().map(|one| one.to.clone()).collect();
    let mut names: Vec<_> = taken.iter().map(Try::name).collect();
    for all in [&mut reached, &mut names] {
        all.sort();
        all.dedup();
        assert_eq!(all.len(), LETTERS);
    }
    assert_eq!(taken.len(), LETTERS, "some letter went twice");
    second.cancel();
    house.close().await;
}
