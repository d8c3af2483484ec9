//! Medviso's promises.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::is_shown_everywhere;
use optin::journeys::export::{Export, ExportError, Format};
use optin::token::Purpose;
use optin::trail::entry::{Entry, Event, Tail};
use sha2::{Digest as _, Sha256};

use crate::house::database::holds;
use crate::house::pages::decoded;
use crate::house::{House, NEWS, languages, link};

#[tokio::test]
async fn p_med_1_the_controller_is_named_with_address_and_registration_on_every_page_and_letter() {
    let registration = "Register of Sampletown, HRB 12345";
    is_shown_everywhere(&["Example Publishing", "1 Sample Street 12345 Sampletown", registration]).await;
}

#[tokio::test]
async fn p_med_2_a_field_that_the_list_does_not_declare_is_refused_and_not_stored() {
    let house = House::open().await;
    let before = house.rows().await;
    let form = [
        ("email", "ann@example.org"),
        ("consent", "yes"),
        ("notice", "1"),
        ("name", "Ann"),
        ("birthday", "1990-01-31"),
    ];
    let refused = house.post("/lists/news", &form).await;
    assert_eq!(refused.status(), 422);
    let after = house.rows().await;
    assert_eq!(after, before);
    assert!(!holds(&after, "1990-01-31") && !holds(&after, "birthday"));

    // Without it, exactly what is declared is kept and exported.
    assert_eq!(house.post("/lists/news", &form[..4]).await.status(), 200);
    let confirm = link(&house.letter("ann@example.org").await.text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    let person = house.persons().await.pop().unwrap();
    assert_eq!(person.profile.into_iter().collect::<Vec<_>>(), [("name".to_owned(), "Ann".to_owned())]);
    let people = house.people(NEWS).await;
    let columns: BTreeSet<&str> = people[0].as_object().unwrap().keys().map(String::as_str).collect();
    let fields: Vec<_> = columns.into_iter().filter(|name| name.starts_with("field_")).collect();
    assert_eq!(fields, ["field_country", "field_name"]);
    house.close().await;
}

#[tokio::test]
async fn p_med_3_nobody_comes_onto_the_export_but_by_their_own_confirmation() {
    let house = House::open().await;
    for who in ["ann", "bob", "cem", "dora"] {
        house.sign_up(&format!("{who}@example.org")).await;
    }
    let text = async |who: &str| house.letter(&format!("{who}@example.org")).await.text;
    let (ann, bob, cem) = (text("ann").await, text("bob").await, text("cem").await);
    // Bob's scanner opens his links, Cem says that it was not him, Dora does nothing, and only Ann presses.
    for door in ["/c/", "/n/"] {
        assert_eq!(house.get(&link(&bob, door)).await.status(), 200);
    }
    assert_eq!(house.post(&link(&cem, "/n/"), &[]).await.status(), 200);
    assert_eq!(house.post(&link(&cem, "/c/"), &[]).await.status(), 200);
    assert_eq!(house.post(&link(&ann, "/c/"), &[]).await.status(), 200);
    // A signup that somebody else sends in does not count for her, however it calls itself.
    let form = [("email", "eve@example.org"), ("consent", "yes"), ("notice", "1"), ("state", "active")];
    assert_eq!(house.post("/lists/news", &form).await.status(), 422);
    for path in ["/lists/news/import", "/import", "/subscriptions", "/lists/news/subscriptions"] {
        for method in [Method::POST, Method::PUT] {
            let form = [("email", "eve@example.org"), ("consent", "yes"), ("notice", "1")];
            let answer = house.request(method, path).form(&form).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
    house.all_letters().await;
    house.advance(SignedDuration::from_hours(100));
    let people = house.people(NEWS).await;
    let emails: Vec<&Value> = people.iter().map(|person| &person["email"]).collect();
    assert_eq!(emails, ["ann@example.org"]);
    house.close().await;
}

#[tokio::test]
async fn p_med_5_the_unsubscribe_url_of_each_exported_row_works_for_that_person_alone() {
    let house = House::open().await;
    for who in ["ann", "bob", "cem"] {
        house.subscribe(&format!("{who}@example.org")).await;
    }
    let mut left = house.people(NEWS).await;
    assert_eq!(left.len(), 3);
    while let Some(person) = left.pop() {
        let url = person["unsubscribe_url"].as_str().unwrap();
        assert_eq!(person["list_unsubscribe"], format!("<{url}>"));
        assert_eq!(person["list_unsubscribe_post"], "List-Unsubscribe=One-Click");
        let (name, value) = ("List-Unsubscribe", "One-Click");
        let form = reqwest::multipart::Form::new().text(name, value);
        assert_eq!(house.http.post(url).multipart(form).send().await.unwrap().status(), 200);
        let mut rest = house.people(NEWS).await;
        let by_email = |person: &Value| person["email"].to_string();
        rest.sort_by_key(by_email);
        left.sort_by_key(by_email);
        assert_eq!(rest, left);
    }
    house.close().await;
}

#[tokio::test]
async fn p_med_6_a_new_purpose_puts_nobody_on_the_export_until_they_say_yes_again() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let bob = link(&house.letter("bob@example.org").await.text, "/c/");

    house.publish("The same, told better.", false).await;
    assert_eq!(house.people(NEWS).await.len(), 1, "a corrected wording keeps everybody");

    house.publish("Something else.", true).await;
    assert!(house.people(NEWS).await.is_empty());
    assert_eq!(house.post(&bob, &[]).await.status(), 409, "a yes to the old purpose is none to the new");
    assert!(house.people(NEWS).await.is_empty());
    // Nor does a further correction bring anybody back.
    house.publish("Something else, told better.", false).await;
    assert!(house.people(NEWS).await.is_empty());

    // Who reads the new text and says yes to it is on.
    let form = [("email", "cem@example.org"), ("consent", "yes"), ("notice", "4")];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    let cem = link(&house.letter("cem@example.org").await.text, "/c/");
    assert_eq!(house.post(&cem, &[]).await.status(), 200);
    let people = house.people(NEWS).await;
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["notice_version"], "4");
    house.close().await;
}

/// A part of med-7, which is kept once there is a page behind the link.
#[tokio::test]
async fn p_med_7_the_way_to_ones_data_comes_by_fresh_mail_alone_and_the_permanent_link_shows_none() {
    let house = House::open().await;
    let (email, name) = ("ann.quagga@example.org", "Annabella");
    let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en"), ("name", name)];
    assert_eq!(house.post("/lists/news", &form).await.status(), StatusCode::OK);
    let confirm = link(&house.letter(email).await.text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), StatusCode::OK);

    // Whoever has a forwarded issue has the permanent link. It shows nothing of hers, and leads to nothing of hers.
    let permanent = house.unsubscribe_url(email).await;
    let seen = decoded(&house.get(&permanent).await.text().await.unwrap());
    assert!(!seen.contains("quagga") && !seen.contains(name) && !seen.contains("/my/"), "{seen}");
    let text = permanent.rsplit('/').next().unwrap();
    assert!(house.app.links.tokens.read(Purpose::Data, text).is_err(), "nor does its token open more");

    // Whoever asks learns nothing but that the mailbox may: the link is in the letter, and each asking brings its own.
    let mut links = Vec::new();
    for _ in 0..2 {
        let asked_at = house.clock.now();
        let answer = house.post("/my", &[("email", email)]).await.text().await.unwrap();
        assert!(!decoded(&answer).contains("/my/") && !answer.contains("quagga"), "{answer}");
        let letter = house.letters(email, 2 + links.len()).await.pop().unwrap();
        assert_eq!(letter.to, email);
        let url = link(&letter.text, "/my/");
        let token = house.app.links.tokens.read(Purpose::Data, url.rsplit('/').next().unwrap()).unwrap();
        assert_eq!(i64::from(token.expiry), asked_at.as_second() + 60 * 60);
        links.push(url);
        house.all_letters().await;
        house.advance(SignedDuration::from_mins(10));
    }
    assert_ne!(links[0], links[1]);
    house.close().await;
}

