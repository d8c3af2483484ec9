//! What is sent to a person's page by mistake or on purpose: a clear refusal, and nothing changed.

use futures_util::future::join_all;
use jiff::SignedDuration;
use optin::token::{Purpose, Token};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::ANN;
use crate::house::{House, NEWS};

#[tokio::test]
async fn a_form_that_is_not_the_pages_is_refused_and_changes_nothing() {
    let house = House::open().await;
    let fields = json!([{ "name": "job", "required": true }, { "name": "country", "kind": "country" }]);
    house.new_list("press", fields).await;
    house.new_list("other", json!([])).await;
    house.subscribe_to("press", ANN, &[("job", "Baker")]).await;
    let my = house.my(ANN).await;
    let rows = house.rows().await;
    let long = "x".repeat(101);
    let press = ("list", "press");
    let cases: [(&[(&str, &str)], u16); 14] = [
        (&[], 400),
        (&[("do", "dance"), press], 400),
        (&[("do", "pause")], 400),
        (&[("do", "pause"), ("do", "leave"), press], 400),
        (&[("do", "pause"), ("list", "other")], 404),
        (&[("do", "leave"), ("list", "nothing")], 404),
        (&[("do", "erase.job"), press], 422),
        (&[("do", "save"), press, ("field.job", "")], 422),
        (&[("do", "save"), press, ("field.job", &long)], 422),
        (&[("do", "save"), press, ("field.job", "a\nb")], 422),
        (&[("do", "save"), press, ("field.job", "a"), ("field.country", "XX")], 422),
        (&[("do", "save"), press, ("field.job", "a"), ("field.phone", "1")], 422),
        (&[("do", "correct"), ("email", "nobody")], 422),
        (&[("do", "correct"), ("email", "=1@example.org")], 422),
    ];
    for (form, status) in cases {
        let answer = house.post(&my, form).await;
        assert_eq!(answer.status().as_u16(), status, "{form:?}");
        assert_eq!(house.rows().await, rows, "{form:?}");
    }
    let save = [("do", "save"), press, ("field.job", ""), ("field.country", "SE")];
    let page = house.post(&my, &save).await.text().await.unwrap();
    assert!(
        page.contains("id=\"press-job-problem\"") && page.contains("<option value=\"SE\" selected>"),
        "{page}"
    );
    let undeclared =
        house.post(&my, &[("do", "save"), press, ("field.job", "a"), ("field.phone", "1")]).await;
    let told = house.say("en", "problem.field.undeclared", &[]);
    assert!(undeclared.text().await.unwrap().contains(&told));
    for (kind, body) in [("application/json", "{\"do\":\"leave_all\"}"), ("text/plain", "do=leave_all")] {
        let answer =
            house.request(Method::POST, &my).header(CONTENT_TYPE, kind).body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(house.rows().await, rows);
    house.close().await;
}

#[tokio::test]
async fn no_other_token_opens_it_and_a_sound_one_that_meets_nothing_is_told_so_calmly() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let my = house.my(ANN).await;
    let tokens = &house.app.links.tokens;
    let token = tokens.read(Purpose::Data, my.strip_prefix("/my/").unwrap()).unwrap();
    for purpose in [Purpose::Confirm, Purpose::NotMe, Purpose::Unsubscribe, Purpose::Agree, Purpose::Correct]
    {
        let answer = house.get(&format!("/my/{}", tokens.mint(purpose, &token))).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{purpose:?}");
        if purpose != Purpose::Correct {
            let answer = house.get(&format!("/k/{}", tokens.mint(purpose, &token))).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{purpose:?}");
        }
    }
    let nobody = Token { id: optin::token::SubscriptionId([0; 14]), ..token };
    for (door, purpose) in [("my", Purpose::Data), ("k", Purpose::Correct)] {
        let answer = house.get(&format!("/{door}/{}", tokens.mint(purpose, &nobody))).await;
        assert_eq!(answer.status(), StatusCode::OK, "{door}");
    }
    // Nothing is to be corrected, whoever says that something is.
    let correct = format!("/k/{}", tokens.mint(Purpose::Correct, &token));
    let rows = house.rows().await;
    assert_eq!(house.post(&correct, &[("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(house.rows().await, rows);
    // Whose list has ended is about to be forgotten.
    house.close_list(NEWS).await;
    assert!(!house.get(&my).await.text().await.unwrap().contains(ANN));
    house.close().await;
}

#[tokio::test]
async fn presses_that_come_all_at_once_on_two_replicas_are_each_done_or_found_done() {
    let house = House::open().await;
    house.subscribe_to(NEWS, ANN, &[("name", "Ann"), ("country", "SE")]).await;
    let other = house.replica().await;
    let my = house.my(ANN).await;
    let forms: [&[(&str, &str)]; 6] = [
        &[("do", "pause"), ("list", NEWS)],
        &[("do", "erase.name"), ("list", NEWS)],
        &[("do", "erase.country"), ("list", NEWS)],
        &[("do", "correct"), ("email", "anna@example.org")],
        &[("do", "pause"), ("list", NEWS)],
        &[("do", "erase.name"), ("list", NEWS)],
    ];
    let presses = forms.iter().enumerate().map(|(n, form)| {
        let house = if n % 2 == 0 { &house } else { &other };
        house.post(&my, form)
    });
    for answer in join_all(presses).await {
        assert!([200, 503].contains(&answer.status().as_u16()), "{}", answer.status());
    }
    // Who was told to come back does, and everything is as if each had come alone.
    for form in forms {
        house.post(&my, form).await;
    }
    let told = house.told(&my).await;
    let list = &told["lists"][0];
    assert_eq!((&list["state"], &list["fields"]), (&json!("paused"), &json!({})));
    assert_eq!(list["new_address"], "anna@example.org");
    other.close_with_waiting_letters().await;
    house.close().await;
}

#[tokio::test]
async fn an_act_on_what_has_just_gone_is_told_so() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let my = house.my(ANN).await;
    house.post(&leave, &[]).await;
    for act in ["pause", "leave", "leave_all", "download"] {
        let answer = house.post(&my, &[("do", act), ("list", NEWS)]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{act}");
    }
    house.advance(SignedDuration::from_mins(1));
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    house.close().await;
}
