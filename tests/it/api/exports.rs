//! Exports over HTTP: whole or visibly broken, by a named operator, on record and in the trail.

use std::io::Read as _;

use futures_util::future::join_all;
use optin::app::App;
use optin::consent::address::Address;
use optin::consent::change::{Confirm, Entered, Signup, SignupRandom};
use optin::consent::field::Profile;
use optin::consent::operator::{Right, Role};
use optin::token::Token;
use optin::trail::entry::{Entry, Event, Tail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{get, post, problem};
use crate::house::{House, NEWS, until};

const EXPORTS: &str = "/lists/news/exports";

async fn house_with(people: &[&str]) -> (House, String) {
    let house = House::open().await;
    for person in people {
        house.subscribe(&format!("{person}@example.org")).await;
    }
    let token = house.token(Role::Marketer, &[Right::Export, Right::Read]).await;
    (house, token)
}

/// The events of exports in the trail with their ids, and of those that are over the rows and the file's hash.
async fn in_the_trail(house: &House) -> Vec<(Event, String, u64, String)> {
    house.seal().await;
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let entries = house.app.store.entries(1, 0, u64::from(u32::MAX)).await.unwrap();
    let entries = entries.iter().map(|entry| Entry::read(entry).unwrap());
    let told = |entry: Entry| match entry.tail {
        Tail::Service { id, count, .. } if [Event::ExportBegan, Event::Exported].contains(&entry.event) => {
            Some((entry.event, hex(&id), count, hex(&entry.notice)))
        }
        _ => None,
    };
    entries.filter_map(told).collect()
}

#[tokio::test]
async fn p_med_4_p_msg_5_an_export_over_http_is_in_a_named_operators_name_on_record_and_in_the_trail() {
    let (house, token) = house_with(&["ann", "bob"]).await;
    let before = in_the_trail(&house).await.len();
    let answer = post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.starts_with("attachment; filename=\"news-") && name.ends_with(".csv\""), "{name}");
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let file = answer.bytes().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&file).matches("@example.org").count(), 2);

    let manifest = get(&house, &token, location.strip_prefix("/api/v1").unwrap()).await;
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&file));
    assert_eq!((&manifest["finished"], &manifest["rows"]), (&json!(true), &json!(2)));
    assert_eq!((&manifest["sha256"], &manifest["operator"]), (&json!(sha256), &json!("marketer")));
    assert_eq!(manifest["list"], NEWS);
    let export = manifest["export"].as_str().unwrap().to_owned();
    assert!(location.ends_with(&export));
    let mut entries = in_the_trail(&house).await.split_off(before);
    entries.sort_by_key(|entry| entry.0 as u8);
    assert_eq!(
        entries,
        [(Event::ExportBegan, export.clone(), 0, "0".repeat(64)), (Event::Exported, export, 2, sha256)]
    );
    let on_record = "SELECT count(*) FROM access_records WHERE operator = 'marketer' AND act = 'export'";
    assert_eq!(house.count(on_record).await, 1);

    // Who may not, leaves nothing, and gets nothing.
    let auditor = house.token(Role::Auditor, &Right::ALL).await;
    problem(post(&house, &auditor, EXPORTS, &json!({ "format": "csv" })).await, 403, "forbidden").await;
    assert_eq!(in_the_trail(&house).await.len(), before + 2);
    house.close().await;
}

#[tokio::test]
async fn p_med_5_every_row_of_every_format_over_http_has_its_persons_own_way_out() {
    let (house, token) = house_with(&["ann"]).await;
    let url = house.unsubscribe_url("ann@example.org").await;
    for format in ["csv", "jsonl", "listmonk", "mailchimp"] {
        let answer = post(&house, &token, EXPORTS, &json!({ "format": format })).await;
        let file = answer.text().await.unwrap();
        assert!(file.contains(&url), "{format}");
    }
    assert_eq!(house.post(&url, &[("List-Unsubscribe", "One-Click")]).await.status(), 200);
    for format in ["csv", "jsonl", "listmonk", "mailchimp"] {
        let answer = post(&house, &token, EXPORTS, &json!({ "format": format })).await;
        assert!(!answer.text().await.unwrap().contains("@example.org"), "{format}");
    }
    house.close().await;
}

#[tokio::test]
async fn it_is_compressed_for_those_who_ask_and_the_manifest_is_of_the_file_itself() {
    let (house, token) = house_with(&["ann"]).await;
    let request = house.request(reqwest::Method::POST, "/api/v1/lists/news/exports").bearer_auth(&token);
    let request = request.header("accept-encoding", "gzip").header("content-type", "application/json");
    let answer = request.body(json!({ "format": "jsonl" }).to_string()).send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let mut file = Vec::new();
    let packed = answer.bytes().await.unwrap();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut file).unwrap();
    let row: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(row["email"], "ann@example.org");
    let manifest = get(&house, &token, location.strip_prefix("/api/v1").unwrap()).await;
    assert_eq!(manifest["sha256"], data_encoding::HEXLOWER.encode(&Sha256::digest(&file)));
    house.close().await;
}

