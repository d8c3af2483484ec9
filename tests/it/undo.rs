//! Undo: for a quarter of an hour a withdrawal can be taken back by the page that told of it, which alone has what that
//! needs.

mod between;
mod pages;

use futures_util::future::join_all;
use jiff::SignedDuration;
use optin::consent::change::{Held, Rewrite};
use optin::consent::subscription::RewriteOutcome;
use optin::token::SubscriptionId;
use optin::trail::entry::{Event, ZEROS, entry};
use serde_json::Value;

use crate::house::pages::way_back;
use crate::house::{House, NEWS, link};

const ANN: &str = "Ann@Example.org";
const MINUTES: SignedDuration = SignedDuration::from_mins(15);

impl House {
    /// Presses the button of an unsubscribe page, and returns the way back that the next page offers.
    async fn leave(&self, url: &str) -> Option<String> {
        let page = self.post(url, &[("from", "page")]).await;
        assert_eq!(page.status(), 200);
        way_back(&page.text().await.unwrap())
    }

    /// Presses the button that undoes it, and expects the page of that title.
    async fn undo(&self, way_back: &str, status: u16, page: &str) {
        let answer = self.post("/undo", &[("undo", way_back)]).await;
        let (got, html) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(got, status, "{html}");
        assert!(html.contains(&self.say("en", &format!("{page}.title"), &[])), "not {page}: {html}");
    }

    async fn subscriptions(&self) -> i64 {
        self.count("SELECT count(*) FROM subscriptions").await
    }

    async fn entries(&self, event: Event) -> i64 {
        let event = event as i32;
        self.count(&format!("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = {event}")).await
    }

    /// All of the only row that acts do not change.
    async fn row(&self) -> String {
        let sql = "SELECT to_jsonb(s)::text FROM (SELECT list, id, address_key, state, notice, lang, reference,
                          confirmed_commitment, signed_up_at, expires_at, confirmed_at, told_at FROM subscriptions) s";
        self.db().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// The tour of an undo.
#[tokio::test]
async fn ann_leaves_by_a_slip_takes_it_back_and_everything_is_as_it_was() {
    let house = House::open().await;
    let form = [("email", ANN), ("consent", "yes"), ("notice", "1"), ("lang", "en"), ("name", "Ann O'Hara")];
    house.post("/lists/news", &form).await;
    let letter = house.letter("Ann@example.org").await;
    let confirm = link(&letter.text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    house.sign_up(ANN).await;
    let told = house.letters("Ann@example.org", 2).await.pop().unwrap();
    let leave = link(&told.text, "/u/");
    house.all_letters().await;
    let (row, export, person) =
        (house.row().await, house.people(NEWS).await, house.persons().await.pop().unwrap());

    // In the bus, on a small screen. The page tells her that it can be undone.
    house.advance(SignedDuration::from_hours(30));
    let page = house.post(&leave, &[("from", "page")]).await;
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert!(page.headers().get("set-cookie").is_none());
    let html = page.text().await.unwrap();
    assert!(html.contains(&house.say("en", "unsubscribed.undo", &[("minutes", "15")])), "{html}");
    assert!(html.contains(r#"<form method="post" action="/undo""#) && html.matches("<button").count() == 1);
    let way_back = way_back(&html).unwrap();
    assert_eq!((house.subscriptions().await, house.people(NEWS).await.len()), (0, 0));

    // Opening an address does nothing, whatever it says.
    let rows = house.rows().await;
    assert_eq!(house.get(&format!("/undo?undo={way_back}")).await.status(), 405);
    let odd = house.request(reqwest::Method::GET, "/undo").form(&[("undo", &way_back)]);
    assert_eq!(odd.send().await.unwrap().status(), 405);
    assert_eq!(house.rows().await, rows);

    // The button does.
    let back = house.advance(SignedDuration::from_mins(14));
    house.undo(&way_back, 200, "restored").await;
    assert_eq!(house.row().await, row);
    assert_eq!(house.people(NEWS).await, export, "same reference, same link, same everything");
    let restored = house.persons().await.pop().unwrap();
    assert!(restored.secret == person.secret && restored.record == person.record);
    assert!(restored.profile == person.profile && restored.address == ANN);

    // The trail tells of it, and of nobody.
    let commitment = person.commitment(1, Event::Restored, 0);
    let entry = entry(Event::Restored, back, &ZEROS, &commitment);
    let found = "SELECT count(*) FROM trail_entries WHERE entry = $1";
    let found = house.db().await.query_one(found, &[&&entry[..]]).await.unwrap();
    assert_eq!(found.get::<_, i64>(0), 1);

    // The links in the letters that she has go on working; the next withdrawal is another entry.
    house.post(&confirm, &[]).await;
    let html = house.get(&leave).await.text().await.unwrap();
    assert!(html.contains(&house.say("en", "unsubscribe.button", &[])), "{html}");
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!(house.subscriptions().await, 0);
    let left = "SELECT count(DISTINCT substr(entry, 39)) FROM trail_entries WHERE get_byte(entry, 1) = 2";
    assert_eq!(house.count(left).await, 2);
    house.close().await;
}

#[tokio::test]
async fn a_way_back_works_once_whatever_has_happened_since() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let first = house.leave(&leave).await.unwrap();
    house.undo(&first, 200, "restored").await;

    // Pressed twice: she is told that all is well, and nothing happens.
    let rows = house.rows().await;
    house.undo(&first, 200, "already_restored").await;
    assert_eq!(house.rows().await, rows);

    // She leaves again. The old page is used up; the new one is not.
    let second = house.leave(&leave).await.unwrap();
    let rows = house.rows().await;
    house.undo(&first, 410, "undo_used").await;
    assert_eq!(house.rows().await, rows);
    house.undo(&second, 200, "restored").await;
    house.undo(&first, 200, "already_restored").await;
    assert_eq!(house.leave(&leave).await.map(|_| ()), Some(()));
    for used in [&first, &second] {
        house.undo(used, 410, "undo_used").await;
    }
    let entries = (house.entries(Event::Withdrawn).await, house.entries(Event::Restored).await);
    assert_eq!((house.subscriptions().await, entries), (0, (3, 2)));
    house.close().await;
}

#[tokio::test]
async fn after_fifteen_minutes_it_is_too_late() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let micro = SignedDuration::from_micros(1);
    let in_time = house.leave(&leave).await.unwrap();
    house.advance(MINUTES - micro);
    house.undo(&in_time, 200, "restored").await;

    let late = house.leave(&leave).await.unwrap();
    let rows = house.rows().await;
    house.advance(MINUTES);
    house.undo(&late, 410, "undo_late").await;
    assert_eq!(house.rows().await, rows);
    house.close().await;
}

#[tokio::test]
async fn it_survives_a_restart_and_works_on_another_replica() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let export = house.people(NEWS).await;
    let way_back = house.leave(&leave).await.unwrap();
    let after = house.replica().await;
    house.close().await;
    after.undo(&way_back, 200, "restored").await;
    let back = after.people(NEWS).await;
    assert_eq!((&back[0]["email"], &back[0]["ref"]), (&export[0]["email"], &export[0]["ref"]));
    assert!(back[0]["ref"].is_string());
    after.close().await;
}

#[tokio::test]
async fn many_presses_at_once_on_two_replicas_make_one_row_and_one_entry() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let replica = house.replica().await;
    for round in 1..=5 {
        let way_back = house.leave(&leave).await.unwrap();
        let houses = [&house, &replica];
        let presses = (0..20).map(|n| {
            let form = [("undo", way_back.clone())];
            let request = houses[n % 2].request(reqwest::Method::POST, "/undo").form(&form);
            let request = request.header("accept", "application/json");
            async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
        });
        let told = join_all(presses).await;
        let restored = told.iter().filter(|told| told["status"] == "restored").count();
        let already = told.iter().filter(|told| told["status"] == "already_restored").count();
        assert_eq!((restored, already), (1, 19), "{told:?}");
        assert_eq!((house.subscriptions().await, house.entries(Event::Restored).await), (1, round));
    }
    replica.close().await;
    house.close().await;
}

