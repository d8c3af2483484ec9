//! CP-Pro's promises.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use optin::app::App;
use optin::keys::KeyRing;
use optin::mail::session::{Answer, Door, Limits, Protocol};
use optin::token::SubscriptionId;
use reqwest::Method;
use zeroize::Zeroizing;

use super::is_shown_everywhere;
use crate::house::database::holds;
use crate::house::pages::{anchors, decoded, loads};
use crate::house::{House, NEWS, link, until};
use crate::process::{optin, run};

#[tokio::test]
async fn p_cp_1_subscribing_takes_an_address_and_a_declaration_of_consent_and_nothing_more() {
    let house = House::open().await;
    let input = regex::Regex::new(r"<(?:input|select)\b[^>]*>").unwrap();
    for path in ["/lists/news", "/lists/news?lang=de", "/lists/news?consent=yes&email=ann%40example.org"] {
        let html = house.get(path).await.text().await.unwrap();
        let inputs: Vec<&str> = input.find_iter(&html).map(|input| input.as_str()).collect();
        let consent = inputs.iter().find(|input| input.contains("name=\"consent\"")).unwrap();
        assert!(consent.contains("type=\"checkbox\"") && consent.contains("required"), "{consent}");
        assert!(!html.contains("checked"), "the box is ticked in advance");
        let demanded = inputs.iter().filter(|input| input.contains("required"));
        assert_eq!(demanded.count(), 2, "the address and the consent: {inputs:?}");
    }

    let before = house.rows().await;
    let undeclared = [("email", "ann@example.org"), ("notice", "1"), ("lang", "en"), ("name", "Ann")];
    assert_eq!(house.post("/lists/news", &undeclared).await.status(), 422);
    assert_eq!(house.rows().await, before);

    let enough = [("email", "ann@example.org"), ("consent", "yes"), ("notice", "1")];
    assert_eq!(house.post("/lists/news", &enough).await.status(), 200);
    let confirm = link(&house.letter("ann@example.org").await.text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    assert_eq!(house.people(NEWS).await[0]["email"], "ann@example.org");
    house.close().await;
}

#[tokio::test]
async fn p_cp_2_a_letter_with_the_link_goes_out_at_once_and_nobody_is_exported_before_the_click() {
    let house = House::open().await;
    // The clock stands still: the letter waits for no time to pass.
    house.sign_up("ann@example.org").await;
    let letter = house.letter("ann@example.org").await;
    assert_eq!(letter.date.as_second(), house.clock.now().as_second());
    let confirm = link(&letter.text, "/c/");
    assert!(decoded(&letter.html).contains(&confirm), "both forms of the letter have the link");
    assert!(confirm.starts_with(&format!("{}/c/", house.url)));
    assert!(house.people(NEWS).await.is_empty());
    assert_eq!(house.get(&confirm).await.status(), 200);
    assert!(house.people(NEWS).await.is_empty(), "opening the link is not the click");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    assert_eq!(house.people(NEWS).await.len(), 1);
    house.close().await;
}

/// A relay that takes nothing today.
fn closed_relay() -> Door {
    let later = Answer::reply(451, "4.3.0", "try again later");
    Door::new(
        Protocol::Smtp,
        "localhost",
        Limits::default(),
        move |_| async move { later },
        move |_| async move { later },
    )
}

#[tokio::test]
async fn p_cp_4_on_cancellation_everything_is_deleted_in_the_same_transaction() {
    let house = House::with_relay(closed_relay()).await;
    assert!(house.people(NEWS).await.is_empty());
    let before = house.rows().await;

    // Two letters wait for Ann, who is subscribed.
    let form = [("email", "ann@example.org"), ("consent", "yes"), ("notice", "1"), ("name", "Ann O'Hara")];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    let tried = "SELECT count(*) FROM outbox WHERE status = '4.3.0'";
    until("a try", async || house.count(tried).await == 1).await;
    let row = "SELECT id, expires_at, reference, address_key FROM subscriptions";
    let row = house.db().await.query_one(row, &[]).await.unwrap();
    let id = SubscriptionId(row.get::<_, &[u8]>("id").try_into().unwrap());
    let confirm = house.app.links.confirm(1, id, row.get::<_, Timestamp>("expires_at"));
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 2);
    let leave = house.unsubscribe_url("ann@example.org").await;

    // All or nothing: where a letter cannot be deleted, nothing is, and nobody is told otherwise.
    house.fault("DELETE", "outbox", "XX000").await;
    assert_eq!(house.post(&leave, &[]).await.status(), 500);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE state = 2").await, 1);
    let withdrawn = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2";
    assert_eq!(house.count(withdrawn).await, 0);
    house.mend().await;

    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0);
    let mut after = house.rows().await;
    for what in ["ann@example.org", "example.org", "O'Hara"] {
        assert!(!holds(&after, what));
    }
    // Two entries are left that name nobody: one came, one went; and two of the export between.
    let entries = after["trail_entries"].clone();
    for trail in ["trails", "trail_tiles", "trail_entries"] {
        after.insert(trail.into(), before[trail].clone());
    }
    // That an operator had exports made is on record, and of nobody in them.
    let records = after.insert("access_records".into(), before["access_records"].clone()).unwrap();
    assert!(
        records.len() > 1 && records.iter().all(|record| record.ends_with(",tester,export,)")),
        "{records:?}"
    );
    // How many did what on a day, which exports there were, and where the feed stands: of nobody.
    for table in ["tallies", "exports", "feeds"] {
        after.insert(table.into(), before[table].clone());
    }
    // By this whoever follows the feed drops them, for `feed_days` at most; whose it was, nothing tells any more.
    let news = after.insert("news".into(), before["news"].clone()).unwrap();
    let reference = data_encoding::HEXLOWER.encode(row.get::<_, &[u8]>("reference"));
    assert!(news.len() == 1 && news[0].contains(&format!("{reference}\",,")), "{news:?}");
    assert!(after == before, "only the trail tells that somebody was here");
    for column in ["id", "address_key"] {
        let name = data_encoding::HEXLOWER.encode(row.get::<_, &[u8]>(column));
        assert!(!news[0].contains(&name), "{column} outlives its person");
    }
    house.clock.advance(SignedDuration::from_hours(24 * 31));
    optin::chores::sweeper::sweep(&house.app).await.unwrap();
    house.clock.advance(SignedDuration::from_hours(24 * 31));
    optin::chores::sweeper::sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM news").await, 0);
    assert_eq!(entries.len(), before["trail_entries"].len() + 4);
    for column in ["id", "reference", "address_key"] {
        let name = data_encoding::HEXLOWER.encode(row.get::<_, &[u8]>(column));
        assert!(entries.iter().all(|entry| !entry.contains(&name)), "{column} outlives its person");
    }
    house.close().await;
}

