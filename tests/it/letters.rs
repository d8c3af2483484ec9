//! Letters: what they look like. What the standards ask of their bytes is in `letters/standards.rs`, what relays do to
//! them in `letters/relays.rs`.

mod ascii;
mod faulty;
mod gone;
mod pace;
mod relays;
mod script;
mod standards;

use optin::mail::inbox::Caught;

use crate::house::receipts::receipt_in;
use crate::house::{House, NEWS, languages, link};

const ANN: &str = "ann@example.org";
const GRETA: &str = "greta@example.org";
/// Confirmation, welcome with the receipt, already subscribed, the two that are asked for by address, new notice.
const KINDS: usize = 6;
/// What a spammer would like us to mail to strangers.
const SPAM: &str = "Win now at spam.example";

/// Somebody who reads this language.
fn reader_of(lang: &str) -> String {
    format!("{lang}@example.org")
}

/// One letter of each kind in each language. Everybody typed more than their address.
async fn letters_of_each_kind(house: &House) -> Vec<Caught> {
    for lang in languages() {
        let email = &*reader_of(&lang);
        let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", &lang), ("name", SPAM)];
        assert_eq!(house.post("/lists/news", &form).await.status(), 200);
        let confirm = link(&house.letter(email).await.text, "/c/");
        assert_eq!(house.post(&confirm, &[]).await.status(), 200);
        house.letters(email, 2).await;
        // Somebody types the address once more, in English.
        let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en"), ("name", SPAM)];
        assert_eq!(house.post("/lists/news", &form).await.status(), 200);
        house.letters(email, 3).await;
        for (n, door) in ["/my", "/lists/news/leave"].into_iter().enumerate() {
            let form = [("email", email), ("name", SPAM), ("lang", "en")];
            assert_eq!(house.post(&format!("{door}?lang=en&name=Win+now"), &form).await.status(), 200);
            house.letters(email, 4 + n).await;
        }
    }
    house.publish("Something else.", true).await;
    assert_eq!(house.announce().await as usize, languages().len());
    let mut letters = house.all_letters().await;
    // Each person's in their order.
    letters.sort_by(|one, next| one.to.cmp(&next.to));
    assert_eq!(letters.len(), languages().len() * KINDS);
    letters
}

fn header<'a>(letter: &'a Caught, name: &str) -> &'a str {
    match letter.headers.get(name).map(Vec::as_slice) {
        Some([value]) => value,
        other => panic!("{name}: {other:?}"),
    }
}

/// Without the line breaks of a letter's plain text.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// HTML as a reader sees it, roughly: without tags, entities decoded.
fn seen(html: &str) -> String {
    let style = regex::Regex::new("(?s)<style>.*?</style>").unwrap();
    let tag = regex::Regex::new("<[^>]*>").unwrap();
    let text = tag.replace_all(&style.replace_all(html, ""), " ").into_owned();
    let entities =
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let text = entities.into_iter().fold(text, |text, (entity, plain)| text.replace(entity, plain));
    in_one_line(&text)
}

#[tokio::test]
async fn p_cp_2_the_confirmation_letter_holds_the_two_links_and_they_work() {
    let house = House::open().await;
    for (email, door, left) in [(ANN, "/c/", 1), (GRETA, "/n/", 1)] {
        house.sign_up(email).await;
        let letter = house.letter(email).await;
        let url = link(&letter.text, door);
        assert!(url.starts_with(&format!("{}{door}", house.url)));
        let html = letter.html.replace("&#x2f;", "/");
        assert!(html.contains(&format!("href=\"{url}\"")), "both parts hold the same link");
        assert_eq!(house.post(&url, &[]).await.status(), 200);
        assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, left);
    }
    house.close().await;
}

