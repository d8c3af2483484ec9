//! Letters that were asked for and could not go at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use mail_parser::MessageParser;
use optin::mail::session::{Answer, Door, Limits, Protocol, Transaction};
use optin::token::{Purpose, SubscriptionId};
use std::sync::Mutex;

use super::{ANN, ask};
use crate::house::{House, connect, link, until};

/// What a relay took, as text.
type Taken = Arc<Mutex<Vec<String>>>;

fn relay(busy: Arc<AtomicBool>) -> (Taken, Door) {
    let taken = Taken::default();
    let seen = taken.clone();
    let message = move |transaction: Transaction| {
        let letter = MessageParser::default().parse(&transaction.data).unwrap();
        let is_busy = busy.load(Ordering::SeqCst);
        if !is_busy {
            seen.lock().unwrap().push(letter.body_text(0).unwrap().into_owned());
        }
        async move { if is_busy { Answer::reply(451, "4.7.1", "not now") } else { Answer::TAKEN } }
    };
    let door =
        Door::new(Protocol::Smtp, "relay.test", Limits::default(), |_| async { Answer::TAKEN }, message);
    (taken, door)
}

/// Ann signs up; then the relay takes nothing, and both letters are asked for and put off.
async fn put_off() -> (House, Taken, Arc<AtomicBool>) {
    let busy = Arc::new(AtomicBool::new(false));
    let (taken, door) = relay(busy.clone());
    let house = House::with_relay(door).await;
    house.sign_up(ANN).await;
    until("the first letter", async || taken.lock().unwrap().len() == 1).await;
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    busy.store(true, Ordering::SeqCst);
    for door in super::DOORS {
        ask(&house, door, ANN).await;
    }
    let waits = "SELECT count(*) FROM outbox WHERE kind IN (4, 5) AND status = '4.7.1'";
    until("two letters put off", async || house.count(waits).await == 2).await;
    (house, taken, busy)
}

#[tokio::test]
async fn a_letter_that_was_put_off_goes_within_the_hour_and_its_link_lives_no_longer_for_that() {
    let (house, taken, busy) = put_off().await;
    let asked_at = house.clock.now();
    house.advance(SignedDuration::from_mins(59));
    busy.store(false, Ordering::SeqCst);
    until("both letters", async || taken.lock().unwrap().len() == 3).await;
    let texts = taken.lock().unwrap().clone();
    let of_data = texts.iter().find(|text| text.contains("/my/")).unwrap();
    let url = link(of_data, "/my/");
    let token = house.app.links.tokens.read(Purpose::Data, url.rsplit('/').next().unwrap()).unwrap();
    assert_eq!(i64::from(token.expiry), asked_at.as_second() + 3600);
    house.close().await;
}

#[tokio::test]
async fn after_the_hour_the_link_to_ones_data_goes_no_more_while_the_one_to_leave_still_does() {
    let (house, taken, busy) = put_off().await;
    house.advance(SignedDuration::from_mins(60));
    busy.store(false, Ordering::SeqCst);
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    let texts = taken.lock().unwrap().clone();
    assert_eq!(texts.len(), 2);
    assert!(texts[1].contains("/u/") && !texts.iter().any(|text| text.contains("/my/")), "{texts:?}");
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_who_leaves_before_their_letter_goes_gets_none_and_nothing_remains() {
    let (house, taken, busy) = put_off().await;
    let id = house.db().await.query_one("SELECT id FROM subscriptions", &[]).await.unwrap();
    let id = SubscriptionId(id.get::<_, &[u8]>(0).try_into().unwrap());
    assert_eq!(house.post(&house.app.links.unsubscribe(1, id), &[]).await.status(), 200);
    busy.store(false, Ordering::SeqCst);
    let rows = house.rows().await;
    for table in ["outbox", "subscriptions"] {
        assert!(rows[table].is_empty(), "{table}");
    }
    let hex = data_encoding::HEXLOWER.encode(&id.0);
    assert!(rows.values().flatten().all(|row| !row.contains(&hex)));
    // Nor is one sent for whom the postman has in hand already.
    house.sign_up(ANN).await;
    until("the letter that asks", async || taken.lock().unwrap().len() == 2).await;
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    let holder = connect(&house.database_url).await;
    holder.batch_execute("BEGIN; LOCK TABLE trails IN ACCESS EXCLUSIVE MODE").await.unwrap();
    ask(&house, "/my", ANN).await;
    let in_hand = "SELECT count(*) FROM outbox WHERE kind = 4 AND attempts = 1";
    until("a postman with the letter", async || house.count(in_hand).await == 1).await;
    let not_me = link(&taken.lock().unwrap()[1], "/n/");
    assert_eq!(house.post(&not_me, &[]).await.status(), 200);
    holder.batch_execute("COMMIT").await.unwrap();
    // Whoever signs up next gets theirs, and hers has not come before it.
    house.sign_up("bob@example.org").await;
    until("Bob's letter", async || taken.lock().unwrap().len() == 3).await;
    assert!(taken.lock().unwrap().iter().all(|text| !text.contains("/my/")));
    house.close().await;
}
