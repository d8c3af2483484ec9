//! GET and HEAD never act, and what a door does not do is refused with what it does.

use jiff::SignedDuration;
use optin::token::SubscriptionId;
use regex::Regex;
use reqwest::Method;

use super::{page, problem, program};
use crate::house::{House, link};

/// A house with an active Ann and a pending Bob, and the doors that act: signup, confirm, not me, leave, the two that are
/// asked by address, and Ann's own: agree, see and change her data, take a new address.
async fn doors() -> (House, [String; 9]) {
    let house = House::with_welcome().await;
    let leave = house.subscribe("ann@example.org").await;
    house.seal().await;
    house.receipts("ann@example.org", 1).await;
    house.sign_up("bob@example.org").await;
    let letter = house.letter("bob@example.org").await;
    let [signup, leave_page, my] =
        ["lists/news", "lists/news/leave", "my"].map(|door| format!("{}/{door}", house.url));
    // In other words, so that Bob's link still asks.
    house.publish("What is new.", false).await;
    let ann = house.db().await.query_one("SELECT id FROM subscriptions WHERE state = 2", &[]).await.unwrap();
    let ann = SubscriptionId(ann.get::<_, &[u8]>(0).try_into().unwrap());
    let (links, soon) = (&house.app.links, house.clock.now() + SignedDuration::from_hours(1));
    let (agree, data, correct) =
        (links.agree(1, ann, soon), links.data(1, ann, soon), links.correct(1, ann, soon));
    let (confirm, not_me) = (link(&letter.text, "/c/"), link(&letter.text, "/n/"));
    let doors = [signup, confirm, not_me, leave, leave_page, my, agree, data, correct];
    (house, doors)
}

/// What only shows, once Ann and Bob have had their letters; the second is Ann's welcome.
const SHOWING: [&str; 13] = [
    "/",
    "/lists/news/notice",
    "/lists/news/notices/1",
    "/trails/news/checkpoint",
    "/trails/news/key",
    "/trails/news/tile/0/000.p/2",
    "/inbox",
    "/inbox.json",
    "/inbox/1/html",
    "/inbox/2/attachments/1",
    "/assets/optin.css",
    "/healthz",
    "/readyz",
];

#[test]
fn every_line_of_the_url_table_is_asked_below() {
    let table = std::fs::read_to_string("src/journeys/mod.rs").unwrap();
    let lines = Regex::new(r"path!\(([^)]+)\)").unwrap();
    let lines: Vec<_> = lines.captures_iter(&table).map(|line| line[1].to_owned()).collect();
    assert!(lines.len() > 8);
    // The API's doors are asked in tests/it/api/.
    for line in lines.into_iter().filter(|line| !line.starts_with("\"api\"")) {
        let parts = line.split(" / ").map(|part| match part {
            "String" => "[^/]+".to_owned(),
            ".." => ".+".to_owned(),
            fixed => regex::escape(fixed.trim_matches('"')),
        });
        let path = Regex::new(&format!("^/{}$", parts.collect::<Vec<_>>().join("/"))).unwrap();
        let by_token = ["c", "n", "u", "a", "k", "my"].map(|door| format!("/{door}/token"));
        let acting = ["/lists/news", "/lists/news/leave", "/undo", "/my"].into_iter();
        let acting = acting.chain(by_token.iter().map(String::as_str));
        let mut asked = SHOWING.into_iter().chain(acting);
        assert!(
            asked.any(|asked| path.is_match(asked)),
            "{line}: name it in SHOWING or `doors`, and see that it never acts"
        );
    }
}

#[tokio::test]
async fn looking_never_acts() {
    let (house, doors) = doors().await;
    let shown = SHOWING.map(|path| format!("{}{path}", house.url));
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
    let showing = SHOWING.iter().map(|door| (*door, "GET, HEAD"));
    // Its page is the answer to another door: whoever comes to look is told so kindly.
    let acting_only = [("/undo", "POST")];
    for (door, allow) in acting.chain(showing).chain(acting_only) {
        let mut methods = vec![Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
        methods.push(Method::from_bytes(b"BREW").unwrap());
        if allow == "GET, HEAD" {
            methods.push(Method::POST);
        }
        if allow == "POST" {
            methods.push(Method::GET);
            assert_eq!(house.request(Method::HEAD, door).send().await.unwrap().status(), 405);
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
