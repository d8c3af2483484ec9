//! A relay without SMTPUTF8 cannot write to every address: such people are told at once, and not by a silence.

use optin::mail::session::Answer;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::relays::Relay;
use super::{ANN, in_one_line, seen};
use crate::house::{House, languages, until};

const JORG: &str = "jörg@example.org";
const ANNE: &str = "änne@example.org";

async fn by_form(house: &House, email: &str, lang: &str) -> Response {
    let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", lang)];
    house.post("/lists/news", &form).await
}

async fn by_json(house: &House, email: &str, lang: &str) -> Response {
    let body = json!({ "email": email, "consent": true, "notice": 1, "lang": lang });
    house.request(Method::POST, "/lists/news").json(&body).send().await.unwrap()
}

#[tokio::test]
async fn where_the_relay_lacks_smtputf8_an_address_that_needs_it_is_refused_with_the_reason() {
    let (relay, door) = Relay::that(|_, _| Answer::TAKEN);
    let house = House::with_relay(door.without_smtputf8()).await;
    // Nobody has seen the relay yet. Now it is seen, and known is the address that came too early.
    assert_eq!(by_form(&house, JORG, "en").await.status(), StatusCode::OK);
    until("a hello", async || !house.app.mailer.takes_utf8()).await;
    let refused = "SELECT count(*) FROM outbox WHERE status = '5.6.7' AND dead_at IS NOT NULL";
    until("a refusal", async || house.count(refused).await == 1).await;

    for lang in languages() {
        let why = house.say(&lang, "problem.email.not_ascii", &[]);
        let mut told = Vec::new();
        for email in [JORG, ANNE] {
            let answer = by_form(&house, email, &lang).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
            let html = answer.text().await.unwrap();
            assert!(seen(&html).contains(&in_one_line(&why)), "{html}");
            let answer = by_json(&house, email, &lang).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["errors"], json!([{ "pointer": "#/email", "detail": why }]));
            told.push((html.replace(email, ""), problem));
        }
        assert_eq!(told[0], told[1], "whether the address is known is told to nobody");
    }
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1);

    // A domain in another script is no hindrance.
    assert_eq!(by_form(&house, "eva@müller.example", "en").await.status(), StatusCode::OK);
    until("a letter", async || relay.tries("eva@xn--mller-kva.example").len() == 1).await;
    // Whoever asks is not turned away: they may be here since the relay was another.
    for door in ["/my", "/lists/news/leave"] {
        for email in [JORG, ANNE] {
            assert_eq!(house.post(door, &[("email", email)]).await.status(), StatusCode::OK);
        }
    }
    house.close().await;
}

#[tokio::test]
async fn a_new_address_that_the_relay_cannot_write_to_is_refused_and_the_old_one_stays() {
    let (relay, door) = Relay::that(|_, _| Answer::TAKEN);
    let house = House::with_relay(door.without_smtputf8()).await;
    house.sign_up(ANN).await;
    until("a letter", async || relay.tries(ANN).len() == 1).await;
    assert_eq!(house.post(&relay.tries(ANN)[0].link("/c/"), &[]).await.status(), StatusCode::OK);
    assert_eq!(house.post("/my", &[("email", ANN)]).await.status(), StatusCode::OK);
    until("a link", async || relay.tries(ANN).len() == 2).await;
    let my = relay.tries(ANN)[1].link("/my/");
    let answer = house.post(&my, &[("do", "correct"), ("email", JORG)]).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let why = house.say("en", "problem.email.not_ascii", &[]);
    assert!(seen(&answer.text().await.unwrap()).contains(&why));
    let waits = "SELECT count(*) FROM subscriptions WHERE correction_expires_at IS NOT NULL";
    assert_eq!(house.count(waits).await, 0);
    house.close().await;
}
