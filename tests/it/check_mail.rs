//! `optin check-mail`: what it says of newsletters that are made of an export's row, and whom `--live` posts to.

mod live;
mod python;

use std::collections::BTreeMap;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::house::{House, NEWS};
use crate::process::{OPTIN, Said, optin, program, run};

const ANN: &str = "ann@example.org";
const MAILBOX: &str = "leave@lists.example.org";

/// A house with a mailbox for cancellations, the settings of its commands, and a reader's row of the export.
struct Desk {
    house: House,
    settings: BTreeMap<&'static str, String>,
    row: Value,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn open() -> Desk {
        let house = House::open().await;
        house.set_options(NEWS, json!({ "sender": { "mailbox": MAILBOX } })).await;
        house.subscribe(ANN).await;
        let settings = BTreeMap::from([
            ("OPTIN_DATABASE_URL", house.database_url.clone()),
            ("OPTIN_KEYS", house.app.keys.to_toml().to_string()),
            ("OPTIN_PUBLIC_URL", house.url.clone()),
        ]);
        let export = ["export", NEWS, "--as", "tester", "--format", "jsonl"];
        let said = run(optin(&export, &settings)).await;
        let row = serde_json::from_str(said.success()).unwrap();
        Desk { house, settings, row, dir: tempfile::tempdir().unwrap() }
    }

    fn value(&self, column: &str) -> &str {
        self.row[column].as_str().unwrap()
    }

    /// What a sending tool makes of the row, folded as Python's `email` folds, and signed on the way.
    fn newsletter(&self) -> String {
        let url = self.value("unsubscribe_url");
        let value = self.value("list_unsubscribe").replace(", ", ",\r\n ");
        [
            "Received: from mail.example.org by mx.example.org; Sun, 1 Nov 2026 10:00:00 +0000",
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=a; bh=AAAA;",
            " h=from:to:subject:list-unsubscribe:list-unsubscribe-post; b=AAAA",
            "Content-Type: multipart/alternative; boundary=\"===============1==\"",
            "MIME-Version: 1.0",
            "From: Sampletown News <news@example.org>",
            "To: ann@example.org",
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
            &format!("List-Unsubscribe: \r\n {value}"),
            &format!("List-Unsubscribe-Post: {}", self.value("list_unsubscribe_post")),
            "",
            "--===============1==",
            "Content-Type: text/plain; charset=\"utf-8\"",
            "",
            &format!("News!\r\n\r\nTo leave: {url}"),
            "--===============1==",
            "Content-Type: text/html; charset=\"utf-8\"",
            "",
            &format!("<p>News!</p><p><a href=\"{url}\">Leave</a></p>"),
            "--===============1==--",
            "",
        ]
        .join("\r\n")
    }

    /// Runs the command on a mail. Whatever it says, it names neither the person nor how they leave.
    async fn check(&self, mail: impl AsRef<[u8]>, more: &[&str]) -> Said {
        self.check_with(&self.settings, mail, more).await
    }

    async fn check_with(
        &self,
        settings: &BTreeMap<&'static str, String>,
        mail: impl AsRef<[u8]>,
        more: &[&str],
    ) -> Said {
        let file = self.dir.path().join("sample.eml");
        std::fs::write(&file, mail).unwrap();
        let said = run(optin(&[&["check-mail", file.to_str().unwrap()], more].concat(), settings)).await;
        let all = format!("{}{}", said.out, said.err);
        let (_, token) = self.value("unsubscribe_url").rsplit_once('/').unwrap();
        for hidden in [token, "leave+", "example.org", "127.0.0.1", "http://"] {
            assert!(!all.contains(hidden), "{all}");
        }
        said
    }
}

/// The checks that came out so.
fn lines<'a>(said: &'a Said, level: &str) -> Vec<&'a str> {
    let rows = said.out.lines().filter_map(|line| line.strip_prefix(level)?.trim_start().split_once("  "));
    rows.map(|(check, _)| check).collect()
}

#[tokio::test]
async fn a_newsletter_made_of_an_exports_row_is_good_and_its_list_is_named() {
    let desk = Desk::open().await;
    let said = desk.check(desk.newsletter(), &[]).await;
    assert!(said.success().ends_with("good: whoever gets this newsletter can leave it\n"), "{}", said.out);
    // The house is on this machine, where there is no https.
    assert_eq!(lines(&said, "note"), ["one-click link"], "{}", said.out);
    let ok = [
        "header",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "list",
        "mailto",
        "DKIM-Signature",
        "text",
        "HTML",
        "From, Reply-To",
    ];
    assert_eq!(lines(&said, "ok"), ok, "{}", said.out);
    assert!(said.out.contains("1, `news`: Sampletown News\n"), "{}", said.out);

    let mut piped = program("sh");
    piped.args(["-c", "exec \"$0\" check-mail - < \"$1\"", OPTIN]).arg(desk.dir.path().join("sample.eml"));
    assert_eq!(run(piped).await.code, Some(1), "without settings nothing is known");
    let mut piped = program("sh");
    piped.args(["-c", "exec \"$0\" check-mail - < \"$1\"", OPTIN]).arg(desk.dir.path().join("sample.eml"));
    piped.envs(&desk.settings);
    assert_eq!(run(piped).await.success(), said.out);

    // Nobody has been unsubscribed by this.
    assert_eq!(desk.house.export("csv").await.lines().count(), 2);
    desk.house.close().await;
}

