//! Bodies that are too long, of the wrong kind, or damaged: 413, 415, 400.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{browser, page, problem, program};
use crate::house::{House, link};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const LIMIT: usize = 16 * 1024;

/// Sends this body to that door, as a browser and as a program, and expects to be refused in words.
async fn refused(house: &House, door: &str, kind: &str, body: &[u8], status: u16, name: &str) {
    for lang in ["en", "de"] {
        let post = |request: reqwest::RequestBuilder| {
            let request = if kind.is_empty() { request } else { request.header(CONTENT_TYPE, kind) };
            request.body(body.to_vec()).send()
        };
        let html = page(post(browser(house, Method::POST, door, lang)).await.unwrap(), status, lang).await;
        let title = house.say(lang, &format!("refusal.{name}.title"), &[]);
        assert!(html.contains(&title), "{door}: {html}");
        let problem =
            problem(post(program(house, Method::POST, door, lang)).await.unwrap(), status, name).await;
        assert_eq!(problem["title"], title);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_in_words_and_nothing_is_stored() {
    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let letter = house.letter("bob@example.org").await;
    let (confirm, not_me) = (link(&letter.text, "/c/"), link(&letter.text, "/n/"));
    let before = house.rows().await;

    let good_and = |rest: &[u8]| [b"email=cem%40example.org&consent=yes&notice=1&name=", rest].concat();
    let too_long = [b'x'; LIMIT + 1];
    refused(&house, &leave, FORM, &too_long, 413, "too_large").await;
    for door in ["/lists/news", &confirm, &not_me] {
        refused(&house, door, FORM, &too_long, 413, "too_large").await;
        refused(&house, door, "text/plain", b"List-Unsubscribe=One-Click", 415, "media_type").await;
        refused(&house, door, "", b"List-Unsubscribe=One-Click", 415, "media_type").await;
        refused(&house, door, "multipart/form-data; boundary=x", b"--x--", 415, "media_type").await;
        let latin = "application/x-www-form-urlencoded; charset=iso-8859-1";
        refused(&house, door, latin, &good_and(b"Ann"), 415, "media_type").await;
        for damaged in [&b"%FF"[..], b"\xFF", b"%C3", b"%00", b"\0"] {
            refused(&house, door, FORM, &good_and(damaged), 400, "bad_request").await;
        }
    }
    let too_long = [b"{\"email\":\"", &[b'x'; LIMIT][..], b"\"}"].concat();
    refused(&house, "/lists/news", JSON, &too_long, 413, "too_large").await;
    for damaged in [
        &b""[..],
        b"{",
        b"[]",
        b"\"ann@example.org\"",
        b"{\"email\":\"\xFF\"}",
        b"{\"email\":\"ann@example.org\",\"consent\":true,\"notice\":1,\"fields\":{\"name\":\"A\\u0000\"}}",
        b"{\"email\":\"a\\u0000nn@example.org\",\"consent\":true,\"notice\":1}",
        b"{\"email\":\"\\ud800@example.org\",\"consent\":true,\"notice\":1}",
    ] {
        refused(&house, "/lists/news", JSON, damaged, 400, "bad_request").await;
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn sixteen_kibibytes_are_read_and_not_one_byte_more_chunked_or_not() {
    let house = House::open().await;
    let before = house.rows().await;
    let padded = |length: usize| {
        let mut body = "email=ann%40example.org&consent=yes&notice=1&name=".to_owned();
        body.push_str(&"n".repeat(length - body.len()));
        body
    };
    // All of the first is read: the name is what is too long.
    for (length, status) in [(LIMIT, 422), (LIMIT + 1, 413)] {
        let request = house.request(Method::POST, "/lists/news").header(CONTENT_TYPE, FORM);
        assert_eq!(request.body(padded(length)).send().await.unwrap().status(), status);
        assert_eq!(chunked(&house, &padded(length)).await, status);
    }
    assert_eq!(chunked(&house, &padded(1 << 20)).await, 413);
    assert_eq!(house.rows().await, before);
    assert_eq!(chunked(&house, "email=ann%40example.org&consent=yes&notice=1").await, 200);
    house.close().await;
}

/// Posts a form whose length nobody declared, and returns the status.
async fn chunked(house: &House, body: &str) -> u16 {
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /lists/news HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for part in body.as_bytes().chunks(1000) {
        let size = format!("{:x}\r\n", part.len());
        stream.write_all(&[size.as_bytes(), part, b"\r\n"].concat()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
