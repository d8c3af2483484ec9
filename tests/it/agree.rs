//! Agreeing to a new notice: by the button behind the letter's link, once, to the text that was shown.

use futures_util::future::join_all;
use jiff::SignedDuration;
use optin::consent::change::{CannotRenew, Rewrite, Yes};
use optin::consent::subscription::RewriteOutcome;
use optin::store::StoreError;
use optin::token::Purpose;
use optin::trail::entry::Event;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::house::pages::{anchors, decoded};
use crate::house::{House, NEWS, link};
use crate::process::{optin, run};
use crate::trail_tools::python::{has_cryptography, verifier};

const ANN: &str = "ann@example.org";

/// Ann, whose list has a new purpose since, and the link that asks her to agree.
async fn asked(house: &House) -> String {
    house.subscribe(ANN).await;
    house.publish("Something else.", true).await;
    assert_eq!(house.announce().await, 1);
    newest_link(house).await
}

/// Of the last letter that asks; a welcome letter that waited for its receipt may have come after it.
async fn newest_link(house: &House) -> String {
    let letters = house.all_letters().await;
    link(&letters.iter().rev().find(|letter| letter.text.contains("/a/")).unwrap().text, "/a/")
}

async fn press(house: &House, agree: &str, notice: &str) -> (u16, String) {
    let answer = house.post(agree, &[("notice", notice), ("lang", "en")]).await;
    (answer.status().as_u16(), decoded(&answer.text().await.unwrap()))
}

