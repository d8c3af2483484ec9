//! Signups across origins, and what a script may read of the answer.

use reqwest::header::{ACCEPT, HeaderMap, ORIGIN, REFERER, VARY};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{FOREIGN, SITE, by_form, by_script, house};
use crate::house::pages::decoded;
use crate::house::{House, NEWS};

const READABLE: &str = "access-control-allow-origin";

/// Who posts, as the request's headers tell; how a script and a form of theirs fare; whom the browser lets read.
struct Case {
    headers: Vec<(&'static str, String)>,
    script: u16,
    form: u16,
    readable_by: Option<&'static str>,
}

fn cases(house: &House) -> Vec<Case> {
    let case = |headers: &[(&'static str, &str)], script, form, readable_by| Case {
        headers: headers.iter().map(|(name, value)| (*name, value.to_string())).collect(),
        script,
        form,
        readable_by,
    };
    vec![
        case(&[], 202, 200, None),
        case(&[("referer", "https://elsewhere.example/form")], 202, 200, None),
        case(&[("origin", SITE)], 202, 200, Some(SITE)),
        case(&[("origin", SITE), ("sec-fetch-site", "cross-site")], 202, 200, Some(SITE)),
        case(&[("origin", "https://WWW.Example.org:443")], 202, 200, Some(SITE)),
        case(&[("origin", &house.url)], 202, 200, None),
        case(&[("origin", "null"), ("sec-fetch-site", "same-origin")], 202, 200, None),
        case(&[("origin", "https://proxy.example"), ("sec-fetch-site", "same-origin")], 202, 200, None),
        case(&[("origin", "null")], 403, 200, None),
        case(&[("origin", "null"), ("sec-fetch-site", "cross-site")], 403, 403, None),
        case(&[("origin", "file://")], 403, 200, None),
        case(&[("origin", SITE), ("origin", SITE)], 403, 200, None),
        case(&[("origin", FOREIGN)], 403, 403, None),
        case(&[("origin", FOREIGN), ("referer", "https://www.example.org/form")], 403, 403, None),
        case(&[("origin", FOREIGN), ("sec-fetch-site", "same-site")], 403, 403, None),
        case(&[("origin", "http://www.example.org")], 403, 403, None),
        case(&[("origin", "https://www.example.org:8443")], 403, 403, None),
        case(&[("origin", "https://example.org")], 403, 403, None),
        case(&[("origin", "https://www.example.org.elsewhere.example")], 403, 403, None),
    ]
}

fn is_readable_by(headers: &HeaderMap, site: Option<&str>, what: &str) {
    let told: Vec<&str> = headers.get_all(READABLE).iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(told, site.into_iter().collect::<Vec<_>>(), "{what}");
    let others =
        headers.keys().filter(|name| name.as_str().starts_with("access-control-") && *name != READABLE);
    assert_eq!(others.count(), 0, "{what}");
}

#[tokio::test]
async fn only_declared_sites_our_own_pages_and_what_is_no_browser_sign_people_up() {
    let house = house().await;
    for (n, case) in cases(&house).iter().enumerate() {
        let with = |request: RequestBuilder| {
            case.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
        };
        let email = |by: &str| format!("{by}-{n}@example.org");
        let post = || house.request(Method::POST, "/lists/news");
        let form = |email: &str| {
            let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en")];
            post().form(&form)
        };
        let body = json!({ "email": email("script"), "consent": true, "notice": 1, "lang": "en" });
        for (by, status, request) in [
            ("script", case.script, post().json(&body)),
            // As a script that avoids the preflight would.
            ("simple", case.script, form(&email("simple")).header(ACCEPT, "application/json")),
            ("form", case.form, form(&email("form")).header(ACCEPT, "text/html")),
        ] {
            let what = format!("a {by} with {:?}", case.headers);
            let before = house.rows().await;
            let answer = with(request).send().await.unwrap();
            assert_eq!(answer.status(), status, "{what}");
            is_readable_by(answer.headers(), case.readable_by, &what);
            let varies = if case.headers.iter().any(|(name, _)| *name == "origin") { ", origin" } else { "" };
            assert_eq!(answer.headers()[VARY], format!("accept, accept-language{varies}"), "{what}");
            if status == 403 {
                if by != "form" {
                    let problem: Value = answer.json().await.unwrap();
                    assert_eq!(problem["type"], "urn:optin:problem:undeclared_origin");
                    assert!(problem["detail"].as_str().unwrap().contains("`origins`"), "{problem}");
                }
                assert_eq!(house.rows().await, before, "{what} stored something");
            } else {
                assert_eq!(
                    house.rows().await["subscriptions"].len(),
                    before["subscriptions"].len() + 1,
                    "{what}"
                );
            }
        }
    }
    house.close().await;
}

#[tokio::test]
async fn a_form_on_an_unknown_site_is_shown_again_by_us_and_taken_from_there() {
    let house = house().await;
    let before = house.rows().await;
    for lang in ["en", "de"] {
        let answer = by_form(&house, FOREIGN, "ann@example.org", lang).send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["content-language"], lang);
        let html = decoded(&answer.text().await.unwrap());
        for part in [
            &house.say(lang, "signup.foreign_title", &[]),
            &house.say(lang, "signup.foreign", &[]),
            "value=\"ann@example.org\"",
            "value=\"Ann O'Hara\"",
            "name=\"notice\" value=\"1\"",
            "action=\"/lists/news\"",
        ] {
            assert!(html.contains(part), "{part} is not on {html}");
        }
        assert!(!html.contains("checked"), "another site has ticked our box: {html}");
    }
    // What else is wrong is told along with it.
    let form = [("email", "ann"), ("notice", "77")];
    let request = house.request(Method::POST, "/lists/news").header(ORIGIN, FOREIGN).form(&form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let html = answer.text().await.unwrap();
    for key in ["signup.foreign", "signup.stale", "problem.email.invalid", "problem.consent.missing"] {
        assert!(html.contains(&house.say("en", key, &[])), "{key} is not on {html}");
    }
    assert_eq!(house.rows().await, before);

    // The second step, as a browser takes it: our pages send no referrer, and so no origin.
    let again = by_form(&house, "null", "ann@example.org", "en").header("sec-fetch-site", "same-origin");
    assert_eq!(again.send().await.unwrap().status(), 200);
    let record = house.persons().await.pop().unwrap().record;
    assert!(record.contains(&format!("\"{}\"", house.url)) && !record.contains(FOREIGN), "{record}");
    house.close().await;
}

#[tokio::test]
async fn the_record_keeps_the_declared_site_that_the_form_stood_on() {
    let house = house().await;
    assert_eq!(by_script(&house, SITE, "ann@example.org").send().await.unwrap().status(), 202);
    let record = house.persons().await.pop().unwrap().record;
    assert!(record.contains(&format!("\"{SITE}\"")), "{record}");
    house.close().await;
}

#[tokio::test]
async fn a_preflight_is_answered_for_declared_sites_alone_and_stores_nothing() {
    let house = house().await;
    let before = house.rows().await;
    let ask = async |origin: &str| {
        let request = house.request(Method::OPTIONS, "/lists/news").header(ORIGIN, origin);
        let request = request.header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "content-type").send().await.unwrap()
    };
    let allowed = ask(SITE).await;
    assert_eq!(allowed.status(), 204);
    for (name, value) in [
        (READABLE, SITE),
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "content-type"),
        ("access-control-max-age", "3600"),
        ("vary", "accept, accept-language, origin"),
    ] {
        assert_eq!(allowed.headers()[name], value, "{name}");
    }
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"));
    assert!(allowed.bytes().await.unwrap().is_empty());
    for origin in [FOREIGN, "null", "http://www.example.org"] {
        let refused = ask(origin).await;
        assert_eq!(refused.status(), 403, "{origin}");
        is_readable_by(refused.headers(), None, origin);
    }
    // Where nobody asks for another site, there is no such method.
    let bare = house.request(Method::OPTIONS, "/lists/news").send().await.unwrap();
    assert_eq!(bare.status(), 405);
    is_readable_by(bare.headers(), None, "no origin");
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn a_declared_sites_script_can_read_every_answer_and_nobody_elses_can() {
    let house = house().await;
    let body =
        |email: &str, notice: u32| json!({ "email": email, "consent": true, "notice": notice }).to_string();
    let json = "application/json";
    let cases = [
        (Method::GET, json, String::new(), 200),
        (Method::HEAD, json, String::new(), 200),
        (Method::POST, json, body("ann@example.org", 1), 202),
        (Method::POST, json, body("ann", 1), 422),
        (Method::POST, json, body("ann@example.org", 2), 409),
        (Method::POST, json, "{".into(), 400),
        (Method::POST, json, "x".repeat(16 * 1024 + 1), 413),
        (Method::POST, "text/plain", "hello".into(), 415),
    ];
    let ask = async |origin: &'static str, (method, kind, body, status): &(Method, &str, String, u16)| {
        let request = house.request(method.clone(), "/lists/news").header(ORIGIN, origin);
        let request = request.header(ACCEPT, json).header("content-type", *kind).body(body.clone());
        let answer = request.send().await.unwrap();
        let expected = if origin == SITE || *method != Method::POST { *status } else { 403 };
        assert_eq!(answer.status(), expected, "{method} {kind} from {origin}");
        is_readable_by(answer.headers(), (origin == SITE).then_some(SITE), &format!("{status} to {origin}"));
        assert_eq!(answer.headers()[VARY], "accept, accept-language, origin");
    };
    for case in &cases {
        ask(SITE, case).await;
        ask(FOREIGN, case).await;
    }
    house.fault("INSERT", "subscriptions", "XX000").await;
    ask(SITE, &(Method::POST, json, body("bob@example.org", 1), 500)).await;
    house.mend().await;
    house.close_list(NEWS).await;
    ask(SITE, &(Method::POST, json, body("bob@example.org", 1), 410)).await;
    // No other door has anything to say to another site.
    for path in ["/", "/my", "/lists/news/leave", "/lists/news/notice", "/lists/nothing"] {
        let answer = house.request(Method::GET, path).header(ORIGIN, SITE).header(REFERER, SITE).send().await;
        is_readable_by(answer.unwrap().headers(), None, path);
    }
    house.close().await;
}
