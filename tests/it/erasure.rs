//! Whoever leaves is forgotten: the whole database is read as text and as bytes, and nothing of the person is found.

mod search;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use optin::mail::session::{Answer, Door, Limits, Protocol};
use reqwest::StatusCode;

use crate::house::pages::way_back;
use crate::house::{House, link, until};
use search::{Needles, everything};

const ANN: &str = "Ann.Forgetful@Example.org";
const BOB: &str = "bob.stays@example.org";
const NAME: &str = "Annabella Quince-Ottoline";

/// What may remain of who has left: the trail's entries, and for `feed_days` an export's reference.
const REMAINING: [&str; 3] = [
    "reference in public.news",
    "confirmed commitment in public.trail_entries",
    "withdrawn commitment in public.trail_entries",
];

impl House {
    async fn sign_up_with_name(&self, email: &str) {
        let form = [
            ("email", email),
            ("consent", "yes"),
            ("notice", "1"),
            ("lang", "en"),
            ("name", NAME),
            ("country", "IE"),
        ];
        assert_eq!(self.post("/lists/news", &form).await.status(), StatusCode::OK);
    }

    async fn confirm(&self, email: &str) {
        let letter = self.letter(&mailable(email)).await;
        assert_eq!(self.post(&link(&letter.text, "/c/"), &[]).await.status(), StatusCode::OK);
    }

    /// Ann and Bob are active; Ann's row and all that could be known of her.
    async fn with_ann_and_bob() -> (House, Needles) {
        let house = House::with_welcome().await;
        house.subscribe(BOB).await;
        house.sign_up_with_name(ANN).await;
        house.confirm(ANN).await;
        house.receipts(&mailable(ANN), 1).await;
        let ann = Needles::of(&house, ANN, NAME).await;
        (house, ann)
    }
}

/// The address as it stands in the envelope.
fn mailable(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap();
    format!("{local}@{}", domain.to_lowercase())
}

