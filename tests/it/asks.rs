//! Asking by address: what do you hold about me, and how do I leave. Letters go only where there is something, not too
//! often, not too late, and to nobody who has left.

mod door;
mod late;

use jiff::SignedDuration;
use optin::mail::inbox::Caught;
use optin::token::Purpose;
use reqwest::header::ORIGIN;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::pages::decoded;
use crate::house::{House, NEWS, link};

const ANN: &str = "ann@example.org";
/// What do you hold about me, and how do I leave the news.
const DOORS: [&str; 2] = ["/my", "/lists/news/leave"];

async fn ask(house: &House, door: &str, email: &str) {
    let answer = house.post(door, &[("email", email)]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{door}");
}

/// The letters that were sent because somebody asked, by whom they reached, sorted.
async fn asked_for(house: &House) -> Vec<(String, &'static str)> {
    let mut letters: Vec<_> = house.all_letters().await.iter().filter_map(kind).collect();
    letters.sort();
    letters
}

fn kind(letter: &Caught) -> Option<(String, &'static str)> {
    let is_of_data = letter.subject == "What we hold about you";
    let kind = if is_of_data { "data" } else { "leave" };
    (is_of_data || letter.subject.starts_with("Your link to leave")).then(|| (letter.to.clone(), kind))
}

#[tokio::test]
async fn a_letter_goes_to_whoever_is_pending_active_or_paused_and_to_nobody_else() {
    let house = House::open().await;
    house.subscribe("paused@example.org").await;
    house.execute("UPDATE subscriptions SET state = 3").await;
    house.subscribe("active@example.org").await;
    house.sign_up("pending@example.org").await;
    house.new_list("ended", json!([])).await;
    house.subscribe_to("ended", "ended@example.org", &[]).await;
    house.close_list("ended").await;
    for door in DOORS {
        for who in ["unknown", "pending", "active", "paused", "ended"] {
            ask(&house, door, &format!("{who}@example.org")).await;
        }
    }
    let sent = asked_for(&house).await;
    let expected = ["active", "paused", "pending"].map(|who| format!("{who}@example.org"));
    let expected: Vec<_> =
        expected.iter().flat_map(|who| [(who.clone(), "data"), (who.clone(), "leave")]).collect();
    assert_eq!(sent, expected);
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0, "what was nobody's is dropped");
    house.close().await;
}

#[tokio::test]
async fn at_most_one_letter_of_a_kind_goes_out_in_ten_minutes() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let sent = async |data: usize, leave: usize| {
        let letters = asked_for(&house).await;
        let of = |kind: &str| letters.iter().filter(|letter| letter.1 == kind).count();
        assert_eq!((of("data"), of("leave")), (data, leave));
    };
    for _ in 0..3 {
        ask(&house, "/my", ANN).await;
    }
    sent(1, 0).await;
    // The other kind is not held up by it.
    house.advance(SignedDuration::from_mins(5));
    for _ in 0..3 {
        ask(&house, "/lists/news/leave", ANN).await;
    }
    sent(1, 1).await;
    house.advance(SignedDuration::from_mins(5) - SignedDuration::from_millis(1));
    DOORS.map(|door| ask(&house, door, ANN)).into_iter().collect::<futures_util::future::JoinAll<_>>().await;
    sent(1, 1).await;
    house.advance(SignedDuration::from_millis(1));
    for door in DOORS {
        ask(&house, door, ANN).await;
    }
    sent(2, 1).await;
    house.advance(SignedDuration::from_mins(5));
    for door in DOORS {
        ask(&house, door, ANN).await;
    }
    sent(2, 2).await;
    house.close().await;
}

#[tokio::test]
async fn leaving_and_coming_back_brings_no_more_letters() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    for _ in 0..3 {
        for door in DOORS {
            ask(&house, door, ANN).await;
        }
        house.all_letters().await;
        let page = house.post(&leave, &[("from", "page")]).await.text().await.unwrap();
        let undo = crate::house::pages::way_back(&page).unwrap();
        assert_eq!(house.post("/undo", &[("undo", &undo)]).await.status(), StatusCode::OK);
    }
    assert_eq!(asked_for(&house).await.len(), 2, "one of each kind");
    house.close().await;
}

#[tokio::test]
async fn who_is_on_several_lists_gets_one_letter_from_the_first_that_goes_on() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    for slug in ["second", "third", "last"] {
        house.new_list(slug, json!([])).await;
        house.subscribe_to(slug, ANN, &[]).await;
    }
    let list_of_newest = async |data: usize| {
        let letters = house.all_letters().await;
        let letters: Vec<_> = letters.iter().filter(|letter| kind(letter).is_some()).collect();
        assert_eq!(letters.len(), data);
        let link = link(&letters.last().unwrap().text, "/my/");
        let token = link.rsplit('/').next().unwrap();
        house.app.links.tokens.read(Purpose::Data, token).unwrap().list
    };
    ask(&house, "/my", ANN).await;
    assert_eq!(list_of_newest(1).await, 1);
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    house.close_list("second").await;
    ask(&house, "/my", ANN).await;
    assert_eq!(list_of_newest(2).await, 3, "the news she has left, and the second has ended");
    house.close().await;
}

