//! Signups that are not taken: 422 with what to mend, 409 with the new text.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Signup, browser, page, problem, program};
use crate::house::pages::decoded;
use crate::house::{House, NEWS};

/// A signup that is refused for one thing: where that stands in JSON, and the words that say it.
struct Case {
    slug: &'static str,
    signup: Signup,
    pointer: &'static str,
    key: &'static str,
    args: &'static [(&'static str, &'static str)],
}

const PRESS: &str = "press";

async fn house_with_two_lists() -> House {
    let house = House::open().await;
    let company = json!({ "name": "company", "required": true, "label": { "en": "Company", "de": "Firma" } });
    house.new_list(PRESS, json!([company])).await;
    house
}

fn address(email: &str, key: &'static str) -> Case {
    Case { slug: NEWS, signup: Signup::of(email), pointer: "#/email", key, args: &[("max", "254")] }
}

fn field(
    signup: Signup,
    pointer: &'static str,
    key: &'static str,
    args: &'static [(&'static str, &'static str)],
) -> Case {
    Case { slug: NEWS, signup, pointer, key, args }
}

fn cases() -> Vec<Case> {
    let ann = || Signup::of("ann@example.org");
    let of_255_bytes = format!("{}@{}.example", "a".repeat(64), ["b".repeat(60).as_str(); 3].join("."));
    assert_eq!(of_255_bytes.len(), 255);
    let mut cases = vec![
        address("", "problem.email.missing"),
        address("ann", "problem.email.invalid"),
        address("ann@example", "problem.email.no_dot"),
        address("ann@localhost", "problem.email.no_dot"),
        address(&of_255_bytes, "problem.email.too_long"),
        address("ann\u{7}@example.org", "problem.email.control"),
        address("ann@example.org\r\nBcc: bob@example.org", "problem.email.control"),
        address("ann@[192.0.2.1]", "problem.email.literal"),
        address("ann@192.0.2.1", "problem.email.literal"),
    ];
    let formulas = ["=1+1@example.org", "+ann@example.org", "-ann@example.org", "@ann@example.org"];
    cases.extend(formulas.map(|formula| address(formula, "problem.email.formula")));
    let (unwilling, unread) = (Signup { consent: false, ..ann() }, Signup { notice: None, ..ann() });
    cases.extend([
        field(unwilling, "#/consent", "problem.consent.missing", &[]),
        field(unread, "#/notice", "problem.notice.missing", &[]),
        field(ann().with("shoe_size", "43"), "#", "problem.field.undeclared", &[]),
        field(ann().with("country", "XX"), "#/fields/country", "problem.field.country", &[]),
        field(ann().with("name", "A\u{7}nn"), "#/fields/name", "problem.field.control", &[("label", "Name")]),
        field(
            ann().with("name", &"n".repeat(101)),
            "#/fields/name",
            "problem.field.too_long",
            &[("label", "Name"), ("n", "100")],
        ),
    ]);
    cases
}