#[tokio::test]
async fn the_database_knows_nobody_even_while_they_are_subscribed() {
    let (house, ann) = House::with_ann_and_bob().await;
    house.sign_up_with_name("pending.ann@example.org").await;
    let pending = Needles::of(&house, "pending.ann@example.org", NAME).await;
    let db = house.db().await;
    let found = everything(&db).await;
    for person in [&ann, &pending] {
        assert_eq!(person.in_the_clear().found_in(&found), Vec::<String>::new());
    }

    // The same search finds what does lie there in the clear, an operator's address say, in any disguise.
    for disguise in
        ["$1::text", "encode(sha256($1::text::bytea), 'hex')", "encode($1::text::bytea, 'base64')"]
    {
        let hide = format!("CREATE TABLE leak AS SELECT {disguise} AS it").replace("$1", &format!("'{ANN}'"));
        db.batch_execute(&hide).await.unwrap();
        let found = everything(&db).await;
        assert_eq!(ann.in_the_clear().found_in(&found).len(), 1, "{disguise}");
        db.batch_execute("DROP TABLE leak").await.unwrap();
    }
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_after_a_withdrawal_no_table_holds_anything_of_the_person() {
    let (house, ann) = House::with_ann_and_bob().await;
    let bob = Needles::of(&house, BOB, NAME).await;
    let leave = house.unsubscribe_url(ANN).await;
    // What the planner learns of the rows is kept in a table too.
    let db = house.db().await;
    db.batch_execute("ANALYZE").await.unwrap();
    let found = everything(&db).await;
    for part in ["id", "reference", "address key", "seal", "withdrawn commitment"] {
        assert!(
            ann.part(part).found_in(&found).contains(&format!("{part} in public.subscriptions")),
            "{part}"
        );
    }
    let used = ann.part("confirmed commitment").found_in(&found);
    assert_eq!(used, ["confirmed commitment in public.trail_entries"], "used once, and gone from the row");

    let one_click = reqwest::multipart::Form::new().text("List-Unsubscribe", "One-Click");
    assert_eq!(house.http.post(&leave).multipart(one_click).send().await.unwrap().status(), StatusCode::OK);

    let found = everything(&db).await;
    let only = REMAINING;
    assert_eq!(
        ann.found_in(&found),
        only,
        "the trail's entries and the reference may remain, and nothing else"
    );
    assert!(bob.part("id").found_in(&found).contains(&"id in public.subscriptions".to_owned()), "Bob stays");

    // Coming back to the link, or the letter's, brings nothing back.
    assert_eq!(house.post(&leave, &[("from", "page")]).await.status(), StatusCode::OK);
    assert_eq!(ann.found_in(&everything(&db).await), only);
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_a_page_that_can_undo_a_withdrawal_is_all_that_holds_the_person() {
    let (house, ann) = House::with_ann_and_bob().await;
    let leave = house.unsubscribe_url(ANN).await;
    let db = house.db().await;
    let page = house.post(&leave, &[("from", "page")]).await.text().await.unwrap();
    db.batch_execute("ANALYZE").await.unwrap();
    let only = REMAINING;
    assert_eq!(
        ann.found_in(&everything(&db).await),
        only,
        "the trail's entries and the reference may remain, and nothing else"
    );

    let page = BTreeMap::from([("the page".to_owned(), page.into_bytes())]);
    assert_eq!(ann.in_the_clear().found_in(&page), Vec::<String>::new(), "and there it is under seal");
    assert_eq!(ann.part("reference").found_in(&page), Vec::<String>::new());
    let way_back = way_back(&String::from_utf8(page["the page"].clone()).unwrap()).unwrap();
    assert_eq!(house.post("/undo", &[("undo", &way_back)]).await.status(), StatusCode::OK);
    for part in ["id", "reference", "address key"] {
        let found = ann.part(part).found_in(&everything(&db).await);
        assert!(found.contains(&format!("{part} in public.subscriptions")), "{part} is back: {found:?}");
    }
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_after_this_wasnt_me_no_table_holds_anything_of_the_person() {
    let house = House::open().await;
    house.subscribe(BOB).await;
    house.sign_up_with_name(ANN).await;
    let ann = Needles::of(&house, ANN, NAME).await;
    let db = house.db().await;
    for part in ["id", "reference", "address key", "seal", "confirmed commitment", "withdrawn commitment"] {
        let found = ann.part(part).found_in(&everything(&db).await);
        assert!(found.contains(&format!("{part} in public.subscriptions")), "{part}");
    }
    let letter = house.letter(&mailable(ANN)).await;
    assert_eq!(house.post(&link(&letter.text, "/n/"), &[]).await.status(), StatusCode::OK);
    assert_eq!(ann.found_in(&everything(&db).await), Vec::<String>::new(), "not even an entry remains");
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_a_signup_that_was_replaced_leaves_nothing_but_what_the_new_one_shares() {
    let house = House::open().await;
    house.sign_up_with_name(ANN).await;
    let first = Needles::of(&house, ANN, NAME).await;
    let old = house.letter(&mailable(ANN)).await;
    house.advance(SignedDuration::from_mins(11));
    house.sign_up_with_name(ANN).await;
    let second = Needles::of(&house, ANN, NAME).await;
    house.letters(&mailable(ANN), 2).await;

    let db = house.db().await;
    let found = first.found_in(&everything(&db).await);
    assert!(found.iter().all(|found| found == "address key in public.subscriptions"), "{found:?}");
    assert_eq!(house.post(&link(&old.text, "/n/"), &[]).await.status(), StatusCode::OK);
    assert!(
        !second.part("id").found_in(&everything(&db).await).is_empty(),
        "the old link cannot touch the new row"
    );
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_letters_that_wait_or_were_given_up_go_with_the_person() {
    // The relay refuses the first letter for good and every later one for now.
    let seen = std::sync::atomic::AtomicU32::new(0);
    let relay = Door::new(
        Protocol::Smtp,
        "localhost",
        Limits::default(),
        |_| async { Answer::TAKEN },
        move |_| {
            let first = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let refusal = Answer::reply(550, "5.7.1", "no such mailbox here: ann.forgetful@example.org");
            async move { if first { refusal } else { Answer::reply(451, "4.3.0", "later") } }
        },
    );
    let house = House::with_relay(relay).await;
    house.welcome(true).await;
    let db = house.db().await;
    let waits =
        async |letters: &str| house.count(&format!("SELECT count(*) FROM outbox WHERE {letters}")).await;
    house.sign_up_with_name(ANN).await;
    until("a dead letter", async || {
        waits("kind = 1 AND dead_at IS NOT NULL AND status = '5.7.1'").await == 1
    })
    .await;
    let ann = Needles::of(&house, ANN, NAME).await;

    // The letter was lost, so the link is made as the postman would.
    let confirm = house.app.links.confirm(1, ann.id(), house.clock.now() + SignedDuration::from_hours(72));
    assert_eq!(house.post(&confirm, &[]).await.status(), StatusCode::OK);
    house.sign_up_with_name(ANN).await;
    until("two waiting letters", async || {
        waits("kind IN (2, 3) AND dead_at IS NULL AND status = '4.3.0'").await == 2
    })
    .await;
    let found = everything(&db).await;
    assert!(ann.part("id").found_in(&found).contains(&"id in public.outbox".to_owned()));
    assert_eq!(ann.in_the_clear().found_in(&found), Vec::<String>::new(), "the relay's words were not kept");

    let leave = house.app.links.unsubscribe(1, ann.id());
    assert_eq!(house.post(&leave, &[]).await.status(), StatusCode::OK);
    assert_eq!(waits("true").await, 0);
    let only = REMAINING;
    assert_eq!(ann.found_in(&everything(&db).await), only);
    house.close().await;
}
