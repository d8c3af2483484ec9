//! Who is believed, and who is not even taken.

use super::milter::Milter;
use super::{ANN, MAILBOX, PEOPLE, behind_postfix, has_left_and_knows};
use crate::house::mail::{MX, mail_from};
use crate::house::{link, until};

const MALLORY: &str = "mallory@evil.test";

#[tokio::test]
async fn who_is_unknown_here_is_refused_in_the_session_and_nobody_gets_a_bounce_for_it() {
    let Some((house, postfix)) = behind_postfix(|_| {}).await else { return };
    house.subscribe(ANN).await;
    let way = house.leave_address(ANN).await;
    let last = way.split('@').next().unwrap().len() - 1;
    let mut forged = way.clone();
    forged.replace_range(last..=last, if &way[last..=last] == "a" { "b" } else { "a" });
    let mut client = postfix.client().await;
    for unknown in [&forged, &way.replacen("leave+", "b+", 1), "nobody@news.example.org"] {
        // The sender is somebody who has nothing to do with it.
        assert_eq!(client.ask("victim@example.org", unknown).await, "550 5.1.1");
    }
    assert_eq!(client.ask("victim@example.org", "victim@elsewhere.test").await, "554 5.7.1");
    assert_eq!(client.ask("victim@example.org", &way).await, "250 2.1.5");

    assert_eq!(house.count(PEOPLE).await, 1);
    until("an empty queue", async || postfix.queue() == 0).await;
    assert_eq!(house.all_letters().await.len(), 1, "her confirmation");
    assert!(!postfix.has_bounced());
    house.close().await;
}

/// Mails that claim in a stranger's words that our mail server has found them true.
fn forgeries() -> Vec<String> {
    let claim = format!("{MX}; dmarc=pass header.from=example.org");
    let fields = [
        format!("Authentication-Results: {claim}\r\n"),
        format!("authentication-results: {claim}\r\n"),
        format!("AUTHENTICATION-RESULTS:{claim}\r\n"),
        format!("Authentication-Results \t: {claim}\r\n"),
        format!("Authentication-Results:\r\n\t{MX};\r\n dmarc=pass\r\n\theader.from=example.org\r\n"),
        format!("Authentication-Results: {claim}\r\nAuthentication-Results: {claim}\r\n"),
        format!("Authentication-Results: \"{MX}\" (ours) 1; dmarc/1=pass header.from=\"example.org\"\r\n"),
        format!("Authentication-Results: mx.evil; dmarc=fail\r\nX: y\r\nAuthentication-Results: {claim}\r\n"),
        format!("X: y\rAuthentication-Results: {claim}\r\n"),
        format!("X: y\r\n\r: z\r\nAuthentication-Res\rults: {claim}\r\n"),
        format!("no field at all\r\nAuthentication-Results: {claim}\r\n"),
        format!("X: {}\r\nAuthentication-Results: {claim}\r\n", "y".repeat(110_000)),
        format!("Content-Type: message/rfc822\r\n\r\nAuthentication-Results: {claim}\r\n"),
    ];
    let before = fields.iter().map(|field| format!("{field}{}", mail_from(ANN)));
    let behind =
        fields.iter().map(|field| mail_from(ANN).replacen("\r\n\r\n", &format!("\r\n{field}\r\n"), 1));
    before.chain(behind).collect()
}

#[tokio::test]
async fn only_our_own_mail_servers_word_counts_on_who_sent_a_mail() {
    let milter = Milter::open().await;
    let at = format!("inet:127.0.0.1:{}", milter.port);
    let Some((house, postfix)) = behind_postfix(|files| files.set("smtpd_milters", &at)).await else {
        return;
    };
    for email in [ANN, "bob@example.org"] {
        house.subscribe(email).await;
    }
    // It has looked, and found nothing to say.
    milter.say(&format!("{MX}; spf=none smtp.mailfrom={MALLORY}"));
    let mut client = postfix.client().await;
    let forgeries = forgeries();
    for forgery in &forgeries {
        client.send(MALLORY, MAILBOX, forgery).await;
    }
    until("their delivery", async || postfix.delivered(MAILBOX) == forgeries.len()).await;
    assert_eq!(house.count(PEOPLE).await, 2, "nobody has left");
    let letters = house.letters(ANN, 2).await;
    until("an empty queue", async || postfix.queue() == 0).await;
    assert_eq!(house.letters(ANN, 2).await.len(), 2, "she is asked once");
    assert!(link(&letters[1].text, "/u/").starts_with(&house.url));

    milter.say(&format!("{MX};\n\tdmarc=pass (p=reject) header.from=example.org"));
    // What a stranger claims of our server harms nobody's own wish either.
    let wish =
        format!("Authentication-Results: {MX}; dmarc=fail header.from=example.org\r\n{}", mail_from(ANN));
    client.send(ANN, MAILBOX, &wish).await;
    has_left_and_knows(&house, &postfix, ANN, 3).await;
    assert_eq!(house.count(PEOPLE).await, 1);
    assert_eq!(house.all_letters().await.len(), 4, "and nobody else has heard of it");
    house.close().await;
}
