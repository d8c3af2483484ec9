//! Centiro's promises.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::{Value, json};

use crate::house::{House, NEWS, languages, link};

#[tokio::test]
async fn p_cen_1_language_and_country_are_asked_of_everybody_in_four_languages_and_demanded_of_nobody() {
    let house = House::open().await;
    let named: Vec<_> = house.app.templates.words().languages().into_iter().map(|of| of.name).collect();
    for name in ["English", "Deutsch", "Svenska", "Русский"] {
        assert!(named.contains(&name.to_owned()), "{name}: {named:?}");
    }
    for (lang, sweden, ukraine) in [
        ("en", "Sweden", "Ukraine"),
        ("de", "Schweden", "Ukraine"),
        ("sv", "Sverige", "Ukraina"),
        ("ru", "Швеция", "Украина"),
    ] {
        // Whoever opens the form can choose every language and every country, each by its own name, or no country.
        let html = house.get(&format!("/lists/{NEWS}?lang={lang}")).await.text().await.unwrap();
        for (code, name) in languages().iter().zip(&named) {
            let way = format!("<a href=\"?lang={code}\" lang=\"{code}\" hreflang=\"{code}\"");
            assert!(html.contains(&way) && html.contains(&format!(">{name}</a>")), "{name}: {html}");
        }
        for (code, name) in [("SE", sweden), ("UA", ukraine)] {
            assert!(html.contains(&format!("<option value=\"{code}\">{name}</option>")), "{name}: {html}");
        }
        assert_eq!(html.matches("<option value=").count(), 1 + 249, "a country or none");

        // Some tell their country and some do not; the language is what the form was in.
        let (with, without) = (format!("with-{lang}@example.org"), format!("without-{lang}@example.org"));
        for (email, country) in [(&with, "SE"), (&without, "")] {
            let form = [
                ("email", &**email),
                ("consent", "yes"),
                ("notice", "1"),
                ("lang", lang),
                ("country", country),
            ];
            assert_eq!(house.post(&format!("/lists/{NEWS}"), &form).await.status(), 200);
            let confirm = link(&house.letter(email).await.text, "/c/");
            assert_eq!(house.post(&confirm, &[]).await.status(), 200);
        }
        let told: Vec<_> = house.people(NEWS).await;
        let told = |email: &str| told.iter().find(|row| row["email"] == email).unwrap().clone();
        assert_eq!((&told(&with)["lang"], &told(&with)["field_country"]), (&json!(lang), &json!("SE")));
        assert_eq!((&told(&without)["lang"], &told(&without)["field_country"]), (&json!(lang), &json!("")));
    }
    house.close().await;
}

#[tokio::test]
async fn p_cen_2_permission_is_asked_before_an_address_is_used_for_anything_but_asking() {
    let house = House::open().await;
    let form = [
        ("email", "ann@example.org"),
        ("consent", "yes"),
        ("notice", "1"),
        ("lang", "en"),
        ("name", "Annabella"),
        ("country", "IE"),
    ];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    for _ in 0..3 {
        house.all_letters().await;
        house.advance(SignedDuration::from_hours(20));
        assert!(house.people(NEWS).await.is_empty());
    }
    let letters = house.all_letters().await;
    assert_eq!(letters.len(), 1, "one letter asks; nobody is reminded");
    assert_eq!(
        letters[0].subject,
        house.say("en", "letter.confirmation.subject", &[("list", "Sampletown News")])
    );
    assert!(!letters[0].raw.contains("Annabella") && !letters[0].html.contains("Annabella"));
    house.close().await;
}