#[tokio::test]
async fn p_cp_6_no_ip_address_is_stored_anywhere() {
    let house = House::open().await;
    let ips = ["203.0.113.77", "2001:db8::77", "127.0.0.1", "::1"];
    let post = async |path: &str, form: &[(&str, &str)]| {
        let request = house.request(Method::POST, path).form(form);
        let request = request.header("x-forwarded-for", "203.0.113.77, 2001:db8::77");
        let request = request.header("forwarded", "for=203.0.113.77;by=\"[2001:db8::77]\"");
        let request = request.header("x-real-ip", "203.0.113.77").header("true-client-ip", "2001:db8::77");
        assert_eq!(request.send().await.unwrap().status(), 200);
    };
    for email in ["ann@example.org", "bob@example.org"] {
        post("/lists/news", &[("email", email), ("consent", "yes"), ("notice", "1")]).await;
    }
    post(&link(&house.letter("ann@example.org").await.text, "/c/"), &[]).await;
    post("/lists/news", &[("email", "ann@example.org"), ("consent", "yes"), ("notice", "1")]).await;

    let rows = house.rows().await;
    let persons = house.persons().await;
    assert_eq!(persons.len(), 2);
    for ip in ips {
        assert!(!holds(&rows, ip), "{ip} is stored");
        for person in &persons {
            assert!(!person.record.contains(ip) && !person.address.contains(ip), "{ip} is under a seal");
            assert!(person.profile.values().all(|value| !value.contains(ip)));
        }
    }
    // The look itself works: what is known to be there is found.
    assert!(holds(&rows, NEWS) && holds(&rows, "Sampletown"));
    house.close().await;
}

#[tokio::test]
async fn p_cp_8_a_public_url_that_is_not_encrypted_is_refused_but_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("optin.toml");
    std::fs::write(&file, include_str!("../../../src/commands/dev/optin.toml")).unwrap();
    let ring = KeyRing::generate(Zeroizing::new(App::random()));
    for (url, good) in [
        ("https://news.example.org", true),
        ("http://127.0.0.1:8080", true),
        ("http://localhost:8080", true),
        ("http://news.example.org", false),
        ("http://10.0.0.1", false),
        ("http://localhost.example.org", false),
    ] {
        let settings = BTreeMap::from([
            ("OPTIN_CONFIG", file.display().to_string()),
            ("OPTIN_PUBLIC_URL", url.to_owned()),
            ("OPTIN_KEYS", ring.to_toml().to_string()),
            ("OPTIN_DATABASE_URL", "postgresql://127.0.0.1:1/optin".to_owned()),
            ("OPTIN_SMTP_URL", "smtp://127.0.0.1:1".to_owned()),
        ]);
        let said = run(optin(&["serve", "--check"], &settings)).await;
        if good {
            said.success();
        } else {
            assert!(said.refusal().contains("https://"), "{url}: {}", said.err);
        }
    }
}

#[tokio::test]
async fn p_cp_9_the_supervisory_authority_is_named_on_every_page_and_letter() {
    is_shown_everywhere(&["Data Protection Authority of Sampleland", "https://authority.example"]).await;
}

#[tokio::test]
async fn p_cp_10_no_page_and_no_letter_asks_a_third_party_for_anything() {
    let house = House::open().await;
    let is_ours = |url: &str| {
        let relative = url.starts_with(['/', '?', '#']) && !url.starts_with("//");
        relative || url.starts_with(&format!("{}/", house.url))
    };
    for page in house.every_page("en").await {
        for url in loads(&page.html) {
            assert!(is_ours(&url), "{} loads {url}", page.name);
        }
        // And were there such a thing, the browser would not fetch it, nor send a form there.
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for rule in ["default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|given| given == rule), "{}: {policy}", page.name);
        }
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
    }
    for letter in house.all_letters().await {
        assert_eq!(loads(&letter.html), [""; 0], "a letter loads something");
        assert!(anchors(&letter.html).iter().any(|url| is_ours(url)), "it has our links");
        assert!(!letter.html.contains("<img"));
    }
    let css = house.get("/assets/optin.css").await.text().await.unwrap();
    assert_eq!(loads(&css), [""; 0]);
    house.close().await;

    // Who does get the data is said before the yes.
    let house = House::open().await;
    let html = house.get("/lists/news?lang=en").await.text().await.unwrap();
    assert!(html.contains("Nobody else receives your data, apart from"), "{html}");
    house.close().await;
}
