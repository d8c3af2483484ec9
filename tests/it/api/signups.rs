//! Signups by a website's backend, and evidence.

use optin::consent::operator::{Right, Role};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{json as body, post, problem};
use crate::house::{House, link};

const SIGNUPS: &str = "/api/v1/lists/news/signups";

fn wish(email: &str) -> Value {
    json!({ "email": email, "consent": true, "notice": 1, "lang": "en", "origin": "https://shop.example" })
}

async fn sign_up(house: &House, token: &str, key: Option<&str>, wish: &Value) -> Response {
    let request = house.request(Method::POST, SIGNUPS).bearer_auth(token);
    let request = request.header("content-type", "application/json").body(wish.to_string());
    let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_backends_signup_is_asked_twice_like_everybodys() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[Right::Signup]).await;
    let answer = sign_up(&house, &token, None, &wish("ann@example.org")).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(body(answer).await, json!({ "status": "check_your_mail" }));
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE state = 2").await, 0);
    let letter = house.letter("ann@example.org").await;
    assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE state = 2").await, 1);
    // Who is known is answered alike.
    let known = sign_up(&house, &token, None, &wish("ann@example.org")).await;
    assert_eq!((known.status().as_u16(), body(known).await), (202, json!({ "status": "check_your_mail" })));
    let late = json!({ "email": "a@example.org", "consent": true, "notice": 7 });
    let stale = problem(sign_up(&house, &token, None, &late).await, 409, "stale_notice").await;
    assert_eq!(stale["notice"]["version"], 1);
    house.close().await;
}

#[tokio::test]
async fn the_same_key_does_nothing_twice_and_another_request_under_it_is_refused() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[Right::Signup]).await;
    let key = Some("order-17");
    assert_eq!(sign_up(&house, &token, key, &wish("ann@example.org")).await.status(), 202);
    house.letters("ann@example.org", 1).await;
    // Past the time in which a second signup would change nothing by itself.
    house.advance(jiff::SignedDuration::from_mins(30));
    let mut answer = sign_up(&house, &token, key, &wish("ann@example.org")).await;
    assert_eq!(answer.status(), 202);
    house.all_letters().await;
    assert_eq!(house.letters("ann@example.org", 1).await.len(), 1, "no second letter");
    let other = sign_up(&house, &token, key, &wish("bob@example.org")).await;
    problem(other, 422, "key_reused").await;
    // It is this token's key alone.
    let another = house.token(Role::Admin, &[Right::Signup]).await;
    assert_eq!(sign_up(&house, &another, key, &wish("bob@example.org")).await.status(), 202);
    // A day later it is nobody's.
    house.advance(jiff::SignedDuration::from_hours(25));
    answer = sign_up(&house, &token, key, &wish("cem@example.org")).await;
    assert_eq!(answer.status(), 202);
    for key in ["".to_owned(), "k".repeat(256), "schlüssel".to_owned()] {
        let refused = sign_up(&house, &token, Some(&key), &wish("ann@example.org")).await;
        problem(refused, 400, "invalid").await;
    }
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_an_idempotency_key_goes_with_its_person_in_the_same_transaction() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[Right::Signup]).await;
    let key = Some("ann@example.org");
    assert_eq!(sign_up(&house, &token, key, &wish("ann@example.org")).await.status(), 202);
    let letter = house.letter("ann@example.org").await;
    assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    let keys = "SELECT count(*) FROM idempotency_keys";
    assert_eq!(house.count(keys).await, 1);
    let dump = house.db().await.query_one("SELECT k::text FROM idempotency_keys k", &[]).await.unwrap();
    assert!(!dump.get::<_, String>(0).contains(&data_encoding::HEXLOWER.encode(b"ann@example.org")));
    let url = house.unsubscribe_url("ann@example.org").await;
    assert_eq!(house.post(&url, &[]).await.status(), 200);
    assert_eq!(house.count(keys).await, 0, "no sweeper has been here");
    // One whose row was replaced goes with the next round.
    assert_eq!(sign_up(&house, &token, key, &wish("bob@example.org")).await.status(), 202);
    house.letters("bob@example.org", 1).await;
    house.advance(jiff::SignedDuration::from_mins(11));
    house.sign_up("bob@example.org").await;
    optin::chores::sweeper::sweep(&house.app).await.unwrap();
    assert_eq!(house.count(keys).await, 0);
    house.close().await;
}

#[tokio::test]
async fn evidence_is_made_for_an_address_in_the_body_and_is_on_record() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let token = house.token(Role::Auditor, &[Right::Evidence]).await;
    let path = "/lists/news/evidence";
    let answer = post(&house, &token, path, &json!({ "email": "Ann@example.org" })).await;
    assert_eq!(answer.status(), 200);
    let evidence = answer.bytes().await.unwrap();
    let receipt = optin::consent::receipt::Receipt::parse(&evidence).unwrap();
    assert!(receipt.check().is_ok() && receipt.secret().is_none());
    let zip = house.request(Method::POST, "/api/v1/lists/news/evidence").bearer_auth(&token);
    let zip = zip.header("accept", "application/zip").header("content-type", "application/json");
    let zip = zip.body(json!({ "email": "ann@example.org" }).to_string()).send().await.unwrap();
    assert_eq!(zip.headers()["content-type"], "application/zip");
    assert!(zip.bytes().await.unwrap().starts_with(b"PK"));
    let nobody = post(&house, &token, path, &json!({ "email": "bob@example.org" })).await;
    problem(nobody, 404, "no_evidence").await;
    let on_record = "SELECT count(*) FROM access_records WHERE operator = 'auditor' AND act = 'evidence'";
    assert_eq!(house.count(on_record).await, 3);
    house.close().await;
}
