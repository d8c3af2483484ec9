//! What the feed tells, and for how long.

use jiff::SignedDuration;
use optin::chores::sweeper::sweep;
use optin::trail::entry::{Entry, Event, Tail};
use reqwest::StatusCode;
use serde_json::json;

use super::{Reader, text};
use crate::house::{House, NEWS, link, pages::way_back};

/// From any moment to one when the hour before is settled.
const AN_HOUR: SignedDuration = SignedDuration::from_mins(62);

impl House {
    async fn entries_of(&self, event: Event) -> Vec<Entry> {
        self.seal().await;
        let size = self.trail(NEWS).await.newest.size;
        let entries = self.app.store.entries(1, 0, size).await.unwrap();
        let entries = entries.iter().map(|bytes| Entry::read(bytes).unwrap());
        entries.filter(|entry| entry.event == event).collect()
    }
}

#[tokio::test]
async fn who_comes_changes_and_goes_is_told_with_an_exports_columns_or_by_reference_alone() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let mut reader = Reader::begin(&house).await;
    // Confirmed before the export, and told once more: that changes nothing.
    reader.follow(&house).await;
    reader.assert_current(&house).await;

    let leave = house.subscribe("ben@example.org").await;
    house.sign_up("pending@example.org").await;
    assert_eq!(reader.follow(&house).await, (1, 0), "a signup is no news");
    reader.assert_current(&house).await;
    assert_eq!(reader.people.len(), 2);

    let page = house.post(&leave, &[("from", "page")]).await.text().await.unwrap();
    assert_eq!(reader.follow(&house).await, (0, 1));
    reader.assert_current(&house).await;
    assert_eq!(house.post("/undo", &[("undo", &way_back(&page).unwrap())]).await.status(), 200);
    assert_eq!(reader.follow(&house).await, (1, 0));
    reader.assert_current(&house).await;

    let my = house.my("ann@example.org").await;
    house.press(&my, "save", &[("list", NEWS), ("lang", "de"), ("field.name", "Ann")]).await;
    assert_eq!(reader.follow(&house).await, (1, 0));
    reader.assert_current(&house).await;
    assert!(
        reader.people.values().any(|row| row["lang"] == "de" && row["field_name"] == "Ann"),
        "{:?}",
        reader.people
    );
    assert_eq!(reader.follow(&house).await, (0, 0), "everything has been told");
    house.close().await;
}

#[tokio::test]
async fn p_med_8_who_pauses_is_removed_by_the_very_next_page_of_the_feed() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let mut reader = Reader::begin(&house).await;
    reader.follow(&house).await;
    let my = house.my("ann@example.org").await;
    house.press(&my, "pause", &[("list", NEWS)]).await;
    let (_, page) = reader.page(&house, "").await;
    assert_eq!((page["added"].as_array().unwrap().len(), page["removed"].as_array().unwrap().len()), (0, 1));
    assert_eq!(reader.take(&page), (0, 1));
    assert!(reader.people.is_empty());
    house.press(&my, "resume", &[("list", NEWS)]).await;
    assert_eq!(reader.follow(&house).await, (1, 0));
    reader.assert_current(&house).await;
    house.close().await;
}

#[tokio::test]
async fn p_med_6_a_new_purpose_ends_the_feed_and_puts_whoever_agrees_into_the_next() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let mut reader = Reader::begin(&house).await;
    house.publish("Corrected words.", false).await;
    assert_eq!(reader.page(&house, "").await.0, 200, "the same purpose goes on");
    house.publish("Something else.", true).await;
    let (status, problem) = reader.page(&house, "").await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::GONE, Some("urn:optin:problem:feed_gone")));
    assert_eq!(problem["feed_days"], 30);

    reader = Reader::begin(&house).await;
    assert!(reader.people.is_empty());
    house.announce().await;
    let letter = house.letters("ann@example.org", 2).await.pop().unwrap();
    let agree = [("notice", "3"), ("lang", "en")];
    assert_eq!(house.post(&link(&letter.text, "/a/"), &agree).await.status(), 200);
    reader.follow(&house).await;
    assert_eq!(reader.people.len(), 1);
    reader.assert_current(&house).await;
    house.close().await;
}

