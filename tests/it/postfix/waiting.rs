//! While mail cannot be taken here, Postfix keeps it, and comes again.

use super::{ANN, PEOPLE, behind_postfix, has_left_and_knows};
use crate::house::mail::mail_from;
use crate::house::until;

/// More than Postfix's own patience with a door, unless it is told otherwise.
const MAILS: usize = 6;

#[tokio::test]
async fn while_the_door_is_shut_nothing_is_lost_and_who_is_not_known_yet_is_told_to_come_again() {
    let Some((house, postfix)) = behind_postfix(|_| {}).await else { return };
    let bob = "bob@example.org";
    for email in [ANN, bob, "cyd@example.org"] {
        house.subscribe(email).await;
    }
    let [ann, bob, cyd] = [ANN, bob, "cyd@example.org"].map(|email| house.leave_address(email));
    let (ann, bob, cyd) = (ann.await, bob.await, cyd.await);
    let mut client = postfix.client().await;
    assert_eq!(client.ask(ANN, &ann).await, "250 2.1.5");
    house.shut_mail_door().await;

    for _ in 0..MAILS {
        client.send(ANN, &ann, &mail_from(ANN)).await;
    }
    assert_eq!(client.ask_once(ANN, &bob).await, "450 4.1.1");
    until("their place in the queue", async || postfix.deferred() == MAILS).await;
    assert!(postfix.log().contains("Connection refused"));
    postfix.flush();
    until("another attempt", async || postfix.log().matches("status=deferred").count() == 2 * MAILS).await;
    until("their place in the queue", async || postfix.deferred() == MAILS).await;
    assert_eq!(house.count(PEOPLE).await, 3);

    house.open_mail_door().await;
    assert_eq!(client.ask(ANN, &cyd).await, "250 2.1.5", "whoever comes now need not wait");
    postfix.flush();
    has_left_and_knows(&house, &postfix, ANN, 2).await;
    assert_eq!(house.count(PEOPLE).await, 2);
    assert!(!postfix.has_bounced());
    house.close().await;
}

#[tokio::test]
async fn while_the_database_fails_nothing_is_lost_either() {
    let Some((house, postfix)) = behind_postfix(|_| {}).await else { return };
    house.subscribe(ANN).await;
    let way = house.leave_address(ANN).await;
    house.fault("DELETE", "subscriptions", "57P03").await;
    postfix.client().await.send(ANN, &way, &mail_from(ANN)).await;
    until("its place in the queue", async || postfix.deferred() == 1).await;
    assert!(postfix.log().contains("said: 451 4.3.0"), "{}", postfix.log());
    assert_eq!(house.count(PEOPLE).await, 1);

    house.mend().await;
    postfix.flush();
    has_left_and_knows(&house, &postfix, ANN, 2).await;
    assert_eq!(house.count(PEOPLE).await, 0);
    assert!(!postfix.has_bounced());
    house.close().await;
}
