//! What stands behind a link in each of its states: incomplete, without a row, used, expired, overtaken.

use jiff::SignedDuration;
use optin::app::App;
use optin::token::{Purpose, SubscriptionId, Token};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{browser, done, page, problem, program};
use crate::house::pages::decoded;
use crate::house::{House, link};

const DOORS: [(&str, Purpose); 4] = [
    ("/c/", Purpose::Confirm),
    ("/n/", Purpose::NotMe),
    ("/u/", Purpose::Unsubscribe),
    ("/a/", Purpose::Agree),
];

/// A sound token for a subscription that is not there.
fn token_without_a_row(house: &House, purpose: Purpose) -> String {
    let expiry = u32::try_from(house.clock.now().as_second() + 3600).unwrap();
    house.app.links.tokens.mint(purpose, &Token { list: 1, id: SubscriptionId(App::random()), expiry })
}

#[tokio::test]
async fn a_link_that_is_not_whole_is_said_to_be_incomplete() {
    let house = House::open().await;
    let before = house.rows().await;
    for (door, purpose) in DOORS {
        let good = token_without_a_row(&house, purpose);
        let bent = |at: usize| {
            let other = if &good[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &good[..at], &good[at + 1..])
        };
        let mut bad = vec![
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good}A"),
            format!("{good}="),
            format!("{}!", &good[..good.len() - 1]),
            format!("{}+", &good[..good.len() - 1]),
            format!("%41{}", &good[1..]),
            "x".to_owned(),
            // Its id, and its tag.
            bent(10),
            bent(good.len() - 8),
        ];
        let others = DOORS.iter().filter(|(_, other)| *other != purpose);
        bad.extend(others.map(|(_, other)| token_without_a_row(&house, *other)));
        for token in bad {
            let path = format!("{door}{token}");
            for (method, lang) in [(Method::GET, "en"), (Method::POST, "de")] {
                let refused = browser(&house, method.clone(), &path, lang).send().await.unwrap();
                let html = page(refused, 404, lang).await;
                assert!(
                    html.contains(&house.say(lang, "refusal.incomplete_link.title", &[])),
                    "{path}: {html}"
                );
                let refused = program(&house, method, &path, lang).send().await.unwrap();
                problem(refused, 404, "incomplete_link").await;
            }
            assert_eq!(house.request(Method::HEAD, &path).send().await.unwrap().status(), 404);
        }
        for path in [door.to_owned(), format!("{door}{good}/more")] {
            assert_eq!(house.get(&path).await.status(), 404);
            assert_eq!(house.post(&path, &[]).await.status(), 404);
        }
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn a_sound_link_without_a_row_is_answered_calmly() {
    let house = House::open().await;
    let before = house.rows().await;
    for (door, purpose) in DOORS {
        let path = format!("{door}{}", token_without_a_row(&house, purpose));
        for lang in ["en", "de"] {
            let seen = browser(&house, Method::GET, &path, lang).send().await.unwrap();
            let pressed = browser(&house, Method::POST, &path, lang).form(&[("from", "page")]);
            for answer in [seen, pressed.send().await.unwrap()] {
                let html = page(answer, 200, lang).await;
                assert!(html.contains(&house.say(lang, "nothing_here.title", &[])), "{html}");
                assert!(decoded(&html).contains("href=\"/lists/news/leave\""), "{html}");
            }
        }
        done(program(&house, Method::POST, &path, "en").send().await.unwrap(), 200, "nothing_here").await;
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn doing_it_twice_is_no_mistake() {
    let house = House::open().await;
    for json in [false, true] {
        house.sign_up("ann@example.org").await;
        let letters = house.letters("ann@example.org", 1 + usize::from(json)).await;
        let confirm = link(&letters.last().unwrap().text, "/c/");
        let ask = async |path: &str| {
            let by = if json { program } else { browser };
            by(&house, Method::POST, path, "en").form(&[("from", "page")]).send().await.unwrap()
        };
        let is = async |path: &str, name: &str| match json {
            true => done(ask(path).await, 200, name).await,
            false => {
                let html = decoded(&page(ask(path).await, 200, "en").await);
                let list = ("list", "Sampletown News");
                assert!(html.contains(&house.say("en", &format!("{name}.title"), &[list])), "{html}");
            }
        };
        is(&confirm, "confirmed").await;
        let leave = house.unsubscribe_url("ann@example.org").await;
        let before = house.rows().await;
        is(&confirm, "already_confirmed").await;
        page(house.get(&confirm).await, 200, "en").await;
        assert_eq!(house.rows().await, before);

        is(&leave, "unsubscribed").await;
        let before = house.rows().await;
        is(&leave, "nothing_here").await;
        assert_eq!(house.rows().await, before);
    }
    house.close().await;
}

#[tokio::test]
async fn an_expired_link_says_so_and_how_to_sign_up_again() {
    let house = House::open().await;
    let letter = async |email: &str| {
        house.sign_up(email).await;
        house.letter(email).await.text
    };
    let (ann, bob) = (letter("ann@example.org").await, letter("bob@example.org").await);
    let (cem, dora) = (letter("cem@example.org").await, letter("dora@example.org").await);
    let [ann, cem, dora] = [ann, cem, dora].map(|text| link(&text, "/c/"));
    // Bob's signup is erased by his own hand; Cem confirms in time; Dora signs up anew.
    assert_eq!(house.post(&link(&bob, "/n/"), &[]).await.status(), 200);
    let bob = link(&bob, "/c/");
    assert_eq!(house.post(&cem, &[]).await.status(), 200);

    house.all_letters().await;
    house.advance(SignedDuration::from_hours(72) - SignedDuration::from_secs(1));
    page(house.get(&ann).await, 200, "en").await;
    house.sign_up("dora@example.org").await;
    let before = house.rows().await;
    house.advance(SignedDuration::from_secs(1));
    for expired in [&ann, &bob, &dora] {
        let seen = house.get(expired).await;
        let pressed = house.post(expired, &[]).await;
        for answer in [seen, pressed] {
            let html = decoded(&page(answer, 410, "en").await);
            assert!(html.contains(&house.say("en", "expired.title", &[])), "{html}");
            assert!(html.contains("href=\"/lists/news\""), "no way to sign up again: {html}");
        }
        let answer = program(&house, Method::POST, expired, "en").send().await.unwrap();
        assert_eq!(problem(answer, 410, "expired").await["title"], house.say("en", "expired.title", &[]));
    }
    let confirmed = house.say("en", "already_confirmed.title", &[]);
    assert!(page(house.get(&cem).await, 200, "en").await.contains(&confirmed));
    assert!(page(house.post(&cem, &[]).await, 200, "en").await.contains(&confirmed));
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn not_me_changes_nothing_once_somebody_has_confirmed() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let not_me = link(&house.letter("ann@example.org").await.text, "/n/");
    let before = house.rows().await;
    for answer in [house.get(&not_me).await, house.post(&not_me, &[]).await] {
        let html = decoded(&page(answer, 200, "en").await);
        assert!(html.contains(&house.say("en", "not_me_active.title", &[])), "{html}");
        assert!(html.contains("href=\"/lists/news/leave\""), "{html}");
    }
    done(program(&house, Method::POST, &not_me, "en").send().await.unwrap(), 200, "not_me_active").await;
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn not_me_erases_a_signup_that_nobody_confirmed_without_trace() {
    let house = House::open().await;
    let before = house.rows().await;
    house.sign_up("ann@example.org").await;
    let not_me = link(&house.letter("ann@example.org").await.text, "/n/");
    let html = page(house.post(&not_me, &[]).await, 200, "en").await;
    assert!(html.contains(&house.say("en", "not_me_done.title", &[])), "{html}");
    let mut after = house.rows().await;
    // That somebody signed up stays counted; who, nowhere.
    after.insert("tallies".into(), before["tallies"].clone());
    assert_eq!(after, before);
    house.close().await;
}

#[tokio::test]
async fn a_new_purpose_stops_a_confirmation_and_a_corrected_wording_does_not() {
    let house = House::open().await;
    for (by, lang) in [("ann@example.org", "en"), ("bob@example.org", "de")] {
        let form = [("email", by), ("consent", "yes"), ("notice", "1"), ("lang", lang)];
        page(house.post("/lists/news", &form).await, 200, lang).await;
    }
    let ann = link(&house.letter("ann@example.org").await.text, "/c/");
    let bob = link(&house.letter("bob@example.org").await.text, "/c/");

    house.publish("The same, told better.", false).await;
    page(house.post(&ann, &[]).await, 200, "en").await;
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE state = 2 AND notice = 1").await, 1);

    house.publish("Something else.", true).await;
    let before = house.rows().await;
    for answer in [house.get(&bob).await, house.post(&bob, &[]).await] {
        let html = decoded(&page(answer, 409, "de").await);
        let title = ("list", "Neues aus Musterstadt");
        assert!(html.contains(&house.say("de", "notice_changed.lead", &[title])), "{html}");
        assert!(
            html.contains("<p>Something else. (de)</p>") && html.contains("href=\"/lists/news\""),
            "{html}"
        );
    }
    problem(program(&house, Method::POST, &bob, "de").send().await.unwrap(), 409, "notice_changed").await;
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn one_click_is_answered_barely_and_a_persons_own_press_with_a_page() {
    let house = House::open().await;
    for kind in ["multipart", "urlencoded", "empty", "empty form", "plain", "broken", "page"] {
        let email = format!("{}@example.org", kind.replace(' ', "-"));
        let leave = house.subscribe(&email).await;
        let request = house.request(Method::POST, &leave);
        let one_click = ("List-Unsubscribe", "One-Click");
        let request = match kind {
            "multipart" => request.multipart(reqwest::multipart::Form::new().text(one_click.0, one_click.1)),
            "urlencoded" => request.form(&[one_click]),
            "empty" => request,
            "empty form" => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(""),
            // Nobody is kept because of how their mail program posts.
            "plain" => request.header(CONTENT_TYPE, "text/plain").body("List-Unsubscribe=One-Click"),
            "broken" => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body("%FF=%00"),
            _ => request.form(&[one_click, ("from", "page")]),
        };
        // A cookie, a referrer and an origin matter to nobody.
        let request = request.header("cookie", "session=1").header("origin", "https://mail.example");
        let answer = request.send().await.unwrap();
        assert!(!answer.headers().contains_key("set-cookie") && !answer.headers().contains_key("location"));
        if kind == "page" {
            let html = page(answer, 200, "en").await;
            let title = house.say("en", "unsubscribed.title", &[("list", "Sampletown News")]);
            assert!(html.contains(&title), "{html}");
        } else {
            assert_eq!(answer.status(), 200, "{kind}");
            assert!(answer.bytes().await.unwrap().is_empty(), "{kind}");
        }
        assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0, "{kind}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_page_of_an_unsubscribe_link_names_each_kind_of_data_in_words() {
    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    for (lang, kinds) in [
        ("en", ["Name", "Country"]),
        ("de", ["Name", "Land"]),
        ("sv", ["Namn", "Land"]),
        ("ru", ["Имя", "Страна"]),
    ] {
        let html = house.get(&format!("{leave}?lang={lang}")).await.text().await.unwrap();
        for kind in kinds {
            assert!(html.contains(&format!("<li>{kind}</li>")), "{lang}: {kind}");
        }
        assert!(!html.to_lowercase().contains(">none<"), "{lang}");
    }
    house.close().await;
}
