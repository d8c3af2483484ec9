//! Who is offered a way back, and what becomes of one that is not whole.

use optin::token::{Purpose, Token};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::ANN;
use crate::house::pages::way_back;
use crate::house::{House, NEWS, link};

#[tokio::test]
async fn a_provider_or_a_program_that_withdraws_is_handed_nothing() {
    let house = House::open().await;
    let one_click = "List-Unsubscribe=One-Click";
    let form = "application/x-www-form-urlencoded";
    let multipart =
        "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let posts = [
        ("ann@example.org", form, one_click),
        ("bob@example.org", form, ""),
        ("cem@example.org", "multipart/form-data; boundary=x", multipart),
    ];
    for (email, kind, body) in posts {
        let leave = house.subscribe(email).await;
        let post = house.request(Method::POST, &leave).header(CONTENT_TYPE, kind).body(body);
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().is_empty(), "a bare 200");
    }
    let leave = house.subscribe("dora@example.org").await;
    let post = house.request(Method::POST, &leave).header("accept", "application/json");
    let answer: Value = post.form(&[("from", "page")]).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({ "status": "unsubscribed" }));
    house.close().await;
}

#[tokio::test]
async fn where_there_is_nothing_to_undo_none_is_offered() {
    let house = House::open().await;
    // Who has not confirmed.
    house.sign_up(ANN).await;
    house.all_letters().await;
    let id = house.db().await.query_one("SELECT id FROM subscriptions", &[]).await.unwrap();
    let id = optin::token::SubscriptionId(id.get::<_, &[u8]>(0).try_into().unwrap());
    let leave = house.app.links.unsubscribe(1, id);
    assert_eq!(house.leave(&leave).await, None);
    assert_eq!(house.subscriptions().await, 0, "and she has left");
    // Who has left before, and who never was.
    assert_eq!(house.leave(&leave).await, None);
    let nobody = Token { list: 1, id: optin::token::SubscriptionId([0; 14]), expiry: 0 };
    let nobody = house.app.links.tokens.mint(Purpose::Unsubscribe, &nobody);
    assert_eq!(house.leave(&format!("/u/{nobody}")).await, None);
    // Whose list has ended, before the sweeper came.
    let leave = house.subscribe("bob@example.org").await;
    house.close_list(NEWS).await;
    assert_eq!(house.leave(&leave).await, None);
    house.close().await;
}

#[tokio::test]
async fn nobody_comes_back_to_a_list_that_has_ended() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let way_back = house.leave(&leave).await.unwrap();
    house.close_list(NEWS).await;
    let rows = house.rows().await;
    house.undo(&way_back, 410, "refusal.list_closed").await;
    assert_eq!(house.rows().await, rows);
    house.close().await;
}