#[tokio::test]
async fn p_med_6_who_is_asked_and_agrees_is_on_the_export_again_with_the_text_that_they_agreed_to() {
    let house = House::with_welcome().await;
    for email in ["ann@example.org", "bob@example.org"] {
        house.subscribe(email).await;
        house.receipts(email, 1).await;
    }
    house.publish("Something else.", true).await;
    assert!(house.people(NEWS).await.is_empty());
    assert_eq!(house.announce().await, 2);
    let letter = house.letters("ann@example.org", 3).await.pop().unwrap();
    assert!(letter.text.contains("Something else."), "{}", letter.text);
    let agree = link(&letter.text, "/a/");
    house.all_letters().await;

    // A scanner opens her link, and only she presses the button.
    let before = house.rows().await;
    assert_eq!(house.get(&agree).await.status(), StatusCode::OK);
    assert_eq!(house.rows().await, before);
    assert!(house.people(NEWS).await.is_empty());
    assert_eq!(house.post(&agree, &[("notice", "2"), ("lang", "en")]).await.status(), StatusCode::OK);
    let people = house.people(NEWS).await;
    let rows: Vec<_> =
        people.iter().map(|row| (row["email"].as_str(), row["notice_version"].as_str())).collect();
    assert_eq!(rows, [(Some("ann@example.org"), Some("2"))], "Bob has said nothing");

    // It is in the trail, and she can prove it.
    house.seal().await;
    let renewed = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 6 AND index IS NOT NULL";
    assert_eq!(house.count(renewed).await, 1);
    let proven = house.receipts("ann@example.org", 2).await.pop().unwrap().check().unwrap();
    assert_eq!((proven.event, proven.notice, proven.purpose), (Event::Renewed, 2, 2));
    house.close().await;
}