#[tokio::test]
async fn an_address_is_known_however_it_is_written_and_another_tag_is_another_address() {
    let house = House::open().await;
    house.subscribe("Ann@example.org").await;
    house.subscribe("bob+news@example.org").await;
    for door in DOORS {
        for email in [" ANN@EXAMPLE.org\t", "bob@example.org", "bob+shop@example.org", "BOB+NEWS@example.org"]
        {
            ask(&house, door, email).await;
        }
    }
    let sent = asked_for(&house).await;
    let to: Vec<_> = sent.iter().map(|(to, _)| to.as_str()).collect();
    let [ann, bob] = ["Ann@example.org", "bob+news@example.org"];
    assert_eq!(to, [ann, ann, bob, bob], "as it was typed at signup, not as it was asked for");
    house.close().await;
}

#[tokio::test]
async fn letters_bring_what_was_asked_for_and_nothing_that_the_asker_sent() {
    let house = House::open().await;
    house.set_options(NEWS, json!({ "sender": { "mailbox": "leave@example.org" } })).await;
    house.subscribe(ANN).await;
    let asked_at = house.clock.now();
    for (n, door) in DOORS.into_iter().enumerate() {
        let form = [("email", "aNN@example.org"), ("name", "Quagga"), ("lang", "de")];
        assert_eq!(house.post(&format!("{door}?lang=de&a=Quagga"), &form).await.status(), 200);
        let letter = house.letters(ANN, 2 + n).await.pop().unwrap();
        assert!(letter.headers.keys().all(|name| !name.starts_with("list-")), "{:?}", letter.headers);
        assert!(!letter.raw.contains("Quagga") && !letter.raw.contains("aNN"));
        assert!(letter.html.contains("<html lang=\"en\">"), "the person's language, not the asker's");
        let html = decoded(&letter.html);
        if n == 0 {
            let url = link(&letter.text, "/my/");
            let token = url.rsplit('/').next().unwrap();
            let token = house.app.links.tokens.read(Purpose::Data, token).unwrap();
            assert_eq!(i64::from(token.expiry), asked_at.as_second() + 3600);
            assert!(html.contains(&url) && html.contains("60 minutes") && letter.text.contains("60 minutes"));
            assert!(letter.text.contains("nobody has seen anything"));
        } else {
            let url = link(&letter.text, "/u/");
            assert_eq!(url, house.unsubscribe_url(ANN).await, "the permanent link");
            assert!(html.contains(&url) && letter.text.contains("nobody has seen anything"));
            let mailto = letter.text.split_whitespace().find(|word| word.starts_with("leave+")).unwrap();
            assert!(mailto.ends_with("@example.org") && html.contains(&format!("mailto:{mailto}")));
            assert_eq!(house.post(&url, &[("from", "page")]).await.status(), 200);
            assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
        }
    }
    house.close().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_one_is_refused_in_words_with_the_form_again() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let before = house.rows().await;
    for door in DOORS {
        for (email, key) in [
            ("", "missing"),
            ("ann", "invalid"),
            ("ann@example", "no_dot"),
            ("=a@example.org\"<b>", "formula"),
        ] {
            let words = house.say("de", &format!("problem.email.{key}"), &[("max", "254")]);
            let refused = house.post(&format!("{door}?lang=de"), &[("email", email)]).await;
            assert_eq!(refused.status(), 422);
            let html = refused.text().await.unwrap();
            assert!(!html.contains("<b>") && html.contains("<html lang=\"de\">"), "{html}");
            let html = decoded(&html);
            assert!(html.contains(&words) && html.contains(&format!("value=\"{email}\"")), "{html}");
            assert!(html.contains(&format!("<form method=\"post\" action=\"{door}?lang=de\"")), "{html}");
            let program = house.request(Method::POST, &format!("{door}?lang=de"));
            let refused = program.json(&json!({ "email": email })).send().await.unwrap();
            assert_eq!(refused.status(), 422);
            let problem: Value = refused.json().await.unwrap();
            assert_eq!(problem["type"], "urn:optin:problem:invalid");
            assert_eq!(problem["errors"], json!([{ "pointer": "#/email", "detail": words }]));
        }
        for (kind, body, status) in [
            ("application/x-www-form-urlencoded", "email=ann%40example.org&email=bob%40example.org", 400),
            ("application/x-www-form-urlencoded", "email=%FF", 400),
            ("application/x-www-form-urlencoded", "name=ann%40example.org", 422),
            ("application/json", "[\"ann@example.org\"]", 400),
            ("application/json", "{\"email\":", 400),
            ("application/json", "{\"email\":[\"ann@example.org\"]}", 422),
            ("text/plain", "email=ann@example.org", 415),
        ] {
            let request = house.request(Method::POST, door).header("content-type", kind).body(body);
            assert_eq!(request.send().await.unwrap().status(), status, "{door}: {kind}, {body}");
        }
    }
    assert_eq!(house.rows().await, before, "nothing is stored, and nothing was sent");
    house.close().await;
}