#[tokio::test]
async fn a_way_back_that_is_not_whole_is_said_to_be_so_and_changes_nothing() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let bob = house.subscribe("bob@example.org").await;
    let (good, bobs) = (house.leave(&leave).await.unwrap(), house.leave(&bob).await.unwrap());
    let rows = house.rows().await;
    let bent = |at: usize| {
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &good[..at], &good[at + 1..])
    };
    let mut bad = vec![
        String::new(),
        "x".into(),
        good[1..].into(),
        good[..good.len() - 1].into(),
        format!("{good}="),
        // Ann's list and id before what is Bob's.
        format!("{}{}", &good[..24], &bobs[24..]),
        leave.rsplit('/').next().unwrap().into(),
    ];
    // List, id, version, key, nonce, what is sealed, tag.
    bad.extend([2, 12, 24, 26, 40, 200, good.len() - 5].map(bent));
    for bad in bad {
        house.undo(&bad, 400, "refusal.damaged_undo").await;
        let post = house.request(Method::POST, "/undo").header("accept", "application/json");
        let told: Value = post.form(&[("undo", &bad)]).send().await.unwrap().json().await.unwrap();
        assert_eq!(told["type"], "urn:optin:problem:damaged_undo");
    }
    assert_eq!(house.request(Method::POST, "/undo").send().await.unwrap().status(), 415);
    assert_eq!(house.post("/undo", &[("other", &good)]).await.status(), 400);
    assert_eq!(house.post("/undo", &[("undo", &good), ("undo", &good)]).await.status(), 400);
    let json = house.request(Method::POST, "/undo").json(&json!({ "undo": good }));
    assert_eq!(json.send().await.unwrap().status(), 415);
    assert_eq!(house.rows().await, rows);
    for whole in [good, bobs] {
        house.undo(&whole, 200, "restored").await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_program_is_told_in_json_and_a_person_in_their_own_language() {
    let house = House::open().await;
    let form = [("email", ANN), ("consent", "yes"), ("notice", "1"), ("lang", "de")];
    house.post("/lists/news", &form).await;
    let letter = house.letter("Ann@example.org").await;
    house.post(&link(&letter.text, "/c/"), &[]).await;
    let leave = house.unsubscribe_url(ANN).await;
    let used = house.leave(&leave).await.unwrap();
    let told = async |status: u16, way_back: &str| {
        let post = house.request(Method::POST, "/undo").header("accept", "application/json");
        let told = post.form(&[("undo", way_back)]).send().await.unwrap();
        assert_eq!(told.status(), status);
        told.json::<Value>().await.unwrap()
    };
    assert_eq!(told(200, &used).await, json!({ "status": "restored" }));
    assert_eq!(told(200, &used).await, json!({ "status": "already_restored" }));
    let late = house.leave(&leave).await.unwrap();
    let html = house.post("/undo", &[("undo", &used)]).await.text().await.unwrap();
    assert!(
        html.contains(r#"<html lang="de">"#) && html.contains("href=\"&#x2f;lists&#x2f;news\""),
        "{html}"
    );
    let html = house.post("/undo?lang=en", &[("undo", &used)]).await.text().await.unwrap();
    assert!(html.contains(r#"<html lang="en">"#));
    let problem = told(410, &used).await;
    assert_eq!(problem["type"], "urn:optin:problem:undo_used");
    assert_eq!(problem["signup_url"], "/lists/news");
    house.advance(super::MINUTES);
    let problem = told(410, &late).await;
    assert_eq!(problem["type"], "urn:optin:problem:undo_late");
    assert!(problem["detail"].as_str().unwrap().contains("gelöscht"), "{problem}");
    house.close().await;
}

/// A list with as much of a person as a list can ask for.
#[tokio::test]
async fn the_longest_way_back_fits_into_a_form() {
    let house = House::open().await;
    let label = json!({ "en": "A", "de": "A" });
    let names: Vec<String> = (0..40).map(|n| format!("field_{n:0>25}")).collect();
    let fields: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "max": 30, "label": label })).collect();
    house.new_list("most", json!(fields)).await;
    let email = format!("{}@{}.example", "é".repeat(32), vec!["d".repeat(59); 3].join("."));
    let value = "\u{1F600}".repeat(30);
    // In JSON: as a form, the same would be longer than a form may be.
    let fields: Value =
        names.iter().map(|name| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>().into();
    let body = json!({ "email": email, "consent": true, "notice": 1, "lang": "en", "fields": fields });
    let asked = house.request(Method::POST, "/lists/most").json(&body).send().await.unwrap();
    assert_eq!(asked.status(), 202, "{}", asked.text().await.unwrap());
    let confirm = link(&house.all_letters().await.pop().unwrap().text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    let leave = house.people("most").await[0]["unsubscribe_url"].as_str().unwrap().to_owned();
    let page = house.post(&leave, &[("from", "page")]).await.text().await.unwrap();
    let way_back = way_back(&page).unwrap();
    assert!((10_000..16_000).contains(&way_back.len()), "{}", way_back.len());
    house.undo(&way_back, 200, "restored").await;
    assert_eq!(house.people("most").await.len(), 1);
    house.close().await;
}