#[tokio::test]
async fn p_med_8_who_is_paused_or_has_left_is_off_the_very_next_export() {
    let house = House::open().await;
    house.subscribe("paused@example.org").await;
    assert_eq!(house.people(NEWS).await.len(), 1);
    house.execute("UPDATE subscriptions SET state = 3").await;
    assert!(house.people(NEWS).await.is_empty());

    let leave = house.subscribe("leaving@example.org").await;
    assert_eq!(house.people(NEWS).await.len(), 1);
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert!(house.people(NEWS).await.is_empty());
    house.close().await;
}

#[tokio::test]
async fn p_med_9_every_refusal_says_why_and_what_to_do() {
    for lang in languages() {
        let house = House::open().await;
        let (list, _) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
        let list = list.title(&lang);
        let mut refused = 0;
        for page in house.every_page(&lang).await.iter().filter(|page| page.status.as_u16() >= 400) {
            refused += 1;
            let (why, then) = match (page.name, page.status.as_u16()) {
                ("signup" | "my" | "leave", 422) => {
                    ("signup.problems".into(), "problem.email.invalid".into())
                }
                ("signup", 409) => ("signup.stale".into(), "signup.stale".into()),
                ("signup", 403) => ("signup.foreign".into(), "signup.foreign".into()),
                ("expired", 410) => ("expired.lead".into(), "expired.again".into()),
                ("undo_late", 410) => ("undo_late.lead".into(), "undo_late.again".into()),
                ("undo_used", 410) => ("undo_used.lead".into(), "undo_used.again".into()),
                ("notice_changed", 409) => ("notice_changed.lead".into(), "notice_changed.again".into()),
                ("agree_changed", 409) => ("agree_changed.lead".into(), "agree_changed.again".into()),
                ("data_expired", 410) => ("data_expired.lead".into(), "data_expired.again".into()),
                ("agree_expired", 410) => ("agree_expired.lead".into(), "agree_expired.again".into()),
                (name, _) => {
                    let refusal = name.strip_prefix("refused.").expect("a refusal that this test knows");
                    (format!("refusal.{refusal}.why"), format!("refusal.{refusal}.do"))
                }
            };
            let html = decoded(&page.html);
            for key in [why, then] {
                let n = if key.starts_with("signup") { "1" } else { "5" };
                let words = house.say(&lang, &key, &[("list", list), ("n", n)]);
                assert!(
                    words.len() > 15 && html.contains(&words),
                    "{} does not say {key}: {html}",
                    page.name
                );
            }
        }
        assert!(refused >= 20, "{refused} kinds of refusal were met");
        house.close().await;
    }
}