#[tokio::test]
async fn who_signs_up_anew_meanwhile_stays_so_and_the_old_row_does_not_come_back() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    house.all_letters().await;
    let way_back = house.leave(&leave).await.unwrap();
    house.sign_up("ann@EXAMPLE.org").await;
    let rows = house.rows().await;
    house.undo(&way_back, 410, "undo_used").await;
    assert_eq!(house.rows().await, rows, "the newer one waits for its letter's link");

    let letter = house.letter("ann@example.org").await;
    assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    let rows = house.rows().await;
    house.undo(&way_back, 410, "undo_used").await;
    assert_eq!(house.rows().await, rows);
    let newer = house.unsubscribe_url("ann@EXAMPLE.org").await;
    assert_ne!(newer, leave);

    // When that one goes too, the first page would still do: it has not been used.
    house.post(&newer, &[]).await;
    house.undo(&way_back, 200, "restored").await;
    assert_eq!(house.unsubscribe_url(ANN).await, leave);
    house.close().await;
}

#[tokio::test]
async fn who_had_paused_comes_back_paused() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let db = house.db().await;
    let held = db.query_one("SELECT id, seal FROM subscriptions", &[]).await.unwrap();
    let id = SubscriptionId(held.get::<_, &[u8]>(0).try_into().unwrap());
    let held = Held { list: 1, id, seal: held.get(1) };
    let pause = Rewrite::pause(&house.app.keys, &held, [0; 24], house.clock.now()).unwrap();
    assert_eq!(house.app.store.rewrite(pause).await.unwrap(), RewriteOutcome::Done);
    let row = house.row().await;

    let way_back = house.leave(&leave).await.unwrap();
    house.undo(&way_back, 200, "restored").await;
    assert_eq!(house.row().await, row);
    let person = house.persons().await.pop().unwrap();
    let acts = [Event::Paused, Event::Withdrawn, Event::Restored, Event::Resumed];
    assert_eq!(acts.map(|act| person.acts.count(act)), [1, 1, 1, 0]);
    assert!(house.people(NEWS).await.is_empty(), "nobody writes to her");
    house.close().await;
}

#[tokio::test]
async fn a_new_purpose_meanwhile_keeps_her_off_exports_as_it_would_have() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let row = house.row().await;
    let way_back = house.leave(&leave).await.unwrap();
    house.publish("For something else from now on.", true).await;
    house.undo(&way_back, 200, "restored").await;
    assert_eq!(house.row().await, row);
    assert!(house.people(NEWS).await.is_empty());
    house.close().await;
}
