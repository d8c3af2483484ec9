//! What comes between the look at a row's place and its writing.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use optin::consent::change::{Confirm, Erase, Restore};
use optin::consent::subscription::{EraseOutcome, RestoreOutcome, State};
use optin::consent::undo::{Gone, Undo};
use optin::store::Store;
use optin::token::SubscriptionId;

use crate::doors::people::{Bench, noon, token};
use crate::house::{connect, until};

/// Who has left by a slip.
struct Left {
    bench: Bench,
    id: SubscriptionId,
    gone: Gone,
}

impl Left {
    async fn new() -> Left {
        let bench = Bench::open().await;
        let list = bench.list(72).await;
        let signup = bench.signup(&list, "ann@example.org", noon());
        let (id, its) = (signup.id(), token(signup.list(), signup.id()));
        bench.store.sign_up(signup).await.unwrap();
        bench.store.confirm(Confirm::new(&its, noon())).await.unwrap();
        let (outcome, gone) = bench.store.erase_handing_back(Erase::withdraw(&its, noon())).await.unwrap();
        assert_eq!(outcome, EraseOutcome::Erased);
        Left { bench, id, gone: gone.expect("it was asked for") }
    }

    fn restore(&self) -> Restore {
        let undo = Undo::of(1, self.id, self.gone.clone(), noon()).unwrap();
        Restore::new(&self.bench.ring, undo, [1; 24], noon() + SignedDuration::from_mins(1)).unwrap()
    }

    /// Lets `act` happen in a transaction that is not over when the row is about to be written, and then is.
    async fn between(&self, store: &Store, act: &str) -> RestoreOutcome {
        let rival = connect(&self.bench.url).await;
        rival.batch_execute("BEGIN").await.unwrap();
        rival.batch_execute(act).await.unwrap();
        let mut restored = pin!(store.restore(self.restore()));
        assert!(poll!(&mut restored).is_pending());
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("the undo to wait", async || self.bench.count(waiting).await == 1).await;
        rival.batch_execute("COMMIT").await.unwrap();
        restored.await.unwrap()
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("'\\x{}'::bytea", data_encoding::HEXLOWER.encode(bytes))
}

#[tokio::test]
async fn only_who_asks_is_handed_the_row_and_it_is_the_row_as_it_was() {
    let left = Left::new().await;
    assert!(left.gone.state == State::Active && left.gone.confirmed_at == Some(noon()));
    let bench = &left.bench;
    let signup = bench.signup(
        &(bench.store.find_list_by_number(1).await.unwrap().unwrap()),
        "bob@example.org",
        noon(),
    );
    let (its, reference, seal) = (token(1, signup.id()), *signup.reference(), signup.seal().to_vec());
    bench.store.sign_up(signup).await.unwrap();
    let (outcome, gone) = bench.store.erase_handing_back(Erase::withdraw(&its, noon())).await.unwrap();
    let gone = gone.unwrap();
    assert_eq!((outcome, gone.state, gone.confirmed_at), (EraseOutcome::Erased, State::Pending, None));
    assert!(gone.reference == reference && gone.seal == seal);
    let again = bench.store.erase_handing_back(Erase::withdraw(&its, noon())).await.unwrap();
    assert_eq!(again, (EraseOutcome::NoRow, None));
}

#[tokio::test]
async fn a_second_use_that_was_faster_and_has_left_again_leaves_no_second_entry() {
    let left = Left::new().await;
    let entry = hex(left.restore().entry());
    let used = format!("INSERT INTO trail_entries (list, entry) VALUES (1, {entry})");
    assert_eq!(left.between(&left.bench.store, &used).await, RestoreOutcome::Used);
    assert_eq!(left.bench.count("SELECT count(*) FROM subscriptions").await, 0);
    let restored = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 5";
    assert_eq!(left.bench.count(restored).await, 1, "the faster one's");
}

#[tokio::test]
async fn a_signup_of_the_same_address_that_was_faster_stands() {
    let left = Left::new().await;
    let newer = left.bench.signup(
        &left.bench.store.find_list_by_number(1).await.unwrap().unwrap(),
        "ANN@example.org",
        noon(),
    );
    let act = format!(
        "INSERT INTO subscriptions (list, id, address_key, state, notice, lang, seal, reference,
                                    confirmed_commitment, withdrawn_commitment, signed_up_at, expires_at)
         VALUES (1, {}, {}, 1, 1, 'en', {}, {}, {}, {}, now(), now())",
        hex(&newer.id().0),
        hex(newer.address_key()),
        hex(newer.seal()),
        hex(newer.reference()),
        hex(newer.confirmed()),
        hex(newer.withdrawn()),
    );
    assert_eq!(left.between(&left.bench.store, &act).await, RestoreOutcome::Taken);
    let newer = format!("SELECT count(*) FROM subscriptions WHERE id = {}", hex(&newer.id().0));
    assert_eq!(left.bench.count(&newer).await, 1);
    assert_eq!(left.bench.count("SELECT count(*) FROM subscriptions").await, 1);
    assert_eq!(left.bench.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 5").await, 0);
}

#[tokio::test]
async fn a_list_that_has_just_ended_takes_nobody_back() {
    let left = Left::new().await;
    assert!(left.bench.store.close_list(1, noon()).await.unwrap());
    assert_eq!(left.bench.store.restore(left.restore()).await.unwrap(), RestoreOutcome::Closed);
    assert_eq!(left.bench.count("SELECT count(*) FROM subscriptions").await, 0);
    assert_eq!(left.bench.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 5").await, 0);
}

#[tokio::test]
async fn presses_in_one_batch_are_each_answered_for_themselves() {
    let left = Left::new().await;
    let bench = &left.bench;
    let holder = bench.lock_subscriptions().await;
    let mut first = pin!(bench.store.restore(left.restore()));
    assert!(poll!(&mut first).is_pending());
    bench.until_waiting(1).await;
    let mut others =
        pin!(futures_util::future::join_all((0..4).map(|_| bench.store.restore(left.restore()))));
    assert!(poll!(&mut others).is_pending());
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(first.await.unwrap(), RestoreOutcome::Restored);
    for other in others.await {
        assert_eq!(other.unwrap(), RestoreOutcome::AlreadyRestored);
    }
    assert_eq!(bench.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 5").await, 1);
}
