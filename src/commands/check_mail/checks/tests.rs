//! A good newsletter, and each thing that can be wrong with one.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::commands::check_mail::report::Level::{self, Fails, Note};
use crate::consent::list::ListOptions;
use crate::keys::KeyRing;
use crate::token::SubscriptionId;

const MAILBOX: &str = "leave@lists.example.org";
const ANN: SubscriptionId = SubscriptionId([7; 14]);
const BEN: SubscriptionId = SubscriptionId([8; 14]);

fn links() -> Links {
    Links::new("https://news.example.org".into(), &KeyRing::generate(Zeroizing::new([1; 96])))
}

fn strangers() -> Links {
    Links::new("https://news.example.org".into(), &KeyRing::generate(Zeroizing::new([2; 96])))
}

fn list(mailbox: Option<&str>) -> List {
    let mut options = ListOptions::titled("en", "Sampletown News");
    options.sender.mailbox = mailbox.map(str::to_owned);
    List { number: 3, slug: "news".into(), options, is_closed: false }
}

fn known() -> Known {
    Known::List(Box::new(list(Some(MAILBOX))))
}

fn url(id: SubscriptionId) -> String {
    links().unsubscribe(3, id)
}

fn mailto(id: SubscriptionId) -> String {
    links().leave_mailto(MAILBOX, 3, id).unwrap()
}

/// A newsletter to Ann, as a program that folds would send it.
fn good() -> String {
    let (url, mailto) = (url(ANN), mailto(ANN));
    let html = format!("<html><p>News!<p><a href=3D\"{url}\">Leave</a></html>");
    [
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=a; bh=AAAA; b=BBBB;",
        "\th=From:To:Subject:List-Unsubscribe:",
        "\t List-Unsubscribe-Post:Date",
        "From: Sampletown News <news@example.org>",
        "Reply-To: editors@example.org",
        "To: ann@example.org",
        "Subject: Sampletown News",
        &format!("List-Unsubscribe:\n <{url}>,\n <mailto:{mailto}?subject=unsubscribe>"),
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative; boundary=\"cut\"",
        "",
        "--cut",
        "Content-Type: text/plain; charset=utf-8",
        "",
        &format!("News!\n\nLeave: {url}."),
        "--cut",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        &html.replace("/u/", "/u=\n/"),
        "--cut--",
        "",
    ]
    .join("\n")
}

fn check(mail: &str, known: &Known) -> Vec<Finding> {
    let links = links();
    Sample::read(mail.as_bytes(), &links).expect("a mail").check(known)
}

/// What is not well, by level and check.
fn amiss(mail: &str, known: &Known) -> Vec<(Level, &'static str)> {
    let findings = check(mail, known);
    findings
        .into_iter()
        .filter(|finding| finding.level != Level::Well)
        .map(|finding| (finding.level, finding.check))
        .collect()
}

#[test]
fn a_good_newsletter_passes_every_check_with_either_line_end() {
    assert_eq!(amiss(&good(), &known()), []);
    assert_eq!(amiss(&good().replace('\n', "\r\n"), &known()), []);
    assert_eq!(amiss(&format!("From - Sun Nov 22 2026\n{}", good()), &known()), []);
    let told: Vec<String> = check(&good(), &known()).into_iter().map(|finding| finding.told).collect();
    assert!(told.contains(&"3, `news`: Sampletown News".to_owned()), "{told:?}");
}

/// What is broken: its name, the part of a good newsletter, what takes its place, what is not well then.
type Case<'a> = (&'a str, &'a str, String, Vec<(Level, &'a str)>);

