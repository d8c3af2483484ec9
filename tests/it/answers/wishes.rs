//! What a client wishes for: page or JSON, and in which language.

use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE};
use serde_json::{Value, json};

use super::{done, page, program};
use crate::house::{House, NEWS};

#[tokio::test]
async fn a_list_is_shown_as_a_page_unless_json_is_preferred() {
    let house = House::open().await;
    for accept in ["*/*", "text/html", "text/html, application/json;q=0.9", "image/png", ""] {
        let request = house.request(Method::GET, "/lists/news").header(ACCEPT, accept);
        page(request.send().await.unwrap(), 200, "en").await;
    }
    // None at all: over a bare connection, since our client always sends one.
    let bare = bare_get(&house, "/lists/news").await;
    assert!(bare.starts_with("HTTP/1.1 200 ") && bare.contains("<html lang=\"en\">"), "{bare}");

    for accept in ["application/json", "application/json, */*", "text/html;q=0.5, application/json"] {
        let request = house.request(Method::GET, "/lists/news").header(ACCEPT, accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
    }
    house.close().await;
}

async fn bare_get(house: &House, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_list_in_json_says_what_a_form_needs() {
    let house = House::open().await;
    let answer = program(&house, Method::GET, "/lists/news", "de").send().await.unwrap();
    let mut list: Value = answer.json().await.unwrap();
    let (_, notice) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
    assert_eq!(
        list["notice"].take(),
        json!({
            "version": 1,
            "purpose": 1,
            "published_at": notice.published_at,
            "lang": "de",
            "languages": ["de", "en"],
            "text": notice.text_in("de").1,
            "sha256": data_encoding::HEXLOWER.encode(&notice.sha256),
            "url": "/lists/news/notices/1?lang=de",
        })
    );
    let fields = list["fields"].take();
    assert_eq!(
        list,
        json!({ "slug": "news", "title": "Neues aus Musterstadt", "lang": "de", "notice": null, "fields": null })
    );
    let fields: Vec<Value> = fields
        .as_array()
        .unwrap()
        .iter()
        .map(|field| json!([field["name"], field["type"], field["required"], field["label"]]))
        .collect();
    assert_eq!(
        fields,
        [json!(["name", "text", false, "Name"]), json!(["country", "country", false, "Land"])]
    );
    house.close().await;
}

#[tokio::test]
async fn the_language_is_the_one_chosen_else_the_browsers_else_the_lists() {
    let house = House::open().await;
    for (query, accept, lang) in [
        ("", "de-AT", "de"),
        ("", "de-AT, en;q=0.5", "de"),
        ("", "xx, de;q=0.2, en;q=0.9", "en"),
        ("", "xx", "en"),
        ("", "", "en"),
        ("?lang=de", "en", "de"),
        ("?lang=DE-ch", "en", "de"),
        ("?lang=xx", "de", "de"),
        ("?lang=%FF", "de", "de"),
    ] {
        for path in ["/lists/news", "/lists/news/leave", "/lists/news/notice", "/lists/news/notices/1"] {
            let request = house.request(Method::GET, &format!("{path}{query}"));
            page(request.header(ACCEPT_LANGUAGE, accept).send().await.unwrap(), 200, lang).await;
        }
        let request = house.request(Method::GET, &format!("/lists/news{query}"));
        let request = request.header(ACCEPT, "application/json").header(ACCEPT_LANGUAGE, accept);
        let list: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(list["lang"], lang, "{query} {accept}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_program_signs_up_and_the_letter_speaks_the_persons_language() {
    let house = House::open().await;
    let body =
        json!({ "email": "ann@example.org", "consent": true, "notice": 1, "lang": "de", "fields": {} });
    let answer = house.http.post(format!("{}/lists/news", house.url)).json(&body).send().await.unwrap();
    done(answer, 202, "check_your_mail").await;
    let letter = house.letter("ann@example.org").await;
    let list = ("list", "Neues aus Musterstadt");
    assert_eq!(letter.subject, house.say("de", "letter.confirmation.subject", &[list]));
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE lang = 'de'").await, 1);
    house.close().await;
}