#[tokio::test]
async fn p_med_14_the_current_version_of_the_text_is_always_on_its_page() {
    let house = House::open().await;
    let current = async |lang: &str| {
        let html = house.get(&format!("/lists/news/notice?lang={lang}")).await.text().await.unwrap();
        decoded(&html)
    };
    assert!(current("en").await.contains("about once a month"));
    for (n, new_purpose) in [(2, false), (3, true), (4, false)] {
        house.advance(SignedDuration::from_hours(24));
        house.publish(&format!("What is told for the {n}th time."), new_purpose).await;
        let (en, de) = (current("en").await, current("de").await);
        assert!(en.contains(&format!("<p>What is told for the {n}th time.</p>")), "{en}");
        assert!(de.contains(&format!("<p>What is told for the {n}th time. (de)</p>")), "{de}");
        assert!(
            en.contains(&house.say("en", "notice.current", &[])) && !en.contains("about once a month"),
            "{en}"
        );
        // It is the one that the form shows.
        let form = house.get("/lists/news?lang=en").await.text().await.unwrap();
        assert!(form.contains(&format!("<p>What is told for the {n}th time.</p>")), "{form}");
    }
    house.close_list(NEWS).await;
    assert!(current("en").await.contains("<p>What is told for the 4th time.</p>"));
    house.close().await;
}

#[tokio::test]
async fn p_med_13_the_contact_for_complaints_is_on_every_page_and_letter() {
    is_shown_everywhere(&["privacy@example.org"]).await;
}

#[tokio::test]
async fn p_med_4_an_export_is_made_in_an_operators_name_and_leaves_entries_that_tell_how_much_left() {
    let house = House::open().await;
    for who in ["ann@example.org", "bob@example.org"] {
        house.subscribe(who).await;
    }
    let app = &house.app;
    let export = Export::of(app);
    house.seal().await;
    let before = house.trail(NEWS).await.newest.size;
    let nobody = export.write(NEWS, "nobody", Format::Csv, &mut Vec::new(), |_| {}).await;
    assert!(matches!(nobody, Err(ExportError::NoOperator(_))));
    house.seal().await;
    assert_eq!(house.trail(NEWS).await.newest.size, before, "nothing left, and nothing is said to have");

    let mut file = Vec::new();
    let manifest = export.write(NEWS, "tester", Format::Csv, &mut file, |_| {}).await.unwrap();
    assert_eq!(manifest.rows, Some(2));
    house.seal().await;
    let list = app.store.find_list(NEWS).await.unwrap().unwrap().0.number;
    let entries = app.store.entries(list, before, before + 3).await.unwrap();
    let mut entries: Vec<Entry> = entries.iter().map(|entry| Entry::read(entry).unwrap()).collect();
    entries.sort_by_key(|entry| entry.event as u8);
    let [began, exported] = entries[..] else { panic!("two entries: {entries:?}") };
    assert_eq!((began.event, exported.event), (Event::ExportBegan, Event::Exported));
    let (Tail::Service { id, tree_size, count }, Tail::Service { id: same, tree_size: at, count: rows }) =
        (began.tail, exported.tail)
    else {
        panic!("tails in the clear")
    };
    assert_eq!((id, tree_size, count, rows), (same, at, 0, 2));
    assert_eq!(tree_size, before, "all that had happened by then is in the log before it");
    assert_eq!(exported.notice[..], Sha256::digest(&file)[..], "the file's own SHA-256");

    // One that breaks off has begun, and nothing says that it was whole.
    let broken = "UPDATE subscriptions SET seal = '\\x00' WHERE id = (SELECT id FROM subscriptions LIMIT 1)";
    house.db().await.execute(broken, &[]).await.unwrap();
    assert!(export.write(NEWS, "tester", Format::Csv, &mut Vec::new(), |_| {}).await.is_err());
    house.seal().await;
    let last = app.store.entries(list, before + 2, u64::from(u32::MAX)).await.unwrap();
    let events: Vec<Event> = last.iter().map(|entry| Entry::read(entry).unwrap().event).collect();
    assert_eq!(events, [Event::ExportBegan]);
    house.close().await;
}
