//! Signing up, and asking by address, tell nobody who is on a list: page, timing and letters are no oracle.

use std::collections::BTreeMap;

use reqwest::Response;

use reqwest::Method;
use serde_json::json;

use super::{Signup, browser, program};
use crate::house::{House, NEWS};

/// Everything of an answer but its date.
async fn all_of(answer: Response) -> (u16, BTreeMap<String, Vec<u8>>, Vec<u8>) {
    let headers = answer.headers().iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    (answer.status().as_u16(), headers, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn the_answer_is_the_same_for_a_new_a_pending_an_active_and_a_paused_address() {
    let house = House::open().await;
    house.subscribe("paused@example.org").await;
    house.execute("UPDATE subscriptions SET state = 3").await;
    house.subscribe("active@example.org").await;
    house.sign_up("pending@example.org").await;
    let states = "SELECT count(DISTINCT state) FROM subscriptions";
    assert_eq!(house.count(states).await, 3);

    for (lang, json) in [("en", false), ("de", false), ("en", true), ("de", true)] {
        let ask = async |who: &str| {
            let signup = Signup::of(&format!("{who}@example.org"));
            all_of(match json {
                true => signup.by_program(&house, NEWS, lang).await,
                false => signup.by_browser(&house, NEWS, lang).await,
            })
            .await
        };
        let new = ask(&format!("new-{lang}-{json}")).await;
        assert_eq!(new.0, if json { 202 } else { 200 });
        assert!(new.1.len() > 8 && new.2.len() > 10, "there is something to compare");
        for who in ["pending", "active", "paused"] {
            assert!(ask(who).await == new, "the answer to a {who} address differs");
        }
    }
    assert_eq!(house.count(states).await, 3, "and nobody's state has changed");
    house.close().await;
}

/// Ann's kind of person, in each state, and somebody of a list that has ended.
async fn people_of_every_kind() -> House {
    let house = House::open().await;
    house.subscribe("paused@example.org").await;
    house.execute("UPDATE subscriptions SET state = 3").await;
    house.subscribe("active@example.org").await;
    house.sign_up("pending@example.org").await;
    house.new_list("ended", json!([])).await;
    house.subscribe_to("ended", "ended@example.org", &[]).await;
    house.close_list("ended").await;
    house
}

#[tokio::test]
async fn the_answer_to_who_asks_by_address_is_the_same_for_every_address() {
    let house = people_of_every_kind().await;
    let states = "SELECT count(DISTINCT state) FROM subscriptions";
    assert_eq!(house.count(states).await, 3);
    for (door, status) in [("/my", "data_asked"), ("/lists/news/leave", "leave_asked")] {
        for (lang, json) in [("en", false), ("de", false), ("en", true), ("de", true)] {
            let ask = async |who: &str| {
                let email = format!("{who}@example.org");
                let request = match json {
                    true => program(&house, Method::POST, door, lang).json(&json!({ "email": email })),
                    false => browser(&house, Method::POST, door, lang).form(&[("email", email)]),
                };
                all_of(request.send().await.unwrap()).await
            };
            let unknown = ask("unknown").await;
            assert_eq!(unknown.0, if json { 202 } else { 200 });
            if json {
                assert_eq!(unknown.2, format!("{{\"status\":\"{status}\"}}").into_bytes());
            }
            assert!(unknown.1.len() > 8 && unknown.2.len() > 10, "there is something to compare");
            // Each twice: the second one gets no letter.
            for who in ["pending", "active", "paused", "ended", "pending", "active", "paused", "unknown"] {
                assert!(ask(who).await == unknown, "{door}: the answer to a {who} address differs");
            }
        }
    }
    assert_eq!(house.count(states).await, 3, "and nobody's state has changed");
    house.close().await;
}

#[tokio::test]
async fn the_mail_alone_tells_the_difference() {
    let house = House::open().await;
    house.subscribe("paused@example.org").await;
    house.execute("UPDATE subscriptions SET state = 3").await;
    house.subscribe("active@example.org").await;
    for who in ["new", "active", "paused"] {
        house.sign_up(&format!("{who}@example.org")).await;
    }
    house.all_letters().await;
    let subject = |kind: &str| {
        let list = ("list", "Sampletown News");
        house.say("en", &format!("letter.{kind}.subject"), &[list])
    };
    let (ask, tell) = (subject("confirmation"), subject("already_subscribed"));
    for (who, subjects) in [("new", vec![&ask]), ("active", vec![&ask, &tell]), ("paused", vec![&ask, &tell])]
    {
        let letters = house.letters(&format!("{who}@example.org"), subjects.len()).await;
        assert_eq!(letters.iter().map(|letter| &letter.subject).collect::<Vec<_>>(), subjects, "{who}");
    }
    house.close().await;
}
