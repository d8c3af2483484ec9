//! `optin evidence make`: what a regulator is given, and that each making is on record.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use optin::chores::sweeper::sweep;
use optin::consent::operator::Role;
use optin::consent::receipt::Receipt;
use optin::journeys::evidence::{Evidence, EvidenceError, Pieces};
use optin::trail::entry::Event;
use serde_json::Value;

use crate::house::pages::decoded;
use crate::house::{House, database, languages};
use crate::process::run;
use crate::serve::site::{Relay, Site, count};

const ANN: &str = "ann@example.org";

async fn make(house: &House, address: &str) -> Result<Pieces, EvidenceError> {
    let app = &house.app;
    app.store.add_operator("olga", Role::Admin, app.clock.now()).await.unwrap();
    let evidence = Evidence {
        store: &app.store,
        keys: &app.keys,
        links: &app.links,
        templates: &app.templates,
        clock: &app.clock,
    };
    evidence.make("news", address, "olga").await
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[tokio::test]
async fn p_med_3_p_med_6_evidence_shows_the_persons_own_yes_and_the_purpose_that_it_was_to() {
    let house = House::open().await;
    let form = [
        ("email", "Ann@Example.org"),
        ("consent", "yes"),
        ("notice", "1"),
        ("lang", "de"),
        ("name", "Annabella <Quince>"),
    ];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    // Whoever has only been signed up, by whomever, has agreed to nothing.
    assert!(matches!(make(&house, ANN).await, Err(EvidenceError::Pending)));
    let confirm = crate::house::link(&house.letter(ANN).await.text, "/c/");
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);

    // A new purpose changes nothing of what was agreed to.
    house.publish("To sell you things.", true).await;
    let pieces = make(&house, ANN).await.unwrap();
    let receipt = Receipt::parse(&pieces.evidence).unwrap();
    let proven = receipt.check().unwrap();
    assert_eq!((proven.list, proven.notice, proven.purpose), (1, 1, 1));
    assert_eq!(i64::from(proven.hour), house.clock.now().as_second() / 3600);
    let record = read(&pieces.record);
    assert_eq!(record["address"], "Ann@Example.org");
    assert_eq!(
        (record["language"].as_str(), &record["fieldsGiven"]),
        (Some("de"), &serde_json::json!(["name"]))
    );
    let shown = house.request(reqwest::Method::GET, "/lists/news/notices/1?lang=de");
    let shown = shown.header("accept", "application/json").send().await.unwrap().text().await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(record["notice"], shown["notice"]["sha256"]);
    assert_eq!(pieces.notice, receipt.notice().as_bytes());
    let text = String::from_utf8(pieces.text).unwrap();
    assert!(shown.to_string().contains(text.split("\n\n").next().unwrap()), "{text}");

    // It opens this one entry: the secret, which opens all, stays under the seal.
    let [person] = &house.persons().await[..] else { panic!("one person") };
    assert!(receipt.secret().is_none());
    let secret = URL_SAFE_NO_PAD.encode(&person.secret[..]);
    assert!(!String::from_utf8(pieces.evidence).unwrap().contains(&secret));

    let summary = String::from_utf8(pieces.summary).unwrap();
    for told in ["Ann@Example.org", "olga", "HRB 12345", "authority.example", proven.checkpoint.origin()] {
        assert!(summary.replace("&#x2f;", "/").contains(told), "{told}");
    }
    assert!(!summary.contains("Quince") && !summary.contains("To sell you things."));
    house.close().await;
}

#[tokio::test]
async fn the_page_of_the_evidence_speaks_the_lists_language_and_shows_the_text_in_the_persons() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    let words = house.app.templates.words();
    for lang in languages() {
        house.set_options("news", serde_json::json!({ "lang": lang })).await;
        let summary = make(&house, ANN).await.unwrap().summary;
        let summary = decoded(&String::from_utf8(summary).unwrap());
        assert!(summary.contains(&format!("<html lang=\"{lang}\">")), "{summary}");
        for key in ["title", "how", "proof_lead", "check_key", "rest"] {
            assert!(summary.contains(&house.say(&lang, &format!("evidence.{key}"), &[])), "{lang}: {key}");
        }
        assert!(
            summary.contains(&words.moment(&lang, house.clock.now()).unwrap()),
            "{lang}: when it was made"
        );
        assert!(summary.contains("<div lang=\"en\">\n<p>We will use your e-mail address"), "{summary}");
    }
    house.close().await;
}

