//! The feed's door: who may, what is refused, and how a reader waits.

use std::time::Duration;

use optin::consent::operator::{Right, Role};
use optin::store::feed::FeedCursor;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::Reader;
use crate::house::{House, NEWS, until};

const PATH: &str = "/api/v1/lists/news/feed";

#[tokio::test]
async fn the_feed_is_for_programs_that_may_export_the_list_and_tells_others_nothing() {
    let house = House::open().await;
    house.new_list("other", serde_json::json!([])).await;
    let reader = Reader::begin(&house).await;
    let ask = async |path: &str, token: Option<&str>| {
        let path = format!("{path}?after={}", reader.cursor);
        // Whatever a browser would accept, it gets JSON.
        let asked = house.request(Method::GET, &path).header("accept", "text/html");
        let asked = if let Some(token) = token { asked.bearer_auth(token) } else { asked };
        let answer = asked.send().await.unwrap();
        let is_json = answer.headers()["content-type"].to_str().unwrap().contains("json");
        assert!(is_json || answer.status() == 404, "{path}");
        answer.status().as_u16()
    };
    let auditor = house.token(Role::Auditor, &[Right::Trail, Right::Export]).await;
    let reads = house.token(Role::Marketer, &[Right::Read]).await;
    let elsewhere = house.token_for(Role::Admin, &[Right::Export], Some(&[2])).await;
    assert_eq!(ask(PATH, None).await, 401);
    assert_eq!(ask(PATH, Some("nobodys")).await, 401);
    for token in [&auditor, &reads, &elsewhere] {
        assert_eq!(ask(PATH, Some(token)).await, 403);
        assert_eq!(ask("/api/v1/lists/none/feed", Some(token)).await, 403, "whether it is there or not");
    }
    assert_eq!(ask(PATH, Some(&reader.token)).await, 200);
    assert_eq!(ask("/api/v1/lists/other/feed", Some(&reader.token)).await, 410, "another list's cursor");
    for path in ["/api/v1/lists/news/feed/", "/api/v1//lists/news/feed", "/API/v1/lists/news/feed"] {
        assert!([401, 404].contains(&ask(path, None).await), "{path}");
    }
    house.close_list(NEWS).await;
    assert_eq!(ask(PATH, Some(&reader.token)).await, 410);
    house.close().await;
}

#[tokio::test]
async fn what_is_no_cursor_is_named_and_what_is_none_any_more_is_gone() {
    let house = House::open().await;
    let mut reader = Reader::begin(&house).await;
    let good = reader.cursor.clone();
    for (query, parameter) in [("", "after"), ("?after=", "after"), ("?after=abc", "after")] {
        let asked = house.request(Method::GET, &format!("{PATH}{query}")).bearer_auth(&reader.token);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("export"), "{problem}");
    }
    for (more, parameter) in [("&limit=0", "limit"), ("&wait=31", "wait")] {
        let (status, problem) = reader.page(&house, more).await;
        assert_eq!(
            (status, &problem["errors"][0]["parameter"]),
            (StatusCode::BAD_REQUEST, &parameter.into())
        );
    }
    // The number's last byte, and one of the epoch's.
    for (place, byte) in [(28, 7), (10, 0xff)] {
        let mut bytes = data_encoding::BASE64URL_NOPAD.decode(good.as_bytes()).unwrap();
        bytes[place] ^= byte;
        reader.cursor = data_encoding::BASE64URL_NOPAD.encode(&bytes);
        assert!(reader.cursor.parse::<FeedCursor>().is_ok());
        assert_eq!(reader.page(&house, "").await.0, 410, "byte {place}");
    }
    reader.cursor = good;
    assert_eq!(reader.page(&house, "").await.0, 200);
    house.close().await;
}

#[tokio::test]
async fn whoever_waits_is_answered_when_there_is_news_and_when_the_service_ends() {
    let house = House::open().await;
    let replica = house.replica().await;
    let mut reader = Reader::begin(&house).await;
    let began = Instant::now();
    let (waited, _) = tokio::join!(reader.page(&house, "&wait=30"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // At another service.
        replica.arrive("ann@example.org").await;
    });
    assert_eq!(waited.1["added"].as_array().unwrap().len(), 1, "{}", waited.1);
    assert!(began.elapsed() < Duration::from_secs(20), "it did not wait to the end");
    reader.take(&waited.1);

    let (waited, _) = tokio::join!(reader.page(&house, "&wait=30"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        house.app.closing.cancel();
    });
    assert_eq!((waited.0, &waited.1["next"]), (StatusCode::OK, &reader.cursor.clone().into()));
    assert!(began.elapsed() < Duration::from_secs(25));
    replica.close().await;
    house.close().await;
}

#[tokio::test]
async fn only_so_many_may_wait_and_nobody_else_is_kept_from_reading() {
    let house = House::open().await;
    let reader = Reader::begin(&house).await;
    let seats = house.app.feed_seats.available_permits();
    house.app.feed_seats.forget_permits(seats);
    assert_eq!(reader.page(&house, "&wait=1").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reader.page(&house, "").await.0, StatusCode::OK);
    house.subscribe("ann@example.org").await;
    assert_eq!(reader.page(&house, "&wait=1").await.1["added"].as_array().unwrap().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn whoever_lost_their_token_while_they_waited_is_told_nothing() {
    let house = House::open().await;
    let reader = Reader::begin(&house).await;
    let (waited, _) = tokio::join!(reader.page(&house, "&wait=30"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(house.app.store.revoke_tokens("marketer").await.unwrap(), 1);
        house.arrive("ann@example.org").await;
    });
    assert_eq!(waited.0, StatusCode::UNAUTHORIZED);
    assert!(!waited.1.to_string().contains("ann@example.org"));
    assert_eq!(house.count("SELECT count(*) FROM fed").await, 0, "nothing was handed out");
    house.close().await;
}

#[tokio::test]
async fn pages_have_room_for_so_many_rows_at_once_and_give_it_back() {
    let house = House::open().await;
    let reader = Reader::begin(&house).await;
    house.subscribe("ann@example.org").await;
    let room = house.app.feed_room.available_permits();
    assert_eq!(room, 40_000);
    house.app.feed_room.forget_permits(room - 5000);
    let (status, problem) = reader.page(&house, "&limit=10000").await;
    assert_eq!(
        (status, problem["type"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("urn:optin:problem:busy"))
    );
    for _ in 0..3 {
        assert_eq!(reader.page(&house, "&limit=5000").await.1["added"].as_array().unwrap().len(), 1);
    }
    until("room", async || house.app.feed_room.available_permits() == 5000).await;
    house.close().await;
}