#[tokio::test]
async fn only_our_own_pages_and_who_is_no_browser_may_ask() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let before = house.rows().await;
    let headers = |origin: Option<&'static str>, site: Option<&'static str>| {
        [("origin", origin), ("sec-fetch-site", site)].into_iter().filter_map(|(name, of)| Some((name, of?)))
    };
    let post = async |door: &str, origin: Option<&'static str>, site: Option<&'static str>, json: bool| {
        let request = house.request(Method::POST, door);
        let request = headers(origin, site).fold(request, |request, (name, of)| request.header(name, of));
        let request =
            if json { request.json(&json!({ "email": ANN })) } else { request.form(&[("email", ANN)]) };
        request.send().await.unwrap().status().as_u16()
    };
    let elsewhere = Some("https://elsewhere.example");
    for door in DOORS {
        for (origin, site) in [
            (elsewhere, None),
            (elsewhere, Some("cross-site")),
            (Some("null"), Some("cross-site")),
            (Some("null"), Some("same-site")),
            (None, Some("cross-site")),
        ] {
            for json in [false, true] {
                assert_eq!(post(door, origin, site, json).await, 403, "{door} {origin:?} {site:?}");
            }
        }
        let refused = house.request(Method::POST, door).header(ORIGIN, "https://elsewhere.example");
        let refused = refused.json(&json!({ "email": ANN })).send().await.unwrap();
        assert!(!refused.headers().contains_key("access-control-allow-origin"));
        assert_eq!(refused.json::<Value>().await.unwrap()["type"], "urn:optin:problem:foreign_page");
    }
    assert_eq!(house.rows().await, before, "nothing is stored, and nothing was sent");
    // Our pages send no referrer, and so an origin that names nothing; older browsers say no more than that.
    for (origin, site) in
        [(Some("null"), Some("same-origin")), (Some("null"), None), (None, Some("same-origin"))]
    {
        assert_eq!(post("/my", origin, site, false).await, 200);
    }
    let ours = house.request(Method::POST, "/my").header(ORIGIN, &house.url).form(&[("email", ANN)]);
    assert_eq!(ours.send().await.unwrap().status(), 200);
    assert_eq!(asked_for(&house).await.len(), 1);
    house.close().await;
}

/// The same work: whoever asks for an unknown address waits for the outbox as well.
#[tokio::test]
async fn an_unknown_address_goes_to_the_outbox_like_a_known_one() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    house.fault("INSERT", "outbox", "XX000").await;
    for door in DOORS {
        for email in [ANN, "unknown@example.org"] {
            assert_eq!(house.post(door, &[("email", email)]).await.status(), 500, "{door} for {email}");
        }
    }
    house.mend().await;
    for door in DOORS {
        ask(&house, door, ANN).await;
    }
    assert_eq!(asked_for(&house).await.len(), 2, "what was not written does not count");
    house.close().await;
}

#[tokio::test]
async fn where_no_list_goes_on_the_answer_is_still_the_same() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let answer = async |email: &str| {
        let answer = house.post("/my", &[("email", email)]).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let before = answer("unknown@example.org").await;
    house.close_list(NEWS).await;
    assert!(answer(ANN).await == before && answer("unknown@example.org").await == before);
    assert_eq!(asked_for(&house).await, []);
    house.close().await;
}

#[tokio::test]
async fn the_way_to_ones_data_stands_on_every_page_and_in_the_letters_that_greet() {
    let house = House::with_welcome().await;
    for page in house.every_page("de").await {
        assert!(decoded(&page.html).contains("href=\"/my?lang=de\""), "{}", page.name);
    }
    house.close().await;
    let house = House::with_welcome().await;
    house.subscribe(ANN).await;
    house.letters(ANN, 2).await;
    house.sign_up(ANN).await;
    for letter in &house.letters(ANN, 3).await[1..] {
        let my = format!("{}/my", house.url);
        assert!(letter.text.lines().any(|line| line == my), "{}", letter.text);
        assert!(decoded(&letter.html).contains(&format!("href=\"{my}\"")), "{}", letter.html);
    }
    house.close().await;
}