#[tokio::test]
async fn a_signup_that_cannot_be_taken_is_refused_in_words_and_nothing_is_stored() {
    let house = house_with_two_lists().await;
    let before = house.rows().await;
    let cases = cases();
    for (lang, company) in [("en", &[("label", "Company")]), ("de", &[("label", "Firma")])] {
        let signup = Signup::of("ann@example.org");
        let (pointer, key) = ("#/fields/company", "problem.field.missing");
        let missing = Case { slug: PRESS, signup, pointer, key, args: company };
        for case in cases.iter().chain([&missing]) {
            let said = house.say(lang, case.key, case.args);
            let html = page(case.signup.by_browser(&house, case.slug, lang).await, 422, lang).await;
            assert!(decoded(&html).contains(&said), "{} is not said: {html}", case.key);
            let problem =
                problem(case.signup.by_program(&house, case.slug, lang).await, 422, "invalid").await;
            assert_eq!(
                problem["errors"],
                json!([{ "pointer": case.pointer, "detail": said }]),
                "{}",
                case.key
            );
        }
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn what_was_typed_is_still_there_and_stays_text() {
    let house = House::open().await;
    let spoilt = Signup::of("ann").with("name", "Ann \"<b>\"").with("country", "IE");
    let html = page(spoilt.by_browser(&house, NEWS, "en").await, 422, "en").await;
    assert!(html.contains("value=\"ann\"") && html.contains("value=\"Ann &quot;&lt;b&gt;&quot;\""), "{html}");
    assert!(html.contains("<option value=\"IE\" selected>"), "{html}");
    house.close().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let house = House::open().await;
    let signup = Signup { consent: false, ..Signup::of("ann") }.with("country", "XX").with("shoe_size", "43");
    let problem = problem(signup.by_program(&house, NEWS, "en").await, 422, "invalid").await;
    let errors = problem["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["#/email", "#/consent", "#/fields/country", "#"]);
    let html = page(signup.by_browser(&house, NEWS, "en").await, 422, "en").await;
    assert!(html.contains(&house.say("en", "signup.problems", &[("n", "4")])), "{html}");
    house.close().await;
}

#[tokio::test]
async fn values_of_the_wrong_type_are_refused_and_not_guessed() {
    let house = House::open().await;
    let before = house.rows().await;
    let good =
        json!({ "email": "ann@example.org", "consent": true, "notice": 1, "lang": "en", "fields": {} });
    for (name, value) in [
        ("email", json!(5)),
        ("email", json!(["ann@example.org"])),
        ("email", Value::Null),
        ("consent", json!("yes")),
        ("consent", json!(1)),
        ("consent", Value::Null),
        ("notice", json!("1")),
        ("notice", json!(-1)),
        ("notice", json!(4_294_967_297_u64)),
        ("lang", json!(7)),
        ("fields", json!([])),
        ("fields", json!({ "name": 5 })),
        ("fields", json!({ "name": { "first": "Ann" } })),
        ("state", json!("active")),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let request = program(&house, Method::POST, "/lists/news", "en").json(&body);
        let problem = problem(request.send().await.unwrap(), 422, "invalid").await;
        let errors = problem["errors"].as_array().unwrap();
        assert!(!errors.is_empty(), "{body}");
        for error in errors {
            assert!(error["pointer"].as_str().unwrap().starts_with('#'), "{error}");
            assert!(!error["detail"].as_str().unwrap().is_empty(), "{error}");
        }
    }
    // In a form: a box that says something else than yes, a name that stands twice.
    for body in [
        "email=ann%40example.org&notice=1&consent=on",
        "email=ann%40example.org&notice=1&consent=",
        "email=ann%40example.org&notice=one&consent=yes",
        "email=ann%40example.org&notice=1&consent=yes&consent=yes",
        "email=ann%40example.org&email=bob%40example.org&notice=1&consent=yes",
    ] {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let request = browser(&house, Method::POST, "/lists/news", "de").header(kind.0, kind.1).body(body);
        page(request.send().await.unwrap(), 422, "de").await;
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn the_longest_address_there_is_is_taken() {
    let house = House::open().await;
    let of_254_bytes = format!("{}@{}.example", "a".repeat(63), ["b".repeat(60).as_str(); 3].join("."));
    assert_eq!(of_254_bytes.len(), 254);
    page(Signup::of(&of_254_bytes).by_browser(&house, NEWS, "en").await, 200, "en").await;
    assert_eq!(house.letter(&of_254_bytes).await.to, of_254_bytes);
    house.close().await;
}

#[tokio::test]
async fn who_read_an_older_text_gets_the_form_again_filled_in_with_the_new_one() {
    let house = House::open().await;
    house.publish("What it is for, told better.", false).await;
    let before = house.rows().await;
    let ann = Signup::of("ann@example.org").with("name", "Ann O'Hara").with("country", "IE");
    for (lang, text) in [("en", "What it is for, told better."), ("de", "What it is for, told better. (de)")]
    {
        let html = decoded(&page(ann.by_browser(&house, NEWS, lang).await, 409, lang).await);
        for part in [
            text,
            &house.say(lang, "signup.stale", &[]),
            "name=\"notice\" value=\"2\"",
            "value=\"ann@example.org\"",
            "value=\"Ann O'Hara\"",
            "<option value=\"IE\" selected>",
        ] {
            assert!(html.contains(part), "{part} is not on {html}");
        }
        assert!(!html.contains("checked"), "nobody has agreed to the new text");
        assert!(!html.contains("about once a month"), "the old text is gone");

        let problem = problem(ann.by_program(&house, NEWS, lang).await, 409, "stale_notice").await;
        assert_eq!(problem["title"], house.say(lang, "signup.stale_title", &[]));
        assert_eq!(problem["notice"]["version"], 2);
        assert!(problem["notice"]["text"].as_str().unwrap().starts_with(text), "{problem}");
    }
    // A version that never was is as little what we show.
    let ahead = Signup { notice: Some(3), ..ann.clone() };
    page(ahead.by_browser(&house, NEWS, "en").await, 409, "en").await;
    assert_eq!(house.rows().await, before);

    // The second step.
    let again = Signup { notice: Some(2), ..ann };
    page(again.by_browser(&house, NEWS, "en").await, 200, "en").await;
    assert_eq!(house.count("SELECT notice::bigint FROM subscriptions").await, 2);
    house.close().await;
}

#[tokio::test]
async fn a_list_that_is_not_there_is_said_so() {
    let house = House::open().await;
    let before = house.rows().await;
    for lang in ["en", "de"] {
        for (method, path) in [
            (Method::GET, "/lists/nothing"),
            (Method::POST, "/lists/nothing"),
            (Method::GET, "/lists/nothing/leave"),
            (Method::GET, "/lists/NEWS"),
            (Method::GET, "/lists/news%00"),
            (Method::GET, "/lists/%FF"),
        ] {
            let html =
                page(browser(&house, method.clone(), path, lang).send().await.unwrap(), 404, lang).await;
            assert!(html.contains(&house.say(lang, "refusal.unknown_list.title", &[])), "{path}: {html}");
            problem(program(&house, method, path, lang).send().await.unwrap(), 404, "unknown_list").await;
        }
    }
    problem(Signup::of("ann@example.org").by_program(&house, "nothing", "en").await, 404, "unknown_list")
        .await;
    assert_eq!(house.rows().await, before);
    house.close().await;
}