/// Signs many up, and confirms them. No letter tells of it.
async fn crowd(house: &House, people: usize) {
    let app = &house.app;
    let (list, notice) = app.store.find_list(NEWS).await.unwrap().unwrap();
    let person = async |n: usize| {
        let entered = Entered {
            address: Address::parse(&format!("person{n}@example.org")).unwrap(),
            profile: Profile::new(),
            lang: "en".into(),
            origin: None,
            network: None,
        };
        let random = SignupRandom {
            id: App::random(),
            reference: App::random(),
            secret: Zeroizing::new(App::random()),
            nonce: App::random(),
        };
        let signup = Signup::new(&app.keys, &list, &notice, entered, random, app.clock.now());
        let its = Token { list: 1, id: signup.id(), expiry: 0 };
        app.store.sign_up(signup).await.unwrap();
        app.store.confirm(Confirm::new(&its, app.clock.now())).await.unwrap();
    };
    join_all((0..people).map(person)).await;
    house.db().await.execute("DELETE FROM outbox", &[]).await.unwrap();
}

#[tokio::test]
async fn a_broken_one_cannot_be_taken_for_whole_and_begins_again() {
    let (house, token) = house_with(&[]).await;
    let before = in_the_trail(&house).await.len();
    let begun = async || {
        let entries = in_the_trail(&house).await.split_off(before);
        entries.iter().map(|entry| entry.0).collect::<Vec<_>>()
    };
    let newest = async || get(&house, &token, EXPORTS).await["items"][0].clone();
    crowd(&house, 500).await;
    let db = house.db().await;
    // The last in the table, and after its change more so.
    let last = "SELECT id, seal FROM subscriptions ORDER BY ctid DESC LIMIT 1";
    let row = db.query_one(last, &[]).await.unwrap();
    let (id, seal): (Vec<u8>, Vec<u8>) = (row.get(0), row.get(1));
    let set = "UPDATE subscriptions SET seal = $2 WHERE id = $1";
    db.execute(set, &[&id, &vec![0u8]]).await.unwrap();
    let request = house.request(reqwest::Method::POST, "/api/v1/lists/news/exports").bearer_auth(&token);
    let request = request.header("content-type", "application/json").body("{\"format\":\"csv\"}");
    let whole = match request.send().await {
        Ok(answer) => answer.status() != 201 || answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!whole, "the body breaks off");
    let manifest = newest().await;
    assert_eq!((&manifest["finished"], &manifest["rows"]), (&json!(false), &Value::Null));
    assert_eq!(begun().await, [Event::ExportBegan]);
    until("the seat", async || house.app.export_seats.available_permits() == 4).await;

    db.execute(set, &[&id, &seal]).await.unwrap();
    house.advance(jiff::SignedDuration::from_secs(1));
    let again = post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await;
    assert_eq!(again.text().await.unwrap().lines().count(), 501);
    assert_eq!(newest().await["rows"], 500);

    house.advance(jiff::SignedDuration::from_secs(1));
    // What breaks before there is anything to send is told as a problem.
    db.execute("UPDATE subscriptions SET seal = '\\x00'", &[]).await.unwrap();
    let refused = post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await;
    problem(refused, 500, "internal").await;
    assert_eq!(newest().await["finished"], false);
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn whoever_goes_away_has_begun_one_and_holds_nothing_up() {
    let (house, token) = house_with(&[]).await;
    crowd(&house, 500).await;
    let seats = house.app.export_seats.clone().acquire_many_owned(3).await.unwrap();
    for _ in 0..3 {
        // Takes the head, and goes.
        let answer = post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await;
        assert_eq!(answer.status(), 201);
        drop(answer);
        until("the seat", async || house.app.export_seats.available_permits() == 1).await;
    }
    drop(seats);
    let reading = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND state <> 'idle' AND query LIKE '%FROM subscriptions s%' AND pid <> pg_backend_pid()";
    until("an end of reading", async || house.count(reading).await == 0).await;
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn only_so_many_run_at_once_and_a_seat_is_given_back() {
    let (house, token) = house_with(&["ann"]).await;
    let seats = house.app.export_seats.clone().acquire_many_owned(4).await.unwrap();
    let refused = post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await;
    assert_eq!(refused.headers()["retry-after"], "5");
    problem(refused, 503, "busy").await;
    drop(seats);
    for _ in 0..6 {
        until("a seat", async || house.app.export_seats.available_permits() == 4).await;
        let answer = post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await;
        assert_eq!(answer.text().await.unwrap().lines().count(), 2);
    }
    house.close().await;
}

#[tokio::test]
async fn the_history_has_the_newest_first_page_by_page_and_is_kept_for_sixty_days() {
    let (house, token) = house_with(&[]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        house.advance(jiff::SignedDuration::from_secs(1));
        let answer = post(&house, &token, EXPORTS, &json!({ "format": "jsonl" })).await;
        made.push(answer.headers()["location"].to_str().unwrap()[27..].to_owned());
        answer.bytes().await.unwrap();
    }
    made.reverse();
    let (mut found, mut path) = (Vec::new(), format!("{EXPORTS}?limit=2"));
    loop {
        let page = get(&house, &token, &path).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|item| item["export"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{EXPORTS}?limit=2&after={next}");
    }
    assert_eq!(found, made);
    house.advance(jiff::SignedDuration::from_hours(60 * 24 + 1));
    optin::chores::sweeper::sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM exports").await, 0);
    house.close().await;
}

#[tokio::test]
async fn a_closed_list_has_no_export() {
    let (house, token) = house_with(&[]).await;
    house.close_list(NEWS).await;
    problem(post(&house, &token, EXPORTS, &json!({ "format": "csv" })).await, 410, "list_closed").await;
    house.close().await;
}