#[tokio::test]
async fn whatever_a_sending_tool_breaks_fails_on_its_line() {
    let desk = Desk::open().await;
    let url = desk.value("unsubscribe_url").to_owned();
    let bracketed = format!("<{url}>");
    desk.house.subscribe("ben@example.org").await;
    let other = format!("<{}>", desk.house.unsubscribe_url("ben@example.org").await);
    for (name, from, to, broken) in [
        ("one header", "List-Unsubscribe-Post:", "X-Post:".to_owned(), &["List-Unsubscribe-Post"][..]),
        ("a fold in the link", "/u/", "/u/\r\n ".into(), &["List-Unsubscribe"]),
        ("the tool's own link", &bracketed, "<https://esp.example/u/1>".into(), &["one-click link"]),
        (
            "a second link",
            &bracketed,
            format!("{bracketed},\r\n <https://esp.example/1>"),
            &["one-click link"],
        ),
        ("somebody else's link", &bracketed, other, &["mailto", "text", "HTML"]),
        ("a mailbox of the tool", "mailto:leave+", "mailto:bounce+".into(), &["mailto"]),
        ("a domain of old", "@lists.example.org", "@old.example.org".into(), &["mailto"]),
        ("no signature", "DKIM-Signature", "X-Signature".into(), &["DKIM-Signature"]),
        ("another signature", ":list-unsubscribe-post", "".into(), &["DKIM-Signature"]),
        ("no link in the text", "To leave: http", "To leave: x".into(), &["text"]),
        ("counted clicks", "href=\"http", "href=\"https://click.example/?http".into(), &["HTML"]),
        ("answers that erase", "<news@example.org>", format!("<{MAILBOX}>"), &["From, Reply-To"]),
    ] {
        let mail = desk.newsletter();
        assert!(mail.contains(from), "{name}");
        let said = desk.check(mail.replacen(from, &to, 1), &[]).await;
        assert_eq!((said.code, lines(&said, "FAILS")), (Some(1), broken.to_vec()), "{name}: {}", said.out);
        let (_, verdict) = said.out.trim_end().rsplit_once('\n').unwrap();
        assert!(verdict.starts_with("not good: "), "{name}: {verdict}");
    }
    desk.house.close().await;
}

#[tokio::test]
async fn without_the_database_all_is_checked_but_what_only_it_can_tell() {
    let desk = Desk::open().await;
    // One that takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for (url, why) in [
        (String::new(), "OPTIN_DATABASE_URL is not set"),
        ("postgresql://optin@127.0.0.1:1/optin".into(), "the database cannot be reached"),
        (
            format!("postgresql://optin@{}/optin", silent.local_addr().unwrap()),
            "the database cannot be reached",
        ),
    ] {
        let mut settings = desk.settings.clone();
        settings.insert("OPTIN_DATABASE_URL", url);
        let said = desk.check_with(&settings, desk.newsletter(), &[]).await;
        assert!(said.success().contains(&format!("1; its name could not be asked: {why}")), "{}", said.out);
        assert_eq!(
            lines(&said, "note"),
            ["one-click link", "list", "mailto", "From, Reply-To"],
            "{}",
            said.out
        );
    }
    // Another service's keys.
    let mut settings = desk.settings.clone();
    let strange = House::open().await;
    settings.insert("OPTIN_KEYS", strange.app.keys.to_toml().to_string());
    let said = desk.check_with(&settings, desk.newsletter(), &[]).await;
    assert_eq!(lines(&said, "FAILS"), ["one-click link", "mailto", "text", "HTML"], "{}", said.out);
    strange.close().await;
    desk.house.close().await;
}

#[tokio::test]
async fn what_is_no_mail_gets_one_clear_line() {
    let desk = Desk::open().await;
    for junk in
        [&b""[..], b"\r\n", b"Hello!", b"<html></html>", b"\xff\x00\xfe", b"PK\x03\x04", b"email,lang\r\n"]
    {
        let said = desk.check(junk, &[]).await;
        assert!(said.refusal().contains("this is not a mail"), "{}", said.err);
    }
    let large = [desk.newsletter().as_bytes(), &vec![b'\n'; 10 << 20]].concat();
    assert!(desk.check(&large, &[]).await.refusal().contains("is larger than 10 MiB"));
    assert_eq!(desk.check(&large[..10 << 20], &[]).await.code, Some(0));
    let said = run(optin(&["check-mail", "/nowhere.eml"], &desk.settings)).await;
    assert!(said.refusal().contains("/nowhere.eml cannot be read"), "{}", said.err);
    assert_eq!(run(optin(&["check-mail"], &desk.settings)).await.code, Some(2));
    let help = run(optin(&["check-mail", "--help"], &desk.settings)).await;
    assert!(help.success().contains("REALLY UNSUBSCRIBES"), "{}", help.out);

    // Mails in mails: a reader that followed them all would run out of stack.
    let nested = "Content-Type: message/rfc822\n\n".repeat(300_000);
    assert_eq!(desk.check(nested, &[]).await.code, Some(1));
    desk.house.close().await;
}