#[test]
fn whatever_is_broken_fails_on_its_own_line() {
    let (ann, ben, by_mail) = (url(ANN), url(BEN), mailto(ANN));
    let value = format!("\n <{ann}>,\n <mailto:{by_mail}?subject=unsubscribe>\n");
    let post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n";
    let header = format!("List-Unsubscribe:{value}");
    let text = format!("Leave: {ann}.");
    let in_html = format!("href=3D\"{}", ann.replace("/u/", "/u=\n/"));
    let stranger = strangers().unsubscribe(3, ANN);
    let tracked = format!("https://click.example/?to={}", ann.replace('/', "%2F"));
    let one = |check: &'static str| vec![(Fails, check)];
    let bracketed = format!("<{ann}>");
    let second = format!(",\n <mailto:{by_mail}?subject=unsubscribe>");
    let cases: Vec<Case> = vec![
        (
            "a fold without its blank",
            "\n <mailto:",
            "\nmailto".into(),
            // There the header ends, and with it what says that there is HTML.
            vec![(Fails, "header"), (Fails, "List-Unsubscribe"), (Note, "mailto"), (Note, "HTML")],
        ),
        (
            "a fold without its blank, read as a field",
            "\n <mailto:",
            "\n<mailto:".into(),
            vec![(Fails, "List-Unsubscribe"), (Note, "mailto")],
        ),
        (
            "a line of 999 bytes",
            "Subject: Sampletown News",
            format!("Subject: {}", "x".repeat(990)),
            one("header"),
        ),
        (
            "no List-Unsubscribe",
            &header,
            "".into(),
            [
                one("List-Unsubscribe"),
                one("one-click link"),
                vec![(Note, "list"), (Note, "mailto"), (Note, "text"), (Note, "HTML")],
            ]
            .concat(),
        ),
        ("two of them", post, format!("{post}{header}"), one("List-Unsubscribe")),
        ("no comma", ">,\n <mailto", ">\n <mailto".into(), one("List-Unsubscribe")),
        (
            "no brackets",
            &header,
            format!("List-Unsubscribe: {ann}\n"),
            vec![(Fails, "List-Unsubscribe"), (Note, "mailto")],
        ),
        ("a URI folded in its middle", "/u/", "/u/\n ".into(), one("List-Unsubscribe")),
        (
            "an encoded word",
            &header,
            "List-Unsubscribe: =?utf-8?q?=3Chttps=3A//news?=\n".into(),
            [
                one("List-Unsubscribe"),
                one("one-click link"),
                vec![(Note, "list"), (Note, "mailto"), (Note, "text"), (Note, "HTML")],
            ]
            .concat(),
        ),
        (
            "one long line",
            &header,
            format!("List-Unsubscribe: {}\n", value.trim().replace('\n', "")),
            vec![(Note, "List-Unsubscribe")],
        ),
        ("no post header", post, "".into(), one("List-Unsubscribe-Post")),
        ("another post header", "=One-Click\nMIME", "=one-click\nMIME".into(), one("List-Unsubscribe-Post")),
        ("two post headers", post, post.repeat(2), one("List-Unsubscribe-Post")),
        ("two https URIs", ">,\n <mailto", format!(">,\n <{ben}>,\n <mailto"), one("one-click link")),
        (
            "a foreign link beside ours",
            ">,\n <mailto",
            ">,\n <http://a.example/>,\n <mailto".into(),
            one("one-click link"),
        ),
        ("a foreign link", &bracketed, "<https://esp.example/unsubscribe>".into(), one("one-click link")),
        ("a placeholder", &bracketed, "<{{unsubscribe_url}}>".into(), one("one-click link")),
        ("a tracked one", &bracketed, format!("<{tracked}>"), one("one-click link")),
        ("another ring's", &bracketed, format!("<{stranger}>"), one("one-click link")),
        ("one with a tail", &bracketed, format!("<{ann}?utm_source=news>"), vec![(Note, "one-click link")]),
        (
            "another's link",
            &bracketed,
            format!("<{ben}>"),
            [one("mailto"), one("text"), one("HTML")].concat(),
        ),
        ("no mailto", &second, "".into(), vec![(Note, "mailto")]),
        ("two mailtos", "?subject=unsubscribe>", format!(">,\n <mailto:{}>", mailto(BEN)), one("mailto")),
        ("a foreign mailto", &by_mail, "bounces@esp.example".into(), one("mailto")),
        ("another's mailto", &by_mail, mailto(BEN), one("mailto")),
        ("a mailto elsewhere", "@lists.example.org?", "@old.example.org?".into(), one("mailto")),
        ("no signature", "DKIM-Signature:", "X-Signature:".into(), one("DKIM-Signature")),
        (
            "a signature without the post header",
            "List-Unsubscribe-Post:Date",
            "Date".into(),
            one("DKIM-Signature"),
        ),
        ("a signature without the header", "List-Unsubscribe:\n", "\n".into(), one("DKIM-Signature")),
        ("a signature without From", "h=From:", "h=".into(), one("DKIM-Signature")),
        ("no link in the text", &text, "Leave: by the button.".into(), one("text")),
        ("a tracked link in the text", &text, format!("Leave: {tracked}"), one("text")),
        ("a link that is cut in the text", &text, format!("Leave: {}", &ann[..ann.len() - 4]), one("text")),
        ("another's link in the text", &text, format!("Leave: {ben}"), one("text")),
        ("a link with a tail in the text", &text, format!("Leave: {ann}?utm=1"), vec![(Note, "text")]),
        ("no link in the HTML", &in_html, "href=3D\"https://click.example/1".into(), one("HTML")),
        (
            "a tracked link in the HTML",
            &in_html,
            format!("href=3D\"{}", tracked.replace('=', "=3D")),
            one("HTML"),
        ),
        (
            "a link that is shown, but not followed",
            &in_html,
            format!("href=3D\"https://click.example/1\">{ann}<a x=3D\""),
            one("HTML"),
        ),
        ("another's link in the HTML", &in_html, format!("href=3D\"{ben}"), one("HTML")),
        ("no HTML", "text/html", "text/x-amp-html".into(), vec![(Note, "HTML")]),
        (
            "nothing to read",
            "multipart/alternative",
            "application/pdf".into(),
            [one("text"), one("HTML")].concat(),
        ),
        (
            "answers to the mailbox",
            "editors@example.org",
            "Leave@Lists.example.org".into(),
            one("From, Reply-To"),
        ),
        (
            "answers to the address to leave",
            "editors@example.org",
            format!("Us <{by_mail}>"),
            one("From, Reply-To"),
        ),
        ("from the mailbox", "<news@example.org>", format!("<{MAILBOX}>"), one("From, Reply-To")),
        ("from nobody", "From: Sampletown News <news@example.org>\n", "".into(), one("From, Reply-To")),
    ];
    for (name, from, to, expected) in cases {
        assert!(good().contains(from), "{name}: {from}");
        assert_eq!(amiss(&good().replacen(from, &to, 1), &known()), expected, "{name}");
    }
}

