//! A domain that takes only so many letters a minute.

use jiff::SignedDuration;
use optin::mail::session::Answer;

use super::relays::Relay;
use crate::house::{self, House, Out, until};

/// Two letters a minute.
const DISTANCE: SignedDuration = SignedDuration::from_secs(30);
const PEOPLE: usize = 6;

/// Letters that were sent back to wait. One that a postman holds counts its attempt.
async fn postponed(house: &House) -> usize {
    let sql = "SELECT count(*) FROM outbox WHERE due_at > $1 AND attempts = 0 AND status IS NULL";
    let row = house.db().await.query_one(sql, &[&house.clock.now()]).await.unwrap();
    row.get::<_, i64>(0) as usize
}

#[tokio::test]
async fn letters_to_one_domain_go_at_its_pace_and_hold_up_no_others() {
    let (relay, door) = Relay::that(|_, _| Answer::TAKEN);
    let house = House::with_out(Out {
        relay: house::Relay::Door(door),
        letters_per_minute: Some(2),
        ..Out::default()
    })
    .await;
    let to = |domain: &str| relay.taken().iter().filter(|one| one.to.ends_with(domain)).count();
    for n in 0..PEOPLE {
        house.sign_up(&format!("person{n}@slow.example")).await;
        house.sign_up(&format!("person{n}@other{n}.example")).await;
    }
    until("all others", async || to(".example") == PEOPLE + 1).await;
    until("the rest in line", async || postponed(&house).await == PEOPLE - 1).await;
    assert_eq!(to("@slow.example"), 1);
    let (now, last) = (house.clock.now(), house.clock.now() + DISTANCE * (PEOPLE as i32 - 1));
    let spread = "SELECT count(DISTINCT due_at) FROM outbox WHERE due_at > $1 AND due_at <= $2";
    let spread: i64 = house.db().await.query_one(spread, &[&now, &last]).await.unwrap().get(0);
    assert_eq!(spread, PEOPLE as i64 - 1, "each comes back at a time of its own");

    for sent in 2..=3 {
        house.advance(DISTANCE);
        until("the next", async || to("@slow.example") == sent).await;
        until("the rest in line", async || postponed(&house).await == PEOPLE - sent).await;
        assert_eq!(to("@slow.example"), sent);
    }
    // To wait for one's turn is no failure, however long it takes: all come due, one goes, none is given up.
    house.advance(SignedDuration::from_hours(25));
    for sent in 4..=PEOPLE {
        until("the next", async || to("@slow.example") == sent).await;
        until("the rest in line", async || postponed(&house).await == PEOPLE - sent).await;
        assert_eq!(to("@slow.example"), sent);
        house.advance(DISTANCE);
    }
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0);
    assert_eq!(relay.taken().len(), 2 * PEOPLE, "each went once");
    house.close().await;
}