#[tokio::test]
async fn p_cen_3_service_letters_are_marked_as_such_and_are_no_part_of_a_mailing() {
    let house = House::with_welcome().await;
    house.subscribe("ann@example.org").await;
    house.receipts("ann@example.org", 1).await;
    house.sign_up("ann@example.org").await;
    house.letters("ann@example.org", 3).await;
    for (n, door) in ["/my", "/lists/news/leave"].into_iter().enumerate() {
        assert_eq!(house.post(door, &[("email", "ann@example.org")]).await.status(), 200);
        house.letters("ann@example.org", 4 + n).await;
    }
    let letters = house.letters("ann@example.org", 5).await;
    let kinds = ["confirmation", "welcome", "already_subscribed", "data_link", "leave_link"];
    for (letter, kind) in letters.iter().zip(kinds) {
        let subject = house.say("en", &format!("letter.{kind}.subject"), &[("list", "Sampletown News")]);
        assert_eq!(letter.subject, subject);
        assert_eq!(letter.headers["auto-submitted"], ["auto-generated"]);
        for name in letter.headers.keys() {
            let bulk = ["precedence", "feedback-id", "x-campaign", "reply-to"].contains(&name.as_str());
            assert!(!name.starts_with("list-") && !bulk, "{kind} has {name}");
        }
        assert!(!letter.raw.to_lowercase().contains("list-unsubscribe"), "{kind}");
        for header in ["from", "to", "date", "message-id", "subject"] {
            assert_eq!(letter.headers[header].len(), 1, "{kind}: {header}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn p_cen_4_visits_are_not_told_apart_and_no_cookie_is_ever_set() {
    let house = House::open().await;
    for page in house.every_page("en").await {
        for name in ["set-cookie", "etag", "last-modified"] {
            assert!(!page.headers.contains_key(name), "{} has {name}", page.name);
        }
    }
    house.close().await;

    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let letter = house.letter("bob@example.org").await;
    let doors = [link(&letter.text, "/c/"), link(&letter.text, "/n/"), leave];
    let paths = [
        "/",
        "/lists/news",
        "/lists/news/leave",
        "/my",
        "/lists/news/notice",
        "/assets/optin.css",
        "/nowhere",
        "/healthz",
    ];
    for path in paths.iter().copied().chain(doors.iter().map(String::as_str)) {
        let visit = async |cookie: &str| {
            let answer = house.request(Method::GET, path).header(COOKIE, cookie).send().await.unwrap();
            let mut headers = answer.headers().clone();
            headers.remove("date");
            assert!(!headers.contains_key("set-cookie") && !headers.contains_key("etag"), "{path}");
            (answer.status(), headers, answer.bytes().await.unwrap())
        };
        let first = visit("").await;
        assert!(
            first == visit("").await && first == visit("visitor=77").await,
            "two visits of {path} differ"
        );
    }
    for answer in [house.post(&doors[0], &[]).await, house.post(&doors[2], &[]).await] {
        assert!(answer.status() == 200 && !answer.headers().contains_key("set-cookie"));
    }
    house.close().await;
}

#[tokio::test]
async fn p_cen_6_the_text_shows_its_version_and_the_date_of_its_last_update() {
    let house = House::open().await;
    let first = house.clock.now();
    house.sign_up("ann@example.org").await;
    let confirm = link(&house.letter("ann@example.org").await.text, "/c/");
    assert_shows(&house, "/lists/news", 1, first).await;

    house.all_letters().await;
    house.advance(SignedDuration::from_hours(40));
    house.publish("The same, told better.", false).await;
    let second = house.clock.now();
    assert_shows(&house, "/lists/news", 2, second).await;
    // Who signed up before is shown the text that they agreed to.
    assert_shows(&house, &confirm, 1, first).await;

    house.publish("Something else.", true).await;
    assert_shows(&house, &confirm, 3, second).await;
    // The same on the pages of the text itself, whichever version they show.
    for (path, version, at) in [("notice", 3, second), ("notices/1", 1, first), ("notices/3", 3, second)] {
        let path = format!("/lists/news/{path}");
        let html = house.get(&path).await.text().await.unwrap();
        let (version, day) = (format!("<dd>{version}</dd>"), format!("<dd>{}</dd>", day(at)));
        assert!(html.contains(&version) && html.contains(&day), "{path}: {html}");
        for (version, at) in [(1, first), (2, second), (3, second)] {
            assert_shows(&house, &path, version, at).await;
        }
    }
    let stale = [("email", "bob@example.org"), ("consent", "yes"), ("notice", "1"), ("lang", "en")];
    let html = house.post("/lists/news", &stale).await.text().await.unwrap();
    assert!(html.contains(&format!("Version 3, published on {}", day(second))), "{html}");

    let list = house.request(Method::GET, "/lists/news").header("accept", "application/json");
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["notice"]["version"], 3);
    assert_eq!(list["notice"]["published_at"], second.to_string());
    house.close().await;
}

async fn assert_shows(house: &House, path: &str, version: u32, at: Timestamp) {
    let answer = house.request(Method::GET, path).header("accept-language", "en").send().await.unwrap();
    let html = answer.text().await.unwrap();
    assert!(html.contains(&format!("Version {version}, published on {}", day(at))), "{path}: {html}");
}

/// As English writes it.
fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}
