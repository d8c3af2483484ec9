//! GET and HEAD never act, and what a door does not do is refused with what it does.

use reqwest::Method;

use super::{page, problem, program};
use crate::house::{House, link};

/// A house with an active Ann and a pending Bob, and the doors that act: signup, confirm, not me, leave.
async fn doors() -> (House, [String; 4]) {
    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let letter = house.letter("bob@example.org").await;
    let doors =
        [format!("{}/lists/news", house.url), link(&letter.text, "/c/"), link(&letter.text, "/n/"), leave];
    (house, doors)
}

#[tokio::test]
async fn looking_never_acts() {
    let (house, doors) = doors().await;
    let shown = ["/", "/lists/news/leave", "/inbox", "/inbox.json", "/inbox/1/html", "/assets/optin.css"];
    let shown = shown.map(|path| format!("{}{path}", house.url));
    let before = house.rows().await;
    for door in doors.iter().chain(&shown) {
        let got = house.get(door).await;
        let status = got.status();
        assert_eq!(status, 200, "{door}");
        assert!(!got.text().await.unwrap().is_empty());

        let head = house.request(Method::HEAD, door).send().await.unwrap();
        assert_eq!(head.status(), status);
        assert!(head.bytes().await.unwrap().is_empty(), "HEAD has no body");

        // As a mail scanner that tries harder.
        for method in [Method::GET, Method::HEAD] {
            let query =
                format!("{door}?List-Unsubscribe=One-Click&email=eve%40example.org&consent=yes&notice=1");
            assert_eq!(house.request(method.clone(), &query).send().await.unwrap().status(), 200);
            let form = [("List-Unsubscribe", "One-Click"), ("email", "eve@example.org"), ("consent", "yes")];
            let request = house.request(method, door).header("x-http-method-override", "POST").form(&form);
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_would_do() {
    let (house, doors) = doors().await;
    let before = house.rows().await;
    let acting = doors.iter().map(|door| (door.as_str(), "GET, HEAD, POST"));
    let showing =
        ["/", "/lists/news/leave", "/assets/optin.css", "/healthz", "/readyz", "/inbox", "/inbox.json"];
    let showing = showing.iter().map(|door| (*door, "GET, HEAD"));
    for (door, allow) in acting.chain(showing) {
        let mut methods = vec![Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
        methods.push(Method::from_bytes(b"BREW").unwrap());
        if allow == "GET, HEAD" {
            methods.push(Method::POST);
        }
        for method in methods {
            let refused = house.request(method.clone(), door).send().await.unwrap();
            assert_eq!(refused.headers().get("allow").expect("says what would do"), allow, "{method} {door}");
            let html = page(refused, 405, "en").await;
            assert!(html.contains(&house.say("en", "refusal.method.title", &[])), "{html}");
            let refused = program(&house, method, door, "de").send().await.unwrap();
            assert_eq!(refused.headers()["allow"], allow);
            problem(refused, 405, "method").await;
        }
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}
