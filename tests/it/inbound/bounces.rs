//! Letters that come back.

use super::{MAILBOX, TAKEN};
use crate::house::{House, NEWS};

fn report(action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.test\r\nAuto-Submitted: auto-replied\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=cut\r\n\r\n\
         --cut\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n\
         --cut\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n\
         Final-Recipient: rfc822; ann@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\r\n--cut--\r\n"
    )
}

async fn with_mailbox() -> House {
    let house = House::open().await;
    house.with_mailbox(MAILBOX).await;
    house
}

const PEOPLE: &str = "SELECT count(*) FROM subscriptions";
const BOUNCES: &str = "SELECT coalesce(sum(letters), 0)::bigint FROM bounces";

#[tokio::test]
async fn each_letter_has_a_sender_of_its_own_that_says_nothing() {
    let house = with_mailbox().await;
    house.subscribe("ann@example.org").await;
    house.subscribe("bob@example.org").await;
    let senders: Vec<_> = house.all_letters().await.into_iter().map(|letter| letter.from).collect();
    assert!(senders.iter().all(|from| from.starts_with("b+") && from.ends_with("@news.example.org")));
    assert_ne!(senders[0], senders[1]);
    // It ends nothing: whoever handles the mail on its way knows it.
    let leave = senders[0].replacen("b+", "leave+", 1);
    assert_eq!(house.hand_in("x@example.org", &leave, "From: x@example.org\r\n\r\n").await, "550 5.1.1");
    assert_eq!(house.hand_in("x@example.org", &senders[0], "From: x@example.org\r\n\r\n").await, TAKEN);
    assert_eq!(house.count(PEOPLE).await, 2);
    house.close().await;
}

#[tokio::test]
async fn a_signup_of_an_address_where_nobody_is_ends_with_its_bounce() {
    let house = with_mailbox().await;
    for (status, stay) in [("5.1.1", 0), ("5.1.10", 0), ("5.2.2", 1), ("5.1.8", 1), ("5.7.1", 1)] {
        let email = format!("{}@example.org", status.replace('.', "-"));
        house.sign_up(&email).await;
        let letter = house.letter(&email).await;
        for soft in [report("delayed", "4.4.1"), report("failed", "4.4.7"), report("relayed", status)] {
            assert_eq!(house.hand_in("", &letter.from, &soft).await, TAKEN);
        }
        assert_eq!(house.count(PEOPLE).await, 1);
        assert_eq!(house.hand_in("", &letter.from, &report("failed", status)).await, TAKEN);
        assert_eq!(house.count(PEOPLE).await, stay, "{status}");
        house.db().await.execute("DELETE FROM subscriptions", &[]).await.unwrap();
    }
    assert_eq!(house.count(BOUNCES).await, 5, "each that failed for good");
    assert_eq!(house.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2").await, 0);
    house.close().await;
}

#[tokio::test]
async fn a_bounce_of_any_other_letter_is_counted_and_ends_nothing() {
    let house = with_mailbox().await;
    let unsubscribe = house.subscribe("ann@example.org").await;
    let letter = house.letter("ann@example.org").await;
    for _ in 0..2 {
        assert_eq!(house.hand_in("", &letter.from, &report("failed", "5.1.1")).await, TAKEN);
    }
    assert_eq!((house.people(NEWS).await.len(), house.count(BOUNCES).await), (1, 2));
    house.post(&unsubscribe, &[]).await;
    assert_eq!(house.hand_in("", &letter.from, &report("failed", "5.1.1")).await, TAKEN);
    assert_eq!(house.count(BOUNCES).await, 2, "of nobody, nothing is counted");
    house.close().await;
}
