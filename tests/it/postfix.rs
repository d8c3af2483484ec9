//! Debian's Postfix between us and ourselves, as `deploy/postfix` sets it up.
//!
//! Where there is none, or where we are not root, a test says SKIPPED and passes; with `OPTIN_TEST_POSTFIX` set, as CI
//! sets it where it has installed Postfix, it fails.

mod certificates;
mod mta;
mod tls;

use crate::house::{House, link, until};
use crate::process::free_port;

use mta::Files;

const ANN: &str = "ann@example.org";

#[tokio::test]
async fn letters_go_out_through_postfix_and_their_links_work() {
    if !mta::is_here() {
        return;
    }
    let readers = free_port();
    let postfix = Files::new(readers).start();
    let house = House::behind(&postfix.smtp_url(), readers).await;
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
