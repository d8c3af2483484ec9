//! CompuGroup Medical's promises.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::house::pages::{anchors, decoded, loads};
use crate::house::{House, NEWS, languages, link};

#[tokio::test]
async fn p_cgm_1_visiting_any_page_stores_nothing() {
    let house = House::open().await;
    // Somebody in every state, a second version, and a list that has ended: their links are in the letters.
    house.new_list("ended", json!([])).await;
    let form = [("email", "eve@example.org"), ("consent", "yes"), ("notice", "1"), ("lang", "de")];
    assert_eq!(house.post("/lists/ended", &form).await.status(), 200);
    house.letter("eve@example.org").await;
    house.close_list("ended").await;
    house.subscribe("ann@example.org").await;
    house.sign_up("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    house.publish("The same, told better.", false).await;

    let mut walk = Walk::from(&house);
    let leave = house.unsubscribe_url("ann@example.org").await;
    for start in ["/", "/nowhere", "/lists/nothing", "/lists/ended", "/c/x", &leave] {
        walk.find(start);
    }
    for letter in house.all_letters().await {
        anchors(&letter.html).iter().chain(&links(&letter.text)).for_each(|url| walk.find(url));
    }
    let before = house.rows().await;
    walk.everywhere().await;
    assert_eq!(house.rows().await, before);
    for (path, at_least) in [
        ("/", 1),
        ("/lists/news", 3),
        ("/lists/news/leave", 1),
        ("/my", 1),
        ("/lists/news/notice", 2),
        ("/lists/news/notices/1", 2),
        ("/lists/news/notices/2", 2),
        ("/lists/ended/notice", 2),
        ("/c/", 3),
        ("/n/", 3),
        ("/u/", 1),
        ("/inbox/", 1),
        ("/assets/", 1),
    ] {
        let been = walk.been.iter().filter(|url| match path.ends_with('/') && path != "/" {
            true => url.path().starts_with(path),
            false => url.path() == path,
        });
        assert!(been.count() >= at_least, "the walk did not come to {path}");
    }
    house.close().await;
}

/// A visitor who follows every link and opens every form's address, in two browsers, as a scanner would; links lead to the other languages.
struct Walk<'a> {
    house: &'a House,
    base: Url,
    been: BTreeSet<Url>,
    ahead: Vec<Url>,
}

impl Walk<'_> {
    fn from(house: &House) -> Walk<'_> {
        let base = Url::parse(&house.url).unwrap();
        Walk { house, base, been: BTreeSet::new(), ahead: Vec::new() }
    }

    fn find(&mut self, url: &str) {
        let base = self.base.clone();
        self.find_on(&base, url);
    }

    /// What is ours and new lies ahead.
    fn find_on(&mut self, page: &Url, url: &str) {
        let mut url = page.join(url).unwrap();
        url.set_fragment(None);
        if url.origin() == self.base.origin() && self.been.insert(url.clone()) {
            self.ahead.push(url);
        }
    }

    async fn everywhere(&mut self) {
        while let Some(url) = self.ahead.pop() {
            for lang in ["en", "de"] {
                for (method, accept) in
                    [(Method::GET, "text/html"), (Method::HEAD, "*/*"), (Method::GET, "application/json")]
                {
                    let request = self.house.request(method, url.as_str()).header("accept-language", lang);
                    let request =
                        request.header("accept", accept).header("referer", "https://portal.example/");
                    let body = request.send().await.unwrap().text().await.unwrap();
                    anchors(&body).iter().chain(&loads(&body)).for_each(|found| self.find_on(&url, found));
                    for form in submitted_by_get(&body) {
                        self.find_on(&url, &form);
                    }
                }
            }
        }
    }
}

/// Where each form would lead if it were sent by GET, with all that it holds.
fn submitted_by_get(html: &str) -> Vec<String> {
    let form = Regex::new(r#"(?s)<form\b[^>]*\baction="([^"]*)"[^>]*>(.*?)</form>"#).unwrap();
    let input = Regex::new(r#"<input\b[^>]*\bname="([^"]*)"[^>]*"#).unwrap();
    let value = Regex::new(r#"\bvalue="([^"]*)""#).unwrap();
    let query = |inputs: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for found in input.captures_iter(inputs) {
            let value = value.captures(&found[0]).map_or("", |value| value.get(1).unwrap().as_str());
            query.append_pair(&found[1], if &found[1] == "email" { "eve@example.org" } else { value });
        }
        query.finish()
    };
    form.captures_iter(html).map(|form| format!("{}?{}", decoded(&form[1]), query(&form[2]))).collect()
}

/// The links in a plain text.
fn links(text: &str) -> Vec<String> {
    text.split_whitespace().filter(|word| word.starts_with("http")).map(str::to_owned).collect()
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
    for lang in languages() {
        let html = house.get(&format!("/lists/news?lang={lang}")).await.text().await.unwrap();
        for key in ["signup.fields_hint", "signup.refusing", "common.leaving"] {
            assert!(html.contains(&house.say(&lang, key, &[])), "{key} is not on {html}");
        }
        let optional = format!("({})", house.say(&lang, "common.optional", &[]));
        assert_eq!(html.matches(&optional).count(), 2, "name and country are optional: {html}");
    }
    house.close().await;
}

#[tokio::test]
async fn p_cgm_6_people_are_counted_by_what_they_do_and_nobody_is_watched() {
    let house = House::with_welcome().await;
    let leave = house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    house.seal().await;
    // Signups, confirmations and cancellations, by list and day: a number each.
    let told = "SELECT string_agg(kind || ':' || count, ' ' ORDER BY kind) FROM tallies WHERE kind < 64";
    let told: String = house.db().await.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, "1:1 2:1 32:2");

    // Whoever looks is not counted, and is given nothing to be known again by.
    let counted = async || house.rows().await["tallies"].clone();
    let before = counted().await;
    for lang in languages() {
        for path in ["/lists/news", "/lists/news/notice", "/lists/news/leave", "/my", "/", &leave] {
            let answer = house.get(&format!("{path}?lang={lang}")).await;
            assert!(answer.headers().get("set-cookie").is_none(), "{path}");
            let html = answer.text().await.unwrap();
            for watcher in ["<img", "<script", "<iframe", "<object", "@import", "url("] {
                assert!(!html.contains(watcher), "{watcher} on {path}");
            }
        }
    }
    assert_eq!(counted().await, before, "looking counts nothing");

    // No letter calls home: nothing in it is fetched, and its links lead to where they say.
    for letter in house.all_letters().await {
        for watcher in ["<img", "<script", "background=", "url(", "<link"] {
            assert!(!letter.html.contains(watcher), "{watcher} in {}", letter.subject);
        }
        for anchor in anchors(&letter.html).into_iter().filter(|to| to.starts_with("http")) {
            assert!(anchor.starts_with(&house.url) || letter.text.contains(&anchor), "{anchor}");
        }
    }
    house.close().await;
}