#[tokio::test]
async fn p_cen_1_letters_speak_the_language_that_the_person_signed_up_in() {
    let house = House::with_welcome().await;
    let letters = letters_of_each_kind(&house).await;
    let subjects: Vec<_> = letters.iter().map(|letter| letter.subject.as_str()).collect();
    for subject in [
        "Bitte bestätigen: Neues aus Musterstadt",
        "You are subscribed: Sampletown News",
        "Du är redan anmäld: Nytt från Exempelstad",
        "Подтвердите подписку: Новости Примерска",
    ] {
        assert!(subjects.contains(&subject), "{subject}: {subjects:?}");
    }
    let (list, _) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
    for lang in languages() {
        let (own, others): (Vec<_>, Vec<_>) =
            letters.iter().partition(|letter| letter.to == reader_of(&lang));
        let subjects = [
            "confirmation.subject",
            "welcome.subject",
            "already_subscribed.subject",
            "data_link.subject",
            "leave_link.subject",
            "notice_change.subject_asking",
        ];
        for (letter, subject) in own.iter().zip(subjects) {
            let key = format!("letter.{subject}");
            assert_eq!(letter.subject, house.say(&lang, &key, &[("list", list.title(&lang))]));
            assert!(letter.html.contains(&format!("<html lang=\"{lang}\">")), "{}", letter.html);
        }
        assert_eq!(own.len(), KINDS);
        for key in ["letter.salutation", "footer.responsible"] {
            let words = house.say(&lang, key, &[]);
            assert!(own.iter().all(|letter| letter.text.contains(&words) && letter.html.contains(&words)));
            assert!(!others.iter().any(|letter| letter.text.contains(&words)), "only theirs: {words}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn p_med_1_p_med_13_p_cp_9_every_letter_names_the_controller_where_to_complain_and_the_authority() {
    let house = House::with_welcome().await;
    for letter in letters_of_each_kind(&house).await {
        for part in [in_one_line(&letter.text), seen(&letter.html)] {
            for who in [
                "Example Publishing 1 Sample Street 12345 Sampletown",
                "Register of Sampletown, HRB 12345",
                "privacy@example.org",
                "Data Protection Authority of Sampleland, https://authority.example",
            ] {
                assert!(part.contains(who), "{who}: {part}");
            }
        }
    }
    house.close().await;
}

#[tokio::test]
async fn p_cen_3_p_cp_10_service_letters_carry_no_list_headers_and_fetch_nothing_from_elsewhere() {
    let house = House::with_welcome().await;
    let hrefs = regex::Regex::new("href=\"([^\"]*)\"").unwrap();
    for letter in letters_of_each_kind(&house).await {
        let names: Vec<_> = letter.headers.keys().map(String::as_str).collect();
        let plain =
            ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"];
        assert_eq!(names, plain);
        let html = letter.html.to_lowercase();
        for fetching in ["src=", "<img", "<link", "<script", "<iframe", "url(", "@import", "srcset"] {
            assert!(!html.contains(fetching), "{fetching}");
        }
        for href in hrefs.captures_iter(&letter.html.replace("&#x2f;", "/")).map(|found| found[1].to_owned())
        {
            let known = [house.url.as_str(), "mailto:", "https://authority.example"];
            assert!(known.iter().any(|start| href.starts_with(start)), "a link to elsewhere: {href}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn a_letter_repeats_nothing_that_the_visitor_typed_but_the_address() {
    let house = House::with_welcome().await;
    for letter in letters_of_each_kind(&house).await {
        let headers: Vec<_> = letter.headers.values().flatten().map(String::as_str).collect();
        let all = [&letter.subject, &letter.text, &letter.html, &letter.raw, &headers.join("\n")];
        assert!(all.iter().all(|text| !text.contains("spam.example") && !text.contains("Win now")));
        // Nor does the file, which only who has confirmed gets: it names the fields that were filled in, not what in.
        if let Some(receipt) = receipt_in(&letter) {
            let file = String::from_utf8(receipt.to_json()).unwrap();
            assert!(!file.contains("spam.example") && file.contains(&letter.to));
        }
    }
    house.close().await;
}

#[tokio::test]
async fn letters_reach_addresses_of_every_script() {
    let house = House::open().await;
    for (typed, reached) in
        [("jörg@example.org", "jörg@example.org"), ("eva@müller.example", "eva@xn--mller-kva.example")]
    {
        house.sign_up(typed).await;
        let letter = house.letter(reached).await;
        assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    }
    assert!(house.export("csv").await.contains("eva@müller.example"), "kept as typed");
    house.close().await;
}
