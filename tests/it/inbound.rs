//! Mail that comes in: cancellations, and what is none.

mod bounces;
mod complaints;

use jiff::SignedDuration;
use serde_json::json;

use crate::house::mail::{MX, authentic, mail_from};
use crate::house::{House, NEWS};

const MAILBOX: &str = "leave@news.example.org";
const TAKEN: &str = "250 2.0.0";
const NO_SUCH: &str = "550 5.1.1";

/// A house whose news can be left by mail, with Ann on it.
async fn with_ann() -> (House, String) {
    let house = House::open().await;
    house.with_mailbox(MAILBOX).await;
    house.subscribe("ann@example.org").await;
    let address = house.leave_address("ann@example.org").await;
    (house, address)
}

#[tokio::test]
async fn p_cp_3_p_cgm_2_p_med_5_a_mail_to_the_address_at_the_end_of_every_message_erases_at_once() {
    let (house, address) = with_ann().await;
    assert!(address.starts_with("leave+") && address.ends_with("@news.example.org"));
    assert_eq!(address.split('@').next().unwrap().len(), 64, "what a local part may have");
    let answer =
        house.hand_in("someone@elsewhere.example", &address, &mail_from("someone@elsewhere.example")).await;
    assert_eq!(answer, TAKEN);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    let left = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2";
    assert_eq!(house.count(left).await, 1);
    house.close().await;
}

#[tokio::test]
async fn p_cgm_2_every_letter_to_a_subscribed_address_ends_with_the_address_to_leave_by() {
    let house = House::with_welcome().await;
    house.with_mailbox(MAILBOX).await;
    house.subscribe("ann@example.org").await;
    let address = house.leave_address("ann@example.org").await;
    house.sign_up("ann@example.org").await;
    for path in ["/my", "/lists/news/leave"] {
        house.post(path, &[("email", "ann@example.org")]).await;
    }
    house.publish("The same, told better.", false).await;
    assert_eq!(house.announce().await, 1);
    let letters = house.all_letters().await;
    assert_eq!(letters.len(), 6, "one of each kind but the one to a new address");
    for letter in letters {
        assert!(letter.text.trim_end().ends_with(&address), "{}", letter.subject);
        assert!(letter.html.contains(&format!("mailto:{address}")), "{}", letter.subject);
    }
    house.close().await;
}

#[tokio::test]
async fn a_new_address_is_not_told_how_to_end_what_is_not_its_own_yet() {
    let (house, address) = with_ann().await;
    house.post("/my", &[("email", "ann@example.org")]).await;
    let letters = house.letters("ann@example.org", 2).await;
    let my = crate::house::link(&letters[1].text, "/my/");
    house.post(&my, &[("do", "correct"), ("email", "new@example.org")]).await;
    let letter = house.letter("new@example.org").await;
    assert!(!letter.raw.contains("leave+") && !letter.text.contains(&address));
    house.close().await;
}

#[tokio::test]
async fn whoever_left_by_mail_is_told_once_in_their_language_at_the_address_that_left() {
    let house = House::open().await;
    house.with_mailbox(MAILBOX).await;
    for (lang, subject) in [
        ("en", "Your data has been deleted"),
        ("de", "Ihre Daten sind gelöscht"),
        ("sv", "Dina uppgifter har raderats"),
        ("ru", "Ваши данные удалены"),
    ] {
        let email = format!("{lang}@example.org");
        let form = [("email", email.as_str()), ("consent", "yes"), ("notice", "1"), ("lang", lang)];
        house.post("/lists/news", &form).await;
        let confirm = crate::house::link(&house.letter(&email).await.text, "/c/");
        house.post(&confirm, &[]).await;
        let address = house.leave_address(&email).await;
        let by_whom = "Mallory <win@spam.example>";
        let mail = mail_from(by_whom).replace("Subject: x", "Subject: buy now at spam.example");
        for _ in 0..2 {
            assert_eq!(house.hand_in("win@spam.example", &address, &mail).await, TAKEN);
        }
        let letters = house.letters(&email, 2).await;
        let reply = &letters[1];
        assert_eq!(reply.subject, subject);
        assert_eq!(reply.from, "", "the null sender: what comes of it comes back to nobody");
        assert_eq!(reply.headers["auto-submitted"], ["auto-replied"]);
        assert!(reply.text.contains(&format!("{}/lists/news?lang={lang}", house.url)), "the way back");
        let names: Vec<_> = reply.headers.keys().map(String::as_str).collect();
        assert!(!names.iter().any(|name| name.starts_with("list-")), "no list headers");
        assert!(!reply.raw.contains("spam.example") && !reply.raw.contains("Mallory"), "nothing is quoted");
        assert!(!reply.raw.contains("leave+") && !reply.raw.contains("/u/"), "and nothing works any more");
    }
    let letters = house.all_letters().await;
    assert_eq!(letters.iter().filter(|letter| letter.from.is_empty()).count(), 4, "one each");
    assert!(letters.iter().all(|letter| letter.to.ends_with("@example.org")), "and none to a stranger");
    house.close().await;
}

