//! A new address: it has to answer first, and old links go on working.

use jiff::SignedDuration;
use optin::chores::sweeper::sweep;
use optin::consent::subscription::CORRECT_AGAIN;
use optin::trail::entry::Event;
use reqwest::StatusCode;
use serde_json::json;

use super::ANN;
use crate::house::database::holds;
use crate::house::{House, NEWS, link};

const NEW: &str = "anna@elsewhere.example";

impl House {
    /// Ann enters a new address, and the link of the letter to it comes.
    async fn correct(&self, my: &str, to: &str) -> String {
        let before = self.all_letters().await.iter().filter(|letter| letter.to == to).count();
        self.press(my, "correct", &[("email", to)]).await;
        link(&self.letters(to, before + 1).await.pop().unwrap().text, "/k/")
    }

    async fn emails(&self, slug: &str) -> Vec<String> {
        let people = self.people(slug).await;
        people.iter().map(|row| row["email"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_new_address_takes_the_old_ones_place_on_every_list_once_its_mailbox_has_answered() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    let leave = house.subscribe(ANN).await;
    house.subscribe_to("press", ANN, &[]).await;
    let my = house.my(ANN).await;
    let correct = house.correct(&my, NEW).await;
    house.advance(SignedDuration::from_secs(1));
    let letters = house.all_letters().await;
    assert_eq!(letters.iter().filter(|letter| letter.to == NEW).count(), 1, "asked once, for both lists");
    assert!(!letters.last().unwrap().raw.contains(ANN), "the letter does not name the old address");

    // Until then the old one stays; a link that was only opened does nothing.
    let rows = house.rows().await;
    assert_eq!(house.get(&correct).await.status(), StatusCode::OK);
    assert_eq!(house.rows().await, rows);
    assert_eq!(house.emails(NEWS).await, [ANN]);

    assert_eq!(house.post(&correct, &[("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!((house.emails(NEWS).await, house.emails("press").await), (vec![NEW.into()], vec![NEW.into()]));
    let corrected = [Event::Confirmed, Event::Confirmed, Event::Corrected, Event::Corrected];
    assert_eq!(house.events().await, corrected);
    // A second press meets nothing, and changes nothing.
    let rows = house.rows().await;
    assert_eq!(house.post(&correct, &[("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(house.rows().await, rows);

    // The old address is free, and the new one is taken: the address key moved along.
    house.sign_up(ANN).await;
    house.sign_up(NEW).await;
    let letters = house.all_letters().await;
    let told = house.say("en", "letter.already_subscribed.subject", &[("list", "Sampletown News")]);
    assert!(letters.iter().any(|letter| letter.to == NEW && letter.subject == told));
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE list = 1").await, 2);

    // The id stays: the oldest link to leave works as before. But the data link was the old mailbox's.
    assert!(!house.get(&my).await.text().await.unwrap().contains(NEW));
    assert_eq!(house.told(&house.my(NEW).await).await["address"], NEW);
    assert_eq!(house.post(&leave, &[]).await.status(), StatusCode::OK);
    assert!(house.people(NEWS).await.is_empty() && house.people("press").await.len() == 1);
    house.close().await;
}

#[tokio::test]
async fn only_the_last_address_that_was_entered_can_answer() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let my = house.my(ANN).await;
    let first = house.correct(&my, "typo@elsewhere.example").await;
    // Not at once: a link is known by its second, and nobody's mailbox is to be filled.
    let rows = house.rows().await;
    for act in [
        &[("do", "correct"), ("email", NEW)][..],
        &[("do", "keep_address")],
        &[("do", "correct"), ("email", NEW)],
    ] {
        let status = house.post(&my, act).await.status().as_u16();
        assert_eq!(status, if act.len() == 1 { 200 } else { 429 }, "{act:?}");
    }
    assert_ne!(house.rows().await, rows, "taken back");
    house.advance(CORRECT_AGAIN);
    let second = house.correct(&my, NEW).await;
    let rows = house.rows().await;
    assert_eq!(house.post(&first, &[("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(house.rows().await, rows, "whoever has the mistyped mailbox gets nothing");
    assert_eq!(house.post(&second, &[("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(house.emails(NEWS).await, [NEW]);
    house.close().await;
}

#[tokio::test]
async fn who_has_the_new_mailbox_and_did_not_want_it_is_forgotten_at_once() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let my = house.my(ANN).await;
    let correct = house.correct(&my, NEW).await;
    assert!(house.press(&my, "pause", &[("list", NEWS)]).await.contains(NEW), "other acts leave it alone");
    assert_eq!(house.post(&correct, &[("answer", "not_me")]).await.status(), StatusCode::OK);
    assert!(!house.told(&my).await.to_string().contains(NEW));
    assert!(!serde_json::to_string(&house.persons().await).unwrap().contains(NEW));
    house.advance(CORRECT_AGAIN);
    let correct = house.correct(&my, NEW).await;
    house.press(&my, "keep_address", &[]).await;
    assert!(!serde_json::to_string(&house.persons().await).unwrap().contains(NEW), "nor by its owner's word");
    house.post(&correct, &[("answer", "yes")]).await;
    assert_eq!(house.told(&my).await["address"], ANN);
    house.close().await;
}

#[tokio::test]
async fn a_new_address_that_does_not_answer_in_time_is_erased_and_its_letter_not_sent_late() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let my = house.my(ANN).await;
    let correct = house.correct(&my, NEW).await;
    house.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(2));
    sweep(&house.app).await.unwrap();
    assert_eq!(
        house.count("SELECT count(*) FROM subscriptions WHERE correction_expires_at IS NOT NULL").await,
        1
    );
    house.advance(SignedDuration::from_secs(2));
    for answer in [house.get(&correct).await, house.post(&correct, &[("answer", "yes")]).await] {
        assert_eq!(answer.status(), StatusCode::GONE);
    }
    sweep(&house.app).await.unwrap();
    assert_eq!(
        house.count("SELECT count(*) FROM subscriptions WHERE correction_expires_at IS NOT NULL").await,
        0
    );
    assert!(!serde_json::to_string(&house.persons().await).unwrap().contains(NEW));
    assert_eq!(house.emails(NEWS).await, [ANN]);
    house.close().await;
}

#[tokio::test]
async fn an_address_that_is_subscribed_already_takes_nobodys_place_and_only_its_mailbox_learns_so() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    house.subscribe(ANN).await;
    house.subscribe(NEW).await;
    house.subscribe_to("press", ANN, &[]).await;
    let my = house.my(ANN).await;
    let known = house.press(&my, "correct", &[("email", NEW)]).await;
    house.advance(CORRECT_AGAIN);
    let unknown = house.press(&my, "correct", &[("email", "anne@elsewhere.example")]).await;
    house.advance(CORRECT_AGAIN);
    let moments = |page: &str| regex::Regex::new(r"\d\d:\d\d").unwrap().replace_all(page, "").into_owned();
    let (known, unknown) = (moments(&known), moments(&unknown));
    assert_eq!(
        known.replace(NEW, ""),
        unknown.replace("anne@elsewhere.example", ""),
        "the page tells nothing"
    );
    let correct = house.correct(&my, NEW).await;
    let page = house.post(&correct, &[("answer", "yes")]).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains(&house.say("en", "corrected.taken", &[])));
    let mut emails = house.emails(NEWS).await;
    emails.sort();
    assert_eq!((emails, house.emails("press").await), (vec![ANN.into(), NEW.into()], vec![NEW.into()]));
    assert_eq!(
        house.count("SELECT count(*) FROM subscriptions WHERE correction_expires_at IS NOT NULL").await,
        0
    );
    house.close().await;
}

#[tokio::test]
async fn a_new_address_goes_with_its_person_and_does_not_come_back_with_them() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let my = house.my(ANN).await;
    let correct = house.correct(&my, NEW).await;
    let page = house.post(&leave, &[("from", "page")]).await.text().await.unwrap();
    assert!(!holds(&house.rows().await, NEW));
    house.post(&correct, &[("answer", "yes")]).await;
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    let undo = crate::house::pages::way_back(&page).unwrap();
    assert_eq!(house.post("/undo", &[("undo", &undo)]).await.status(), StatusCode::OK);
    assert!(!serde_json::to_string(&house.persons().await).unwrap().contains(NEW));
    house.post(&correct, &[("answer", "yes")]).await;
    assert_eq!(house.emails(NEWS).await, [ANN]);
    house.close().await;
}

#[tokio::test]
async fn an_unconfirmed_signup_of_the_new_address_stands_in_nobodys_way() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    house.sign_up(NEW).await;
    let confirm = link(&house.letter(NEW).await.text, "/c/");
    let my = house.my(ANN).await;
    let correct = house.correct(&my, NEW).await;
    for answer in [&[][..], &[("answer", "perhaps")]] {
        assert_eq!(house.post(&correct, answer).await.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(house.emails(NEWS).await, [ANN]);
    house.post(&correct, &[("answer", "yes")]).await;
    assert_eq!(house.emails(NEWS).await, [NEW]);
    assert_eq!(house.post(&confirm, &[]).await.status(), StatusCode::OK);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1);
    house.close().await;
}

#[tokio::test]
async fn who_has_the_old_mailbox_does_not_agree_for_who_has_the_new() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    house.publish("Something else.", true).await;
    house.announce().await;
    let old = link(&house.all_letters().await.pop().unwrap().text, "/a/");
    let my = house.my(ANN).await;
    let correct = house.correct(&my, NEW).await;
    house.advance(SignedDuration::from_secs(2));
    house.post(&correct, &[("answer", "yes")]).await;
    let yes = [("notice", "2"), ("lang", "en")];
    assert_eq!(house.get(&old).await.status(), StatusCode::GONE);
    assert_eq!(house.post(&old, &yes).await.status(), StatusCode::GONE);
    assert!(house.people(NEWS).await.is_empty());
    // Her own page leads to a link that does.
    let my = house.my(NEW).await;
    let page = crate::house::pages::decoded(&house.get(&my).await.text().await.unwrap());
    let agree = page.split("href=\"").find(|part| part.starts_with("/a/")).unwrap();
    let agree = agree.split('"').next().unwrap();
    assert_eq!(house.post(agree, &yes).await.status(), StatusCode::OK);
    assert_eq!(house.emails(NEWS).await, [NEW]);
    house.close().await;
}

#[tokio::test]
async fn of_two_new_addresses_that_are_entered_at_once_one_is_asked_and_its_link_means_it() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    house.subscribe(ANN).await;
    house.subscribe_to("press", ANN, &[]).await;
    let (my, other) = (house.my(ANN).await, house.replica().await);
    let entered = |house: &House, email: &'static str| {
        let post = house.request(reqwest::Method::POST, &my).form(&[("do", "correct"), ("email", email)]);
        async move { post.send().await.unwrap().status().as_u16() }
    };
    let (one, two) =
        tokio::join!(entered(&house, "one@elsewhere.example"), entered(&other, "two@elsewhere.example"));
    let mut statuses = [one, two];
    statuses.sort();
    assert_eq!(statuses, [200, 429]);
    let asked = if one == 200 { "one@elsewhere.example" } else { "two@elsewhere.example" };
    // Whichever postman took it.
    let mut letters = house.all_letters().await;
    letters.extend(other.all_letters().await);
    letters.retain(|letter| letter.to.ends_with("elsewhere.example"));
    assert_eq!(letters.iter().map(|letter| letter.to.as_str()).collect::<Vec<_>>(), [asked]);
    house.post(&link(&letters[0].text, "/k/"), &[("answer", "yes")]).await;
    assert_eq!(
        (house.emails(NEWS).await, house.emails("press").await),
        (vec![asked.into()], vec![asked.into()])
    );
    other.close_with_waiting_letters().await;
    house.close().await;
}

#[tokio::test]
async fn the_new_mailbox_is_answered_at_once_when_it_asks() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    house.post("/my", &[("email", ANN)]).await;
    let my = link(&house.letters(ANN, 2).await.pop().unwrap().text, "/my/");
    let correct = house.correct(&my, NEW).await;
    house.post(&correct, &[("answer", "yes")]).await;
    house.post("/my", &[("email", NEW)]).await;
    assert!(house.all_letters().await.iter().any(|letter| letter.to == NEW && letter.text.contains("/my/")));
    house.close().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_opened_keeps_no_other_address_from_being_forgotten() {
    let house = House::open().await;
    for email in [ANN, "bob@example.org"] {
        house.subscribe(email).await;
        let my = house.my(email).await;
        house.correct(&my, &format!("new.{email}")).await;
    }
    let waiting = "SELECT count(*) FROM subscriptions WHERE correction_expires_at IS NOT NULL";
    let first = "(SELECT id FROM subscriptions ORDER BY correction_expires_at, id LIMIT 1)";
    let db = house.db().await;
    let seal = format!("SELECT id, seal FROM subscriptions WHERE id = {first}");
    let spoilt = db.query_one(&seal, &[]).await.unwrap();
    let (id, seal): (Vec<u8>, Vec<u8>) = (spoilt.get("id"), spoilt.get("seal"));
    let write = "UPDATE subscriptions SET seal = $1 WHERE id = $2";
    db.execute(write, &[&vec![0_u8], &id]).await.unwrap();
    house.advance(SignedDuration::from_hours(24));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count(waiting).await, 1, "the spoilt one is told of in the log");
    db.execute(write, &[&seal, &id]).await.unwrap();
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count(waiting).await, 0);
    house.close().await;
}