#[tokio::test]
async fn p_med_6_evidence_of_somebody_who_agreed_anew_shows_that_yes_and_the_text_that_it_was_to() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    house.publish("To sell you things.", true).await;
    house.announce().await;
    let agree = crate::house::link(&house.all_letters().await.pop().unwrap().text, "/a/");
    house.advance(SignedDuration::from_hours(5));
    assert_eq!(house.post(&agree, &[("notice", "2"), ("lang", "de")]).await.status(), 200);

    let pieces = make(&house, ANN).await.unwrap();
    let receipt = Receipt::parse(&pieces.evidence).unwrap();
    let proven = receipt.check().unwrap();
    assert_eq!((proven.event, proven.notice, proven.purpose), (Event::Renewed, 2, 2));
    assert_eq!(i64::from(proven.hour), house.clock.now().as_second() / 3600);
    let record = read(&pieces.record);
    assert_eq!((record["language"].as_str(), record["renewedAt"].as_str().is_some()), (Some("de"), true));
    assert!(String::from_utf8(pieces.text).unwrap().starts_with("To sell you things. (de)"));
    let summary = String::from_utf8(pieces.summary).unwrap();
    for (key, is_told) in
        [("renewed", true), ("renewed_by", true), ("signed_up", false), ("confirmed", false)]
    {
        let words = house.say("en", &format!("evidence.{key}"), &[]);
        assert_eq!(summary.contains(&format!("<dt>{words}</dt>")), is_told, "{key}");
    }
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_p_med_11_who_looked_is_on_record_without_the_name_of_anybody_who_has_left_for_sixty_days() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    let records = async |and: &str| {
        house.count(&format!("SELECT count(*) FROM access_records WHERE act = 'evidence' {and}")).await
    };
    make(&house, ANN).await.unwrap();
    assert_eq!(records("AND operator = 'olga' AND subscription = (SELECT id FROM subscriptions)").await, 1);
    assert_eq!(house.count("SELECT count(*) FROM access_records WHERE act = 'export'").await, 1);

    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!((records("AND subscription IS NULL").await, records("").await), (1, 1));
    assert!(matches!(make(&house, ANN).await, Err(EvidenceError::Nobody(_))));
    assert_eq!(
        (records("AND subscription IS NULL").await, records("").await),
        (2, 2),
        "an attempt counts too"
    );

    house.advance(SignedDuration::from_hours(60 * 24 - 1));
    sweep(&house.app).await.unwrap();
    assert_eq!(records("").await, 2);
    house.advance(SignedDuration::from_hours(2));
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM access_records").await, 0);
    house.close().await;
}

/// Whom a record names is there no more once another signup has taken the place.
#[tokio::test]
async fn p_cp_4_a_record_of_a_signup_that_was_replaced_names_nobody() {
    let house = House::open().await;
    house.sign_up(ANN).await;
    assert!(matches!(make(&house, ANN).await, Err(EvidenceError::Pending)));
    let names = "SELECT count(*) FROM access_records WHERE subscription IS NOT NULL";
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count(names).await, 1, "she is there");
    house.advance(SignedDuration::from_mins(11));
    house.sign_up(ANN).await;
    sweep(&house.app).await.unwrap();
    assert_eq!(house.count(names).await, 0);
    assert_eq!(house.count("SELECT count(*) FROM access_records").await, 1);
    house.close().await;
}

#[tokio::test]
async fn the_command_writes_a_zip_for_its_owner_alone_and_names_nobody_when_it_refuses() {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let replica = site.serve().await;
    for email in [ANN, "pending@example.org"] {
        assert_eq!(replica.sign_up(email).await.status(), 200);
    }
    assert_eq!(replica.press(&relay.confirm_link(ANN).await).await, 200);
    let zip = site.path("evidence.zip");
    let make = |slug: &str, email: &str, operator: &str| {
        let arguments = ["evidence", "make", slug, email, "--as", operator, "--out", &zip];
        crate::process::optin(&arguments, &site.settings)
    };
    for (slug, email, operator, told) in [
        ("news", "nobody@example.org", "olga", "nobody with this address"),
        ("news", "pending@example.org", "olga", "not been confirmed"),
        ("news", "no address", "olga", "not an e-mail address"),
        ("none", ANN, "olga", "no list `none`"),
        (ANN, "news", "olga", "not a list's slug"),
        ("news", ANN, "igor", "no operator `igor`"),
    ] {
        let said = run(make(slug, email, operator)).await;
        assert!(said.refusal().contains(told), "{}", said.err);
        assert!(!said.err.contains("example.org") && !said.err.contains("no address"), "{}", said.err);
        let left: Vec<_> =
            std::fs::read_dir(site.dir.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_str().unwrap().contains("evidence")), "{left:?}");
    }
    assert_eq!(
        count(&url, "SELECT count(*) FROM access_records WHERE act = 'evidence'").await,
        2,
        "who was not there, and who is pending"
    );

    run(make("news", ANN, "olga")).await.success();
    assert_eq!(std::fs::metadata(&zip).unwrap().permissions().mode() & 0o777, 0o600);
    let trail = format!("{}/trails/news", replica.url);
    let said = site.run(&["evidence", "verify", &zip]).await;
    assert!(said.success().starts_with("consented to notice 1 in hour "), "{}", said.out);
    // What is newer than the public's checkpoint is there for auditors.
    let mirror = site.path("mirror");
    std::fs::write(site.path("token"), site.run(&["operator", "token", "olga"]).await.success()).unwrap();
    let follow = ["trail", "mirror", &mirror, "--from", &trail, "--token-file", &site.path("token")];
    site.run(&follow).await.success();
    let said = site.run(&["evidence", "verify", &zip, "--trail", &mirror]).await;
    assert!(said.success().contains("trail consistent"), "{}", said.out);
}
