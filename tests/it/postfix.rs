//! Debian's Postfix between us and ourselves, as `deploy/postfix` sets it up.
//!
//! Where there is none, or where we are not root, a test says SKIPPED and passes; with `OPTIN_TEST_POSTFIX` set, as CI
//! sets it where it has installed Postfix, it fails.

mod bounces;
mod certificates;
mod circles;
mod client;
mod leaving;
mod milter;
mod mta;
mod strangers;
mod tls;
mod waiting;

use crate::house::{House, link, until};
use crate::process::free_port;

use mta::{Files, Postfix};

const ANN: &str = "ann@example.org";
const MAILBOX: &str = "leave@news.example.org";
const PEOPLE: &str = "SELECT count(*) FROM subscriptions";
const BOUNCES: &str = "SELECT coalesce(sum(letters), 0)::bigint FROM bounces";
const WITHDRAWN: &str = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2";

/// A house whose news can be left by mail, with a Postfix before it; none where there is no Postfix.
async fn behind_postfix(edit: impl FnOnce(&Files)) -> Option<(House, Postfix)> {
    if !mta::is_here() {
        return None;
    }
    let readers = free_port();
    let files = Files::new(readers);
    edit(&files);
    let postfix = files.start();
    let house = House::behind(&postfix.smtp_url(), readers, postfix.files.door).await;
    house.with_mailbox(MAILBOX).await;
    Some((house, postfix))
}

/// One person has left, and was told so once, by the last of so many letters.
async fn has_left_and_knows(house: &House, postfix: &Postfix, email: &str, letters: usize) {
    let found = house.letters(email, letters).await;
    until("an empty queue", async || postfix.queue() == 0).await;
    let reply = &found[letters - 1];
    assert_eq!((found.len(), reply.subject.as_str()), (letters, "Your data has been deleted"));
    assert_eq!(reply.from, "", "what comes of it comes back to nobody");
    assert!(reply.headers["received"].join(" ").contains("by mx.example.org (Postfix)"));
    assert_eq!(house.letters(email, letters).await.len(), letters);
    assert_eq!(house.count(WITHDRAWN).await, 1);
}

#[tokio::test]
async fn letters_go_out_through_postfix_and_their_links_work() {
    let Some((house, postfix)) = behind_postfix(|_| {}).await else { return };
    house.welcome(true).await;

    house.sign_up(ANN).await;
    let letter = house.letter(ANN).await;
    let way = letter.headers["received"].join(" ");
    assert!(way.contains("by mx.example.org (Postfix)"), "{way}");
    assert_eq!(house.export("jsonl").await, "");
    assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    assert!(house.export("jsonl").await.contains(ANN), "she is on the export");

    // Attachments come through whole: the receipt proves.
    let receipt = house.receipts(ANN, 1).await.remove(0);
    assert!(receipt.check().is_ok());
    until("an empty queue", async || postfix.queue() == 0).await;
    house.close().await;
}
