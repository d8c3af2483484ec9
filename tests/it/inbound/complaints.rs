//! Complaints that providers pass on.

use super::{MAILBOX, TAKEN, with_ann};
use crate::house::{House, NEWS};

fn complaint(kind: &str, original: &str) -> String {
    format!(
        "From: fbl@provider.example\r\nAuto-Submitted: auto-generated\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=cut\r\n\r\n\
         --cut\r\nContent-Type: text/plain\r\n\r\nSomebody pressed a button.\r\n\
         --cut\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n\
         --cut\r\nContent-Type: message/rfc822\r\n\r\n{original}\r\n--cut--\r\n"
    )
}

/// An issue of the newsletter, as a marketer sends it.
async fn issue(house: &House, email: &str) -> String {
    let rows = house.people(NEWS).await;
    let row = rows.iter().find(|row| row["email"] == email).unwrap();
    let header = row["list_unsubscribe"].as_str().unwrap().replace(", ", ",\r\n ");
    format!("From: news@example.org\r\nSubject: News\r\nList-Unsubscribe: {header}\r\n\r\nWhat is new.\r\n")
}

#[tokio::test]
async fn a_complaint_of_an_issue_is_a_withdrawal_without_an_answer() {
    let (house, _) = with_ann().await;
    house.subscribe("bob@example.org").await;
    let issue = issue(&house, "ann@example.org").await;
    for other in ["not-spam", "auth-failure"] {
        assert_eq!(house.hand_in("fbl@provider.example", MAILBOX, &complaint(other, &issue)).await, TAKEN);
    }
    assert_eq!(house.people(NEWS).await.len(), 2);
    assert_eq!(house.hand_in("fbl@provider.example", MAILBOX, &complaint("abuse", &issue)).await, TAKEN);
    let stay: Vec<_> = house.people(NEWS).await.into_iter().map(|row| row["email"].clone()).collect();
    assert_eq!(stay, ["bob@example.org"]);
    assert_eq!(house.all_letters().await.len(), 2, "the two confirmations, and no answer");
    house.close().await;
}

#[tokio::test]
async fn a_complaint_of_a_confirmation_ends_the_signup() {
    let house = House::open().await;
    house.with_mailbox(MAILBOX).await;
    house.sign_up("ann@example.org").await;
    let raw = house.letter("ann@example.org").await.raw;
    assert_eq!(house.hand_in("fbl@provider.example", MAILBOX, &complaint("abuse", &raw)).await, TAKEN);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    house.close().await;
}

#[tokio::test]
async fn what_a_complaint_quotes_of_several_people_ends_nothing() {
    let (house, ann) = with_ann().await;
    house.subscribe("bob@example.org").await;
    let bob = house.leave_address("bob@example.org").await;
    let digest = format!("Subject: digest\r\n\r\n{ann}\r\n{bob}\r\n");
    assert_eq!(house.hand_in("fbl@provider.example", MAILBOX, &complaint("abuse", &digest)).await, TAKEN);
    assert_eq!(house.people(NEWS).await.len(), 2);
    // The header outweighs what the body quotes.
    let quoting = format!("{}\r\n{bob}\r\n", issue(&house, "ann@example.org").await);
    assert_eq!(house.hand_in("fbl@provider.example", MAILBOX, &complaint("abuse", &quoting)).await, TAKEN);
    assert_eq!(house.leave_address("bob@example.org").await, bob);
    assert_eq!(house.people(NEWS).await.len(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_complaint_without_a_token_of_ours_ends_nothing() {
    let (house, ann) = with_ann().await;
    let forged = ann.replacen("leave+", "leave+aaaa", 1);
    for original in ["", "From: ann@example.org\r\n\r\nhi\r\n", &format!("Subject: x\r\n\r\n{forged}\r\n")] {
        assert_eq!(
            house.hand_in("fbl@provider.example", MAILBOX, &complaint("abuse", original)).await,
            TAKEN
        );
    }
    assert_eq!(house.people(NEWS).await.len(), 1);
    house.close().await;
}
