//! CompuGroup Medical's promises.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::pages::anchors;
use crate::house::{House, NEWS, link};

#[tokio::test]
async fn p_cgm_1_visiting_any_page_stores_nothing() {
    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let letter = house.letter("bob@example.org").await;
    let pages = [
        "/",
        "/lists/news",
        "/lists/news?lang=de",
        "/lists/news/leave",
        "/lists/nothing",
        "/nowhere",
        "/c/x",
    ];
    let pages = pages.map(|path| format!("{}{path}", house.url));
    let links = [link(&letter.text, "/c/"), link(&letter.text, "/n/"), leave];
    let before = house.rows().await;
    for page in pages.iter().chain(&links) {
        for method in [Method::GET, Method::HEAD] {
            let request = house.request(method, page).header("accept-language", "de");
            request.header("referer", "https://portal.example/").send().await.unwrap();
        }
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn p_cgm_7_every_text_that_was_published_stays_readable_at_its_own_url_for_ever() {
    let house = House::open().await;
    let paths = |version: u32| ["en", "de"].map(|lang| format!("/lists/news/notices/{version}?lang={lang}"));
    let read = async |path: &str| {
        let answer =
            house.request(Method::GET, path).header("accept", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap()["notice"].take()
    };
    let mut published = Vec::new();
    for version in 1..=4 {
        if version > 1 {
            house.advance(SignedDuration::from_hours(24));
            house.publish(&format!("Text {version}."), version == 3).await;
        }
        for path in paths(version) {
            published.push((path.clone(), read(&path).await));
        }
    }
    assert!(published[2].1["text"].as_str().unwrap().starts_with("Text 2.\n\n"));
    house.advance(SignedDuration::from_hours(24 * 365 * 20));
    house.close_list(NEWS).await;
    for (path, notice) in &published {
        assert_eq!(read(path).await, *notice, "{path} has changed");
        let html = house.get(path).await.text().await.unwrap();
        let text = notice["text"].as_str().unwrap();
        assert!(text.split("\n\n").all(|part| html.contains(&format!("<p>{part}</p>"))), "{path}: {html}");
        // Nobody needs to have kept the address: each version leads to all others.
        for (other, _) in &published {
            let lang = &path[path.len() - 2..];
            assert!(
                !other.ends_with(lang) || anchors(&html).contains(other),
                "{path} does not lead to {other}"
            );
        }
    }
    house.close().await;
}

#[tokio::test]
async fn p_cgm_3_the_text_names_who_sends_and_consent_for_one_list_is_none_for_another() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    let html = house.get("/lists/news?lang=en").await.text().await.unwrap();
    assert!(html.contains("The newsletter is sent by Example Publishing."), "{html}");

    house.subscribe("ann@example.org").await;
    assert_eq!((house.people(NEWS).await.len(), house.people("press").await.len()), (1, 0));
    // Bob asks for both and confirms only the press notes.
    let form = [("email", "bob@example.org"), ("consent", "yes"), ("notice", "1")];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    house.letters("bob@example.org", 1).await;
    assert_eq!(house.post("/lists/press", &form).await.status(), 200);
    let press = house.letters("bob@example.org", 2).await.pop().unwrap();
    assert_eq!(press.subject, house.say("en", "letter.confirmation.subject", &[("list", "The press")]));
    assert_eq!(house.post(&link(&press.text, "/c/"), &[]).await.status(), 200);
    let (news, notes) = (house.people(NEWS).await, house.people("press").await);
    assert_eq!((news.len(), &news[0]["email"]), (1, &json!("ann@example.org")));
    assert_eq!((notes.len(), &notes[0]["email"]), (1, &json!("bob@example.org")));

    // And leaving one is not leaving another.
    assert_eq!(
        house.post("/lists/press", &[("email", "ann@example.org"), form[1], form[2]]).await.status(),
        200
    );
    let confirm = link(&house.letters("ann@example.org", 2).await.pop().unwrap().text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    let leave = house.unsubscribe_url("ann@example.org").await;
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!((house.people(NEWS).await.len(), house.people("press").await.len()), (0, 2));
    house.close().await;
}

#[tokio::test]
async fn p_cgm_4_the_page_says_what_is_optional_and_what_follows_from_a_refusal() {
    let house = House::open().await;
    for lang in ["en", "de"] {
        let html = house.get(&format!("/lists/news?lang={lang}")).await.text().await.unwrap();
        for key in ["signup.fields_hint", "signup.refusing", "common.leaving"] {
            assert!(html.contains(&house.say(lang, key, &[])), "{key} is not on {html}");
        }
        let optional = format!("({})", house.say(lang, "common.optional", &[]));
        assert_eq!(html.matches(&optional).count(), 2, "name and country are optional: {html}");
    }
    house.close().await;
}
