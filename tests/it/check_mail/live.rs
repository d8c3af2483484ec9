//! `--live`: it posts as a mail provider does, to the service alone.

use std::io::ErrorKind;
use std::net::TcpListener;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Desk, lines};

const LIVE: &[&str] = &["--live"];

#[tokio::test]
async fn live_really_unsubscribes_and_is_answered_with_200_again_and_again() {
    let desk = Desk::open().await;
    for _ in 0..2 {
        let said = desk.check(desk.newsletter(), LIVE).await;
        assert!(said.success().contains("answered with 200"), "{}", said.out);
        assert_eq!(lines(&said, "ok").last(), Some(&"live post"), "{}", said.out);
        assert_eq!(desk.house.count("SELECT count(*) FROM subscriptions").await, 0);
    }
    let left = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2";
    assert_eq!(desk.house.count(left).await, 1);
    desk.house.close().await;
}

#[tokio::test]
async fn live_posts_to_nobody_but_the_service() {
    let desk = Desk::open().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let foreign = format!("http://{}", elsewhere.local_addr().unwrap());
    let own = format!("<{}", desk.house.url);
    for to in [
        format!("<{foreign}"),
        format!("<{}@{}", desk.house.url, foreign.trim_start_matches("http://")),
        format!("<{foreign}/?to={}", desk.house.url),
        format!("<{foreign}/u/1>, {own}"),
    ] {
        let said = desk.check(desk.newsletter().replacen(&own, &to, 1), LIVE).await;
        assert_eq!(said.code, Some(1), "{}", said.out);
        assert!(lines(&said, "FAILS").contains(&"live post"), "{}", said.out);
        assert!(said.out.contains("nothing was posted"), "{}", said.out);
    }
    // Whoever had connected would wait there still.
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(desk.house.count("SELECT count(*) FROM subscriptions").await, 1);
    desk.house.close().await;
}

#[tokio::test]
async fn live_posts_as_providers_do_and_follows_no_redirect() {
    let desk = Desk::open().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = format!("http://{}", proxy.local_addr().unwrap());
    let location = format!("http://{}/", elsewhere.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in [
            format!("307 Temporary Redirect\r\nLocation: {location}\r\nSet-Cookie: a=b"),
            "403 Forbidden".into(),
        ] {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"--\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "a whole request");
            }
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked.push(String::from_utf8(request).unwrap());
        }
        asked
    });
    let mut settings = desk.settings.clone();
    settings.insert("OPTIN_PUBLIC_URL", front.clone());
    let mail = desk.newsletter().replace(&desk.house.url, &front);
    for status in ["redirect (307)", "answered with 403"] {
        let said = desk.check_with(&settings, &mail, LIVE).await;
        assert_eq!((said.code, lines(&said, "FAILS")), (Some(1), vec!["live post"]), "{}", said.out);
        assert!(said.out.contains(status), "{}", said.out);
    }
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock);

    let (_, token) = desk.value("unsubscribe_url").rsplit_once('/').unwrap();
    for request in asked.await.unwrap() {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        assert!(request.starts_with(&format!("POST /u/{token} HTTP/1.1\r\n")), "the link as it is");
        assert!(
            head.contains("content-type: multipart/form-data; boundary=") && !head.contains("cookie:"),
            "{head}"
        );
        let boundary = head.split_once("boundary=").unwrap().1.lines().next().unwrap();
        let form = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, form);
    }
    // Where nobody listens, that is said.
    let said = desk.check_with(&settings, &mail, LIVE).await;
    assert!(
        lines(&said, "FAILS") == ["live post"] && said.out.contains("no answer under the public URL"),
        "{}",
        said.out
    );
    desk.house.close().await;
}