/// The version that Ann has agreed to, her state, and how many agreements are in the trail.
async fn standing(house: &House) -> (i32, i16, i64) {
    let row = "SELECT notice, state,
                      (SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 6) FROM subscriptions";
    let row = house.db().await.query_one(row, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

impl House {
    fn says(&self, html: &str, page: &str) -> bool {
        html.contains(&format!(
            "<h1>{}</h1>",
            self.say("en", &format!("{page}.title"), &[("list", "Sampletown News")])
        ))
    }
}

#[tokio::test]
async fn the_button_agrees_once_and_a_receipt_of_it_follows() {
    let house = House::with_welcome().await;
    let agree = asked(&house).await;
    let before = house.rows().await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let shown = house.request(method, &agree).send().await.unwrap();
        assert_eq!(shown.status(), 200);
        let html = decoded(&shown.text().await.unwrap());
        if !html.is_empty() {
            assert!(house.says(&html, "agree") && html.contains("<p>Something else.</p>"), "{html}");
            assert!(html.contains(r#"<input type="hidden" name="notice" value="2">"#), "{html}");
            assert!(anchors(&html).iter().any(|url| url.starts_with("/u/")), "no way to leave: {html}");
        }
    }
    assert_eq!(house.rows().await, before);

    let presses = join_all((0..8).map(|_| press(&house, &agree, "2"))).await;
    let agreed = presses.iter().filter(|(_, html)| house.says(html, "agreed")).count();
    let again = presses.iter().filter(|(_, html)| house.says(html, "already_agreed")).count();
    assert_eq!((agreed, again), (1, 7));
    assert_eq!(standing(&house).await, (2, 2, 1));
    assert_eq!(house.people(NEWS).await[0]["notice_version"], "2");

    // The receipt is of this yes, and its holder needs nobody to say so.
    let receipt = house.receipts(ANN, 2).await.pop().unwrap();
    let letter = house.all_letters().await.pop().unwrap();
    assert_eq!(
        letter.subject,
        house.say("en", "letter.welcome.subject_renewed", &[("list", "Sampletown News")])
    );
    assert!(letter.text.contains("Thank you for agreeing to the new text"), "{}", letter.text);
    let proven = receipt.check().unwrap();
    assert_eq!((proven.event, proven.notice, proven.purpose), (Event::Renewed, 2, 2));
    let record: Value = serde_json::from_str(receipt.record()).unwrap();
    assert_eq!((&record["origin"], &record["address"]), (&json!(house.url), &json!(ANN)));
    assert_eq!(record["renewedAt"], json!(house.clock.now()));
    assert!(record.get("signedUpAt").is_none(), "{record}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("receipt.json").display().to_string();
    std::fs::write(&file, receipt.to_json()).unwrap();
    let said = run(optin(&["evidence", "verify", &file], &Default::default())).await;
    assert!(said.success().starts_with("agreed anew to notice 2 in hour "), "{}", said.out);
    if has_cryptography().await {
        let said = verifier(&["receipt", &file]).await;
        assert!(said.success().contains("agreed anew to notice 2 in hour "), "{}", said.out);
    }
    house.close().await;
}

#[tokio::test]
async fn a_second_new_text_is_agreed_to_with_a_number_of_its_own() {
    let house = House::with_welcome().await;
    for version in ["2", "3"] {
        let agree = match version {
            "2" => asked(&house).await,
            _ => {
                house.publish("Something else again.", true).await;
                assert_eq!(house.announce().await, 1);
                newest_link(&house).await
            }
        };
        assert!(house.says(&press(&house, &agree, version).await.1, "agreed"));
        house.all_letters().await;
    }
    let receipts = house.receipts(ANN, 3).await;
    let proven: Vec<_> = receipts.iter().map(|receipt| receipt.check().unwrap()).collect();
    let told: Vec<_> = proven.iter().map(|proven| (proven.event, proven.notice)).collect();
    assert_eq!(told, [(Event::Confirmed, 1), (Event::Renewed, 2), (Event::Renewed, 3)]);
    assert_eq!(standing(&house).await, (3, 2, 2));
    house.close().await;
}

#[tokio::test]
async fn a_yes_to_a_text_whose_purpose_is_another_by_now_is_none() {
    let house = House::open().await;
    let agree = asked(&house).await;
    house.publish("A third thing.", true).await;
    let before = house.rows().await;
    let (status, html) = press(&house, &agree, "2").await;
    assert_eq!(status, 409);
    assert!(house.says(&html, "agree_changed") && html.contains("<p>A third thing.</p>"), "{html}");
    let asks = house.request(Method::POST, &agree).header(ACCEPT, "application/json");
    let problem = asks.form(&[("notice", "2")]).send().await.unwrap();
    assert_eq!(problem.status(), 409);
    let problem: Value = problem.json().await.unwrap();
    assert_eq!(
        (&problem["type"], &problem["notice"]["version"]),
        (&json!("urn:optin:problem:agree_changed"), &json!(3))
    );
    for unknown in ["0", "77"] {
        assert_eq!(press(&house, &agree, unknown).await.0, 409);
    }
    assert_eq!(house.rows().await, before);

    // Published between the look and the writing: the row says what was agreed to, and the export what is needed.
    let (list, _) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
    let second = house.app.store.find_notice(1, 2).await.unwrap().unwrap();
    let token = house.app.links.tokens.read(Purpose::Agree, agree.rsplit('/').next().unwrap()).unwrap();
    let (app, now) = (&house.app, house.clock.now());
    let yes = Yes { list: &list, notice: &second, lang: "en", origin: &house.url, linked_at: now };
    let written = app
        .rewrite::<Cannot>(1, token.id, |held, nonce| Ok(Rewrite::renew(&app.keys, held, &yes, nonce, now)?));
    assert_eq!(written.await.unwrap(), RewriteOutcome::Done);
    assert_eq!(standing(&house).await, (2, 2, 1));
    assert!(house.people(NEWS).await.is_empty());
    assert!(house.says(&press(&house, &agree, "3").await.1, "agreed"));
    assert_eq!(house.people(NEWS).await[0]["notice_version"], "3");
    house.close().await;
}

#[derive(Debug, thiserror::Error)]
pub enum Cannot {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Renew(#[from] CannotRenew),
}

#[tokio::test]
async fn a_corrected_wording_can_be_agreed_to_and_an_old_page_takes_nobody_back_to_the_older() {
    let house = House::open().await;
    let agree = asked(&house).await;
    house.publish("Something else, told better.", false).await;
    assert!(house.get(&agree).await.text().await.unwrap().contains("<p>Something else, told better.</p>"));
    // What she was shown before has the same purpose: it is what she agrees to.
    assert!(house.says(&press(&house, &agree, "2").await.1, "agreed"));
    assert_eq!(standing(&house).await, (2, 2, 1));
    assert_eq!(house.people(NEWS).await.len(), 1);
    let shown = decoded(&house.get(&agree).await.text().await.unwrap());
    assert!(house.says(&shown, "agree") && !shown.contains("does not come to you"), "{shown}");
    assert!(house.says(&press(&house, &agree, "3").await.1, "agreed"));
    for newest in [3, 4] {
        assert!(house.says(&press(&house, &agree, "2").await.1, "already_agreed"));
        assert_eq!(standing(&house).await, (3, 2, 2), "the newest being {newest}");
        house.publish("Something else, told best.", false).await;
    }
    house.close().await;
}

#[tokio::test]
async fn who_is_paused_agrees_and_stays_paused() {
    let house = House::open().await;
    let agree = asked(&house).await;
    house.execute("UPDATE subscriptions SET state = 3").await;
    assert!(house.says(&press(&house, &agree, "2").await.1, "agreed"));
    assert_eq!(standing(&house).await, (2, 3, 1));
    assert!(house.people(NEWS).await.is_empty());
    house.close().await;
}

#[tokio::test]
async fn a_link_past_its_time_without_a_person_or_of_a_list_that_ended_does_nothing_and_says_what_to_do() {
    let house = House::open().await;
    let agree = asked(&house).await;
    let leave = format!("/u/{}", {
        let token = house.app.links.tokens.read(Purpose::Agree, agree.rsplit('/').next().unwrap()).unwrap();
        house.app.links.tokens.mint(Purpose::Unsubscribe, &token)
    });
    let before = house.rows().await;
    // Without a version nobody knows what was read; and no program's body is a button.
    assert_eq!(house.post(&agree, &[]).await.status(), 400);
    assert_eq!(house.post(&agree, &[("notice", "two")]).await.status(), 400);
    assert_eq!(house.post(&agree, &[("notice", "2"), ("notice", "2")]).await.status(), 400);
    let json = house.request(Method::POST, &agree).json(&json!({ "notice": 2 })).send().await.unwrap();
    assert_eq!(json.status(), 415);

    house.advance(SignedDuration::from_hours(60 * 24) - SignedDuration::from_secs(1));
    assert!(house.says(&decoded(&house.get(&agree).await.text().await.unwrap()), "agree"));
    house.advance(SignedDuration::from_secs(1));
    for (status, html) in [press(&house, &agree, "2").await, {
        let shown = house.get(&agree).await;
        (shown.status().as_u16(), decoded(&shown.text().await.unwrap()))
    }] {
        assert_eq!(status, 410);
        assert!(house.says(&html, "agree_expired"), "{html}");
        let links = anchors(&html);
        assert!(["/lists/news", "/my"].iter().all(|url| links.contains(&(*url).to_owned())), "{links:?}");
    }
    assert_eq!(house.rows().await, before);

    // She signs up once more, as that page says, and gets a link that works: nothing comes of a word that she is
    // subscribed already.
    let form = [("email", ANN), ("consent", "yes"), ("notice", "2"), ("lang", "en")];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    let letter = house.all_letters().await.pop().unwrap();
    assert_eq!(
        letter.subject,
        house.say("en", "letter.notice_change.subject_asking", &[("list", "Sampletown News")])
    );
    let fresh = link(&letter.text, "/a/");
    assert!(house.says(&press(&house, &fresh, "2").await.1, "agreed"));
    assert!(house.says(&press(&house, &agree, "2").await.1, "already_agreed"), "the old link is calm");

    // A letter about what she has agreed to by now is owed no more.
    let stale = "INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
                 SELECT 1, id, 7, signed_up_at, signed_up_at FROM subscriptions";
    let letters = house.all_letters().await.len();
    house.execute(stale).await;
    assert_eq!(house.all_letters().await.len(), letters);

    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    let before = house.rows().await;
    assert!(house.says(&press(&house, &fresh, "2").await.1, "nothing_here"));
    house.subscribe_again().await;
    house.publish("A third thing.", true).await;
    house.announce().await;
    let last = link(&house.all_letters().await.pop().unwrap().text, "/a/");
    assert_ne!(house.rows().await, before);
    house.close_list(NEWS).await;
    let before = house.rows().await;
    assert!(house.says(&press(&house, &last, "3").await.1, "nothing_here"));
    assert!(house.says(&decoded(&house.get(&last).await.text().await.unwrap()), "nothing_here"));
    assert_eq!(house.rows().await, before);
    house.close().await;
}

impl House {
    /// Ann once more, to the second text.
    async fn subscribe_again(&self) {
        let form = [("email", ANN), ("consent", "yes"), ("notice", "2"), ("lang", "en")];
        assert_eq!(self.post("/lists/news", &form).await.status(), 200);
        let confirm = link(&self.all_letters().await.pop().unwrap().text, "/c/");
        assert_eq!(self.post(&confirm, &[]).await.status(), 200);
    }
}

#[tokio::test]
async fn of_a_corrected_wording_the_letter_tells_and_asks_for_nothing() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    house.publish("The same, told better.", false).await;
    assert_eq!(house.announce().await, 1);
    let letter = house.all_letters().await.pop().unwrap();
    assert_eq!(
        letter.subject,
        house.say("en", "letter.notice_change.subject", &[("list", "Sampletown News")])
    );
    assert!(!letter.text.contains("/a/"), "{}", letter.text);
    assert!(link(&letter.text, "/lists/").ends_with("/lists/news/notices/2?lang=en"), "{}", letter.text);
    assert_eq!(house.post(&link(&letter.text, "/u/"), &[]).await.status(), 200);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    house.close().await;
}