#[tokio::test]
async fn any_mail_will_do() {
    let house = House::open().await;
    house.with_mailbox(MAILBOX).await;
    let mails = [
        "\r\n".to_owned(),
        "Subject: Fwd: News\r\nFrom: a@b.example\r\n\r\n> unsubscribe\r\n".to_owned(),
        "From: a@b.example\r\nContent-Type: text/html\r\n\r\n<p>\u{43e}\u{442}\u{43f}\u{438}\u{441}\u{430}\u{442}\u{44c}\r\n".to_owned(),
        "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno boundary\r\n".to_owned(),
        format!("From: a@b.example\r\nX: {}\r\n\r\nlong\r\n", "x".repeat(900_000)),
    ];
    for (n, mail) in mails.iter().enumerate() {
        let email = format!("{n}@example.org");
        house.subscribe(&email).await;
        let address = house.leave_address(&email).await;
        // Some mail servers shout, some quote, some have lost the domain that the list once had.
        let address = match n {
            1 => address.to_uppercase(),
            2 => address.replace('@', "\"@").replace("leave", "\"leave"),
            3 => address.replace("news.example.org", "old.example.org"),
            _ => address,
        };
        assert_eq!(house.hand_in("a@b.example", &address, mail).await, TAKEN, "mail {n}");
        assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0, "mail {n}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_signup_that_waits_for_its_confirmation_can_be_ended_by_mail() {
    let house = House::open().await;
    house.with_mailbox(MAILBOX).await;
    house.sign_up("ann@example.org").await;
    let text = house.letter("ann@example.org").await.text;
    let address = text.trim_end().lines().last().unwrap().to_owned();
    assert_eq!(house.hand_in("ann@example.org", &address, &mail_from("ann@example.org")).await, TAKEN);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    assert_eq!(house.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2").await, 0);
    house.close().await;
}

#[tokio::test]
async fn what_programs_send_cancels_nothing() {
    let (house, address) = with_ann().await;
    for field in [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "X-Autoreply: yes",
        "List-Id: <friends.example.org>",
        "X-Spam-Flag: YES",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
    ] {
        let mail = format!("{field}\r\n{}", authentic("ann@example.org"));
        for to in [address.as_str(), MAILBOX] {
            assert_eq!(house.hand_in("ann@example.org", to, &mail).await, TAKEN, "{field}");
        }
    }
    for to in [address.as_str(), MAILBOX] {
        assert_eq!(house.hand_in("", to, &authentic("ann@example.org")).await, TAKEN, "the null sender");
    }
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1);
    assert_eq!(house.all_letters().await.len(), 1, "and nobody is answered");
    house.close().await;
}

#[tokio::test]
async fn the_plain_mailbox_believes_whom_our_mail_server_believes() {
    let (house, _) = with_ann().await;
    house.subscribe("bob@example.org").await;
    let mail = authentic("Ann@Example.org");
    assert_eq!(house.hand_in("bounce+1@example.org", "LEAVE@News.Example.org", &mail).await, TAKEN);
    assert_eq!(house.people(NEWS).await.len(), 1, "Ann has left, and nobody else");
    let letters = house.letters("ann@example.org", 2).await;
    assert_eq!(letters[1].subject, "Your data has been deleted");
    house.close().await;
}

#[tokio::test]
async fn from_anybody_else_the_plain_mailbox_sends_the_link_to_the_subscriber_once_a_day() {
    let (house, _) = with_ann().await;
    let forged = [
        mail_from("ann@example.org"),
        format!(
            "Authentication-Results: mx.evil; dmarc=pass header.from=example.org\r\n{}",
            mail_from("ann@example.org")
        ),
        format!(
            "Authentication-Results: {MX}; dmarc=fail header.from=example.org\r\n{}",
            mail_from("ann@example.org")
        ),
        format!(
            "Authentication-Results: {MX}; dmarc=pass header.from=evil.example\r\n{}",
            mail_from("ann@example.org")
        ),
        format!(
            "Authentication-Results: {MX}; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org\r\n{}",
            mail_from("ann@example.org")
        ),
    ];
    for mail in &forged {
        assert_eq!(house.hand_in("mallory@evil.example", MAILBOX, mail).await, TAKEN);
    }
    assert_eq!(house.people(NEWS).await.len(), 1, "nobody has left");
    let letters = house.all_letters().await;
    assert_eq!(letters.iter().map(|letter| letter.to.as_str()).collect::<Vec<_>>(), ["ann@example.org"; 2]);
    let unsubscribe = crate::house::link(&letters[1].text, "/u/");
    house.advance(SignedDuration::from_hours(23));
    house.hand_in("mallory@evil.example", MAILBOX, &forged[0]).await;
    assert_eq!(house.all_letters().await.len(), 2, "not again within the day");
    house.advance(SignedDuration::from_hours(2));
    house.hand_in("mallory@evil.example", MAILBOX, &forged[0]).await;
    assert_eq!(house.all_letters().await.len(), 3);
    assert_eq!(house.post(&unsubscribe, &[]).await.status(), 200);
    assert_eq!(house.people(NEWS).await.len(), 0);
    house.close().await;
}

#[tokio::test]
async fn strangers_are_never_answered() {
    let (house, address) = with_ann().await;
    house.sign_up("stranger@pending.example").await;
    let in_their_name = mail_from("stranger@pending.example");
    assert_eq!(house.hand_in("mallory@evil.example", MAILBOX, &in_their_name).await, TAKEN);
    for mail in [mail_from("stranger@elsewhere.example"), authentic("stranger@elsewhere.example")] {
        assert_eq!(house.hand_in("stranger@elsewhere.example", MAILBOX, &mail).await, TAKEN);
    }
    for mail in ["", "From: ann@example.org, stranger@elsewhere.example\r\n\r\n", "From: \"\r\n\r\n"] {
        assert_eq!(house.hand_in("stranger@elsewhere.example", MAILBOX, mail).await, TAKEN);
    }
    for unknown in [
        "leave+@news.example.org".to_owned(),
        address.replacen("leave+", "leave+a", 1),
        address.replacen("leave+", "b+", 1),
        address.replacen("leave+", "leave-", 1),
        "nobody@news.example.org".to_owned(),
        "leave@elsewhere.example".to_owned(),
        "postmaster".to_owned(),
    ] {
        let answer =
            house.hand_in("stranger@elsewhere.example", &unknown, &authentic("ann@example.org")).await;
        assert_eq!(answer, NO_SUCH, "{}", unknown.len());
    }
    assert_eq!(house.people(NEWS).await.len(), 1);
    assert_eq!(house.all_letters().await.len(), 2, "the two confirmations");
    house.close().await;
}

#[tokio::test]
async fn a_token_of_one_list_ends_nothing_on_another_and_one_without_a_row_ends_nothing() {
    let (house, address) = with_ann().await;
    house.new_list("offers", json!([])).await;
    house.set_options("offers", json!({ "sender": { "mailbox": "leave@offers.example.org" } })).await;
    house.subscribe_to("offers", "ann@example.org", &[]).await;
    let at_offers = address.replace("news.example.org", "offers.example.org");
    for _ in 0..2 {
        let answer = house.hand_in("ann@example.org", &at_offers, &mail_from("ann@example.org")).await;
        assert_eq!(answer, TAKEN);
    }
    assert_eq!((house.people(NEWS).await.len(), house.people("offers").await.len()), (0, 1));
    house.subscribe_to(NEWS, "ann@example.org", &[]).await;
    house.hand_in("ann@example.org", &address, &mail_from("ann@example.org")).await;
    assert_eq!(house.people(NEWS).await.len(), 1, "an old address does not touch a new subscription");
    house.close().await;
}

#[tokio::test]
async fn lists_with_one_mailbox_are_left_together_and_told_of_in_one_letter() {
    let (house, _) = with_ann().await;
    house.new_list("offers", json!([])).await;
    house.set_options("offers", json!({ "sender": { "mailbox": MAILBOX } })).await;
    house.new_list("others", json!([])).await;
    for slug in ["offers", "others"] {
        house.subscribe_to(slug, "ann@example.org", &[]).await;
    }
    let before = house.all_letters().await.len();
    house.hand_in("ann@example.org", MAILBOX, &authentic("ann@example.org")).await;
    assert_eq!((house.people(NEWS).await.len(), house.people("offers").await.len()), (0, 0));
    assert_eq!(house.people("others").await.len(), 1);
    let letters = house.letters("ann@example.org", before + 1).await;
    assert_eq!(letters.len(), before + 1);
    let reply = letters.last().unwrap();
    assert!(reply.text.contains("Sampletown News") && reply.text.contains("The offers"));
    house.close().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_what_cannot_be_done_now_comes_again() {
    let (house, address) = with_ann().await;
    let huge = format!("{}{}\r\n", mail_from("ann@example.org"), "x".repeat(1 << 20));
    assert_eq!(house.hand_in("ann@example.org", &address, &huge).await, "552 5.3.4");
    house.fault("DELETE", "subscriptions", "57P03").await;
    assert_eq!(house.hand_in("ann@example.org", &address, &mail_from("ann@example.org")).await, "451 4.3.0");
    assert_eq!(house.people(NEWS).await.len(), 1);
    house.mend().await;
    assert_eq!(house.hand_in("ann@example.org", &address, &mail_from("ann@example.org")).await, TAKEN);
    assert_eq!(house.people(NEWS).await.len(), 0);
    let letters = house.letters("ann@example.org", 2).await;
    assert_eq!(letters.len(), 2, "one answer, for the one that erased");
    house.close().await;
}