#[test]
fn what_the_database_knows_is_told_and_what_it_cannot_tell_is_said() {
    let told = |known: &Known, check: &str| {
        let finding = self::check(&good(), known).into_iter().find(|finding| finding.check == check).unwrap();
        (finding.level, finding.told)
    };
    let unasked = Known::Unasked("it sleeps".into());
    assert_eq!(amiss(&good(), &unasked), [(Note, "list"), (Note, "mailto"), (Note, "From, Reply-To")]);
    assert_eq!(told(&unasked, "list").1, "3; its name could not be asked: it sleeps");
    assert_eq!(amiss(&good(), &Known::NoList), [(Fails, "list"), (Note, "mailto"), (Note, "From, Reply-To")]);
    let without = Known::List(Box::new(list(None)));
    assert_eq!(amiss(&good(), &without), [(Fails, "mailto")]);
    let closed = Known::List(Box::new(List { is_closed: true, ..list(Some(MAILBOX)) }));
    assert_eq!(amiss(&good(), &closed), [(Note, "list")]);
    let alone = good().replace(&format!(",\n <mailto:{}?subject=unsubscribe>", mailto(ANN)), "");
    assert_eq!(amiss(&alone, &without), [(Note, "mailto")]);
}

#[test]
fn only_a_lone_link_of_ours_is_posted_to() {
    let links = links();
    let posted = |mail: &str| Sample::read(mail.as_bytes(), &links).unwrap().one_click_url();
    assert_eq!(posted(&good()).unwrap().as_str(), url(ANN));
    for (from, to) in [
        (" <https://news.example.org/", " <https://other.example.org/"),
        (" <https://news.example.org/", " <http://news.example.org/"),
        (" <https://news.example.org/", " <https://news.example.org:444/"),
        (" <https://news.example.org/", " <https://news.example.org@other.example/"),
        (" <https://news.example.org/u/", " <https://news.example.org/n/"),
        (">,\n <mailto", ">, <https://a.example/>,\n <mailto"),
        ("\nList-Unsubscribe:\n", "\nX-List-Unsubscribe:\n"),
    ] {
        assert!(posted(&good().replacen(from, to, 1)).is_none(), "{to}");
    }
}

#[test]
fn what_is_no_mail_is_none() {
    let links = links();
    for other in [
        &b""[..],
        b"\n\n",
        b"Hello",
        b"<html></html>",
        b"\x00\xff",
        b"PK\x03\x04",
        b"email,lang\na@b.example,en",
    ] {
        assert!(Sample::read(other, &links).is_none(), "{other:?}");
    }
}

proptest! {
    /// Whatever becomes of a newsletter on its way, something is told of it that names nobody.
    #[test]
    fn no_mail_makes_it_panic_or_tell_a_secret(at in 0usize..2000, length in 0usize..80, with in "[\\PC\r\n\t<>=,:;]{0,20}") {
        let mut mail = good().into_bytes();
        let at = at.min(mail.len());
        mail.splice(at..(at + length).min(good().len()), with.bytes());
        let links = links();
        if let Some(sample) = Sample::read(&mail, &links) {
            let told: String = sample.check(&known()).into_iter().map(|finding| finding.told).collect();
            let token = url(ANN).rsplit_once('/').map(|(_, token)| token.to_owned()).unwrap();
            prop_assert!(!told.contains(&token) && !told.contains("example.org") && !told.contains("leave+"));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let (links, mut mail) = (links(), b"List-Unsubscribe: ".to_vec());
        mail.extend(bytes);
        if let Some(sample) = Sample::read(&mail, &links) {
            sample.check(&known());
        }
    }
}
