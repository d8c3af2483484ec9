//! What outlives its time is erased, and nobody is reminded.

use jiff::SignedDuration;
use optin::chores::sweeper::sweep;

use crate::house::{House, link};

#[tokio::test]
async fn an_unconfirmed_signup_is_erased_at_its_time_without_trace_and_others_stay() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let confirm = link(&house.letter("bob@example.org").await.text, "/c/");

    house.advance(SignedDuration::from_hours(71));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 2);

    house.advance(SignedDuration::from_hours(2));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE state = 1").await, 0);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE state = 2").await, 1);
    assert_eq!(house.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) IN (1, 2)").await, 1);
    assert_eq!(house.post(&confirm, &[]).await.status(), 410);
    assert_eq!(house.all_letters().await.len(), 2, "nobody is reminded");
    house.close().await;
}

#[tokio::test]
async fn more_than_a_handful_of_expired_signups_go_in_one_round() {
    let house = House::open().await;
    let signups = (0..300).map(|n| {
        let house = &house;
        async move { house.sign_up(&format!("p{n}@example.org")).await }
    });
    futures_util::future::join_all(signups).await;
    house.advance(SignedDuration::from_hours(73));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    house.close().await;
}

#[tokio::test]
async fn the_mark_of_a_letter_that_was_given_up_is_kept_sixty_days() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let bury = "INSERT INTO outbox (list, subscription, kind, queued_at, due_at, dead_at, status)
                SELECT list, id, 2, $1, $1, $1, '5.1.1' FROM subscriptions";
    house.db().await.execute(bury, &[&house.clock.now()]).await.unwrap();
    house.advance(SignedDuration::from_hours(60 * 24 - 1));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 1);
    house.advance(SignedDuration::from_hours(2));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0);
    house.close().await;
}