#[tokio::test]
async fn other_columns_end_the_feed_and_other_options_do_not() {
    let house = House::open().await;
    let reader = Reader::begin(&house).await;
    house.set_options(NEWS, json!({ "pending_ttl_hours": 5 })).await;
    assert_eq!(reader.page(&house, "").await.0, 200);
    house.set_options(NEWS, json!({ "fields": [] })).await;
    assert_eq!(reader.page(&house, "").await.0, 410);
    let reader = Reader::begin(&house).await;
    house.set_options(NEWS, json!({ "sender": { "mailbox": "leave@example.org" } })).await;
    assert_eq!(reader.page(&house, "").await.0, 410);
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_the_reference_of_who_has_left_is_forgotten_after_feed_days_and_older_cursors_end() {
    let house = House::open().await;
    house.set_options(NEWS, json!({ "feed_days": 3 })).await;
    let leave = house.subscribe("ann@example.org").await;
    let early = Reader::begin(&house).await;
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    let rows = "SELECT count(*) FROM news";
    // Nobody has read it: the sweeper is enough.
    sweep(&house.app).await.unwrap();
    house.advance(SignedDuration::from_hours(2 * 24));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count(rows).await, 1);
    assert_eq!(house.count("SELECT count(*) FROM news WHERE subscription IS NOT NULL").await, 0);
    assert_eq!(early.page(&house, "").await.1["removed"].as_array().unwrap().len(), 1);
    let mut late = Reader::begin(&house).await;

    house.advance(SignedDuration::from_hours(24));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count(rows).await, 0);
    assert_eq!(early.page(&house, "").await.0, 410);
    assert_eq!(late.follow(&house).await, (0, 0), "who had read it goes on");
    house.subscribe("ben@example.org").await;
    assert_eq!(late.follow(&house).await, (1, 0));
    house.close().await;
}

#[tokio::test]
async fn p_med_4_what_feed_readers_are_handed_is_in_the_trail_by_the_hour_and_on_record() {
    let house = House::open().await;
    let mut reader = Reader::begin(&house).await;
    let mut other = Reader::begin(&house).await;
    for name in ["ann", "ben", "cid"] {
        house.subscribe(&format!("{name}@example.org")).await;
    }
    reader.follow(&house).await;
    reader.follow(&house).await;
    sweep(&house.app).await.unwrap();
    assert!(house.entries_of(Event::Fed).await.is_empty(), "the hour is not over");
    let records = "SELECT count(*) FROM access_records WHERE act = 'feed' AND operator = 'marketer'";
    assert_eq!(house.count(records).await, 1, "once an hour, however many pages");

    house.advance(AN_HOUR);
    other.follow(&house).await;
    sweep(&house.app).await.unwrap();
    sweep(&house.app).await.unwrap();
    let counts = async || {
        let entries = house.entries_of(Event::Fed).await;
        let count = |entry: &Entry| match entry.tail {
            Tail::Service { count, .. } => count,
            Tail::Commitment(_) => unreachable!(),
        };
        entries.iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [3]);
    // Whoever asks is told that they may have been among them.
    let my = house.my("ann@example.org").await;
    let exported = house.told(&my).await["lists"][0]["exported"].clone();
    assert!(exported["read"].is_string(), "{exported}");
    house.advance(AN_HOUR);
    sweep(&house.app).await.unwrap();
    assert_eq!(counts().await, [3, 3]);
    assert_eq!(house.count(records).await, 2);
    assert_eq!(house.count("SELECT count(*) FROM fed").await, 0);
    assert_eq!(text(&reader.page(&house, "").await.1, "next"), reader.cursor);
    // Closing verifies the trail.
    house.close().await;
}

#[tokio::test]
async fn whoever_was_handed_to_a_reader_is_told_at_once_and_whatever_they_do_next() {
    let house = House::open().await;
    let mut reader = Reader::begin(&house).await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let read = async |email: &str| {
        house.seal().await;
        let my = house.my(email).await;
        house.told(&my).await["lists"][0]["exported"].clone()["read"].clone()
    };
    assert!(read("ann@example.org").await.is_null(), "nobody has read it yet");
    assert_eq!(reader.follow(&house).await, (1, 0));
    let told = read("ann@example.org").await;
    let end = (house.clock.now().as_second() / 3600 + 1) * 3600;
    assert_eq!(told, json!(jiff::Timestamp::from_second(end).unwrap()), "by the end of the hour");
    let my = house.my("ann@example.org").await;
    house.press(&my, "pause", &[("list", NEWS)]).await;
    assert_eq!(read("ann@example.org").await, told);

    house.advance(AN_HOUR);
    sweep(&house.app).await.unwrap();
    assert_eq!(house.entries_of(Event::Fed).await.len(), 1);
    assert_eq!(house.count("SELECT count(*) FROM fed").await, 0);
    assert!(read("ann@example.org").await.is_string(), "though she had paused when it was settled");
    // Whoever comes later was not among them; and later readings, of others, move hers no further.
    house.subscribe("ben@example.org").await;
    assert!(read("ben@example.org").await.is_null());
    let told = read("ann@example.org").await;
    assert_eq!(reader.follow(&house).await, (1, 1));
    for _ in 0..3 {
        house.advance(AN_HOUR + AN_HOUR);
        house.subscribe(&format!("p{}@example.org", house.clock.now().as_second())).await;
        reader.follow(&house).await;
        sweep(&house.app).await.unwrap();
    }
    assert_eq!(read("ann@example.org").await, told);
    assert_ne!(read("ben@example.org").await, told);
    house.close().await;
}
