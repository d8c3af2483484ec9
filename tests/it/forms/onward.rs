//! Lists that send people on to pages of their own website.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use reqwest::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderMap, LOCATION};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{SITE, by_form, by_script};
use crate::house::{House, NEWS, link};

async fn house() -> House {
    let house = House::open().await;
    let pages = |what: &str| json!({ "en": format!("{SITE}/{what}"), "de": format!("https://de.example.org/grün/{what}") });
    let options = json!({
        "origins": [SITE, "https://de.example.org"],
        "after_signup": pages("postbox?from=form"),
        "after_confirm": pages("welcome"),
    });
    house.set_options(NEWS, options).await;
    house
}

/// Expects to be sent to that page, with nothing that tells of anybody.
async fn goes_to(answer: Response, page: &str) {
    assert_eq!(answer.status(), 303);
    let headers = answer.headers().clone();
    assert_eq!(headers[LOCATION], page);
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert!(!headers.contains_key("set-cookie"));
    assert!(answer.bytes().await.unwrap().is_empty());
}

fn forms_lead_to(headers: &HeaderMap) -> String {
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    let rule = policy.split("; ").find(|rule| rule.starts_with("form-action ")).unwrap();
    assert_eq!(headers.get_all(CONTENT_SECURITY_POLICY).iter().count(), 1);
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; ")
            && policy.ends_with("frame-ancestors 'none'")
    );
    rule.to_owned()
}

#[tokio::test]
async fn after_a_signup_the_browser_goes_to_the_lists_page_and_a_program_is_answered() {
    let house = house().await;
    for (lang, page) in [
        ("en", "https://www.example.org/postbox?from=form"),
        ("de", "https://de.example.org/gr%C3%BCn/postbox?from=form"),
    ] {
        let email = format!("{lang}@example.org");
        goes_to(by_form(&house, SITE, &email, lang).send().await.unwrap(), page).await;
        house.letter(&email).await;
        // What is to be mended is mended here, in a form that may be answered by sending the browser on.
        let wrong = by_form(&house, SITE, "ann", lang).send().await.unwrap();
        assert_eq!(wrong.status(), 422);
        let sites = "form-action 'self' https://de.example.org https://www.example.org";
        assert_eq!(forms_lead_to(wrong.headers()), sites);
        let first = house.get(&format!("/lists/news?lang={lang}")).await;
        assert_eq!(forms_lead_to(first.headers()), sites);
    }
    let told = by_script(&house, SITE, "bob@example.org").send().await.unwrap();
    assert_eq!(told.status(), 202);
    assert_eq!(told.json::<Value>().await.unwrap(), json!({ "status": "check_your_mail" }));
    // Pages whose forms lead nowhere else say so.
    for path in ["/lists/news/notice", "/lists/news/leave", "/my", "/"] {
        assert_eq!(forms_lead_to(house.get(path).await.headers()), "form-action 'self'", "{path}");
    }
    house.close().await;
}

#[tokio::test]
async fn being_sent_on_tells_nobody_who_is_on_a_list() {
    let house = house().await;
    let sign_up = async |email: &str| {
        let answer = by_form(&house, SITE, email, "en").send().await.unwrap();
        let headers = answer.headers().iter().filter(|(name, _)| *name != "date");
        let headers: BTreeMap<_, _> =
            headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        (answer.status(), headers, answer.bytes().await.unwrap())
    };
    let confirmed = async |email: &str| {
        sign_up(email).await;
        let confirm = link(&house.letter(email).await.text, "/c/");
        assert_eq!(house.post(&confirm, &[]).await.status(), 303);
    };
    confirmed("paused@example.org").await;
    house.execute("UPDATE subscriptions SET state = 3").await;
    confirmed("active@example.org").await;
    sign_up("pending@example.org").await;
    let new = sign_up("new@example.org").await;
    assert!(new.0 == 303 && new.1.len() > 8);
    for who in ["pending", "active", "paused"] {
        assert!(sign_up(&format!("{who}@example.org")).await == new, "the answer to a {who} address differs");
    }
    house.close().await;
}

#[tokio::test]
async fn after_the_confirmation_the_browser_goes_to_the_lists_page_once_there_is_a_yes() {
    let house = house().await;
    let sign_up = async |email: &str, lang: &str| {
        by_form(&house, SITE, email, lang).send().await.unwrap();
        link(&house.letter(email).await.text, "/c/")
    };
    let (ann, bert) = (sign_up("ann@example.org", "en").await, sign_up("bert@example.org", "de").await);
    let (cem, dora) = (sign_up("cem@example.org", "en").await, sign_up("dora@example.org", "en").await);

    let asked = house.get(&ann).await;
    assert_eq!(asked.status(), 200);
    assert_eq!(
        forms_lead_to(asked.headers()),
        "form-action 'self' https://de.example.org https://www.example.org"
    );
    // Confirmed, and confirmed before.
    for _ in 0..2 {
        goes_to(house.post(&ann, &[]).await, "https://www.example.org/welcome").await;
        goes_to(house.post(&bert, &[]).await, "https://de.example.org/gr%C3%BCn/welcome").await;
        // A look leads nobody away.
        assert_eq!(house.get(&ann).await.status(), 200);
    }
    for status in ["confirmed", "already_confirmed"] {
        let request = house.request(Method::POST, &cem).header(ACCEPT, "application/json");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "status": status }));
    }
    // Where nothing is confirmed, our own page says why.
    house.all_letters().await;
    house.advance(SignedDuration::from_hours(73));
    assert_eq!(house.post(&dora, &[]).await.status(), 410);
    let leave = house.unsubscribe_url("ann@example.org").await;
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!(house.post(&ann, &[]).await.status(), 410);
    house.close().await;
}
