use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Instant;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::mail::session::{self, Answer, Door, Limits, Protocol};

mod failover;
mod relays;

use relays::{Inbox, Scripted};

const LONG: Duration = Duration::from_secs(10);

fn mailer(address: SocketAddr) -> Mailer {
    Mailer::new(format!("smtp://{address}").parse().unwrap(), "h.test", still())
}

fn still() -> Clock {
    Clock::manual(Timestamp::UNIX_EPOCH)
}

impl Line {
    /// Sends what is wanted.
    async fn hand(&mut self, from: &str, to: &str, message: &[u8]) -> Result<(), SendError> {
        self.send(from, to, message, async { Ok(()) }).await
    }
}

/// For relays that hang.
fn hasty(url: &str) -> Mailer {
    let brief = Duration::from_millis(500);
    Mailer::with_patience(
        url.parse().unwrap(),
        "h.test",
        still(),
        Patience { connect: brief, command: brief, data: brief },
    )
}

fn later(status: &str) -> Result<(), SendError> {
    Err(SendError::Later { status: status.to_owned() })
}

fn refused(status: &str) -> Result<(), SendError> {
    Err(SendError::Refused { status: status.to_owned() })
}

#[tokio::test]
async fn letters_arrive_on_one_connection() {
    let inbox = Inbox::open(LONG).await;
    let mailer = mailer(inbox.address);
    let mut line = mailer.line();
    assert!(mailer.reachable());
    assert_eq!(line.hand("s@c.test", "a@d.test", b"Subject: x\r\n\r\nhello\r\n").await, Ok(()));
    assert_eq!(line.hand("", "b@d.test", b"no end\nof line").await, Ok(()));
    line.close().await;
    let taken = inbox.taken.lock().unwrap();
    assert_eq!((taken[0].from.as_str(), taken[0].to.as_slice()), ("s@c.test", &["a@d.test".to_owned()][..]));
    assert_eq!(&taken[0].data[..], b"Subject: x\r\n\r\nhello\r\n");
    assert_eq!((taken[1].from.as_str(), &taken[1].data[..]), ("", &b"no end\r\nof line\r\n"[..]));
}

#[tokio::test]
async fn two_thousand_letters_do_not_wait_for_acknowledgements() {
    let inbox = Inbox::open(LONG).await;
    let mut line = mailer(inbox.address).line();
    let start = Instant::now();
    for _ in 0..2000 {
        line.hand("s@c.test", "a@d.test", b"Subject: x\r\n\r\nhello\r\n").await.unwrap();
    }
    // At 22 a second, as without TCP_NODELAY, this would print a minute and a half.
    println!("2000 letters in {:?}", start.elapsed());
    assert_eq!(inbox.count(), 2000);
}

#[tokio::test]
async fn what_each_reply_means_for_the_letter() {
    for (at, reply, expected) in [
        // The relay's state: the letter waits, whatever the class.
        ("", "554 5.3.2 no mail here", later("4.3.2")),
        ("", "421 too busy", later("4.0.0")),
        ("", "HANG", later("4.4.2")),
        ("", "CLOSE", later("4.4.2")),
        ("", "nonsense", later("4.4.2")),
        ("EHLO", "550 5.7.1 go away", later("4.7.1")),
        ("EHLO", "HANG", later("4.4.2")),
        ("MAIL", "530 5.7.0 authenticate first", later("4.7.0")),
        ("MAIL", "503 5.5.1 out of order", later("4.5.1")),
        ("RCPT", "535 5.7.8 who?", later("4.7.8")),
        ("RCPT", "500 what?", later("4.0.0")),
        // Not now.
        ("MAIL", "451 4.3.0 soon", later("4.3.0")),
        ("RCPT", "450-4.2.0 greylisted\r\n450 4.2.0 come back", later("4.2.0")),
        ("DATA", "452 4.3.1 full", later("4.3.1")),
        (".", "451 soon", later("4.0.0")),
        ("MAIL", "421 4.3.2 closing", later("4.3.2")),
        ("MAIL", "550 5.7.1 not from you", later("4.7.1")),
        ("MAIL", "HANG", later("4.4.2")),
        ("RCPT", "HANG", later("4.4.2")),
        ("DATA", "CLOSE", later("4.4.2")),
        (".", "HANG", later("4.4.2")),
        (".", "CLOSE", later("4.4.2")),
        // Never.
        ("RCPT", "550 5.1.1 <a@d.test> unknown", refused("5.1.1")),
        ("RCPT", "556 5.1.10 null MX", refused("5.1.10")),
        ("DATA", "554 no", refused("5.0.0")),
        (".", "552 5.3.4 too big", refused("5.3.4")),
        // A status that is none, or of another class than the reply, is not passed on.
        ("RCPT", "550 a@d.test", refused("5.0.0")),
        ("RCPT", "550 4.1.1 unknown", refused("5.0.0")),
        ("RCPT", "550 5.1 unknown", refused("5.0.0")),
        ("RCPT", "550 5.1.1.1 unknown", refused("5.0.0")),
        ("RCPT", "550 5.1111.1 unknown", refused("5.0.0")),
        ("RCPT", "550 5.1.x unknown", refused("5.0.0")),
        ("RCPT", "550 ", refused("5.0.0")),
    ] {
        let relay = Scripted::open(&[(at, reply)]).await;
        let mailer = hasty(&format!("smtp://{}", relay.address));
        let outcome = mailer.line().hand("s@c.test", "a@d.test", b"x\r\n").await;
        assert_eq!(outcome, expected, "{at} {reply}");
        assert_eq!(mailer.reachable(), !matches!(at, "" | "EHLO"), "{at} {reply}");
        assert_eq!(relay.heard("+"), 1, "{at} {reply}");
    }
}

#[tokio::test]
async fn a_refusal_costs_no_connection_and_no_other_letter() {
    let relay = Scripted::open(&[("RCPT", "550 5.1.1 unknown")]).await;
    let mut line = mailer(relay.address).line();
    for _ in 0..3 {
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, refused("5.1.1"));
    }
    assert_eq!((relay.heard("+"), relay.heard("RSET"), relay.heard("DATA")), (1, 3, 0));

    let inbox = Inbox::open(LONG).await;
    let mut line = hasty(&format!("smtp://{}", inbox.address)).line();
    for (to, expected) in [
        ("a@d.test", Ok(())),
        ("no@d.test", refused("5.1.1")),
        ("later@d.test", later("4.2.1")),
        ("no-data@d.test", refused("5.6.0")),
        ("reset@d.test", later("4.4.2")),
        ("a@d.test", Ok(())),
        ("hang@d.test", later("4.4.2")),
        ("reset-data@d.test", later("4.4.2")),
        ("hang-data@d.test", later("4.4.2")),
        ("a@d.test", Ok(())),
    ] {
        assert_eq!(line.hand("s@c.test", to, b"x").await, expected, "{to}");
    }
    // What broke off after the message was not sent again.
    assert_eq!(inbox.count(), 6);
}

#[tokio::test]
async fn a_connection_that_the_relay_closed_while_idle_is_made_anew() {
    let inbox = Inbox::open(Duration::from_millis(50)).await;
    let mut line = mailer(inbox.address).line();
    for sent in 1..4 {
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
        assert_eq!(inbox.count(), sent);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

#[tokio::test]
async fn a_relay_that_takes_one_letter_a_connection_gets_each_once() {
    let relay = Scripted::open(&[("RCPT", "CLOSE")]).await;
    let mut line = mailer(relay.address).line();
    // MAIL was answered, so the connection was alive: no second try within one send.
    assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, later("4.4.2"));
    assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, later("4.4.2"));
    assert_eq!((relay.heard("+"), relay.heard("MAIL")), (2, 2));
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_unreachable_until_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mailer = mailer(address);
    let mut line = mailer.line();
    assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, later("4.4.1"));
    assert!(!mailer.reachable());
    let listener = TcpListener::bind(address).await.unwrap();
    let door = Door::new(
        Protocol::Smtp,
        "relay.test",
        Limits::default(),
        |_| async { Answer::TAKEN },
        |_| async { Answer::TAKEN },
    );
    tokio::spawn(session::serve(door, listener, CancellationToken::new()));
    assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
    assert!(mailer.reachable());
}

#[tokio::test]
async fn passwords_and_what_becomes_of_them() {
    for (auth, reply, expected) in [
        ("250-relay.test\r\n250 AUTH PLAIN LOGIN", "235 2.7.0 welcome", Ok(())),
        ("250-relay.test\r\n250 AUTH PLAIN", "535 5.7.8 wrong", later("4.7.8")),
        ("250-relay.test\r\n250 AUTH PLAIN", "HANG", later("4.4.2")),
        ("250-relay.test\r\n250 AUTH CRAM-MD5", "235 welcome", later("4.7.4")),
        ("250 relay.test", "235 welcome", later("4.7.4")),
    ] {
        let relay = Scripted::open(&[("EHLO", auth), ("AUTH", reply)]).await;
        let mailer = hasty(&format!("smtp://user:p%40ss@{}", relay.address));
        assert_eq!(mailer.line().hand("s@c.test", "a@d.test", b"x").await, expected, "{auth} {reply}");
        assert_eq!(mailer.reachable(), expected.is_ok());
        // base64 of NUL user NUL p@ss
        assert_eq!(relay.heard("AUTH PLAIN AHVzZXIAcEBzcw=="), usize::from(auth.contains("PLAIN")));
    }
}

#[tokio::test]
async fn without_the_tls_that_is_required_nothing_goes() {
    for (ehlo, starttls, expected) in [
        ("250 relay.test", "220 go on", later("4.7.4")),
        ("250-relay.test\r\n250 STARTTLS", "454 4.7.0 not now", later("4.7.0")),
        ("250-relay.test\r\n250 STARTTLS", "554 5.7.3 never", later("4.7.3")),
        ("250-relay.test\r\n250 STARTTLS", "220 and then no handshake", later("4.7.5")),
    ] {
        let relay = Scripted::open(&[("EHLO", ehlo), ("STARTTLS", starttls)]).await;
        let mailer = hasty(&format!("smtp://u:p@{}?tls=required", relay.address));
        assert_eq!(mailer.line().hand("s@c.test", "a@d.test", b"x").await, expected, "{ehlo} {starttls}");
        assert_eq!((relay.heard("AUTH"), relay.heard("MAIL")), (0, 0));
    }
}

#[tokio::test]
async fn addresses_and_what_they_need() {
    let relay = Scripted::open(&[("EHLO", "250-relay.test\r\n250-8BITMIME\r\n250 SMTPUTF8")]).await;
    let mut line = mailer(relay.address).line();
    for (from, to, message, expected) in [
        ("s@c.test", "a@bücher.test", "x", "MAIL FROM:<s@c.test>"),
        ("", "é@bücher.test", "x", "MAIL FROM:<> SMTPUTF8"),
        ("é@c.test", "a@d.test", "x", "MAIL FROM:<é@c.test> SMTPUTF8"),
        ("s@c.test", "a@d.test", "é", "MAIL FROM:<s@c.test> BODY=8BITMIME"),
        ("s@c.test", "é@d.test", "é", "MAIL FROM:<s@c.test> SMTPUTF8 BODY=8BITMIME"),
    ] {
        relay.heard.lock().unwrap().clear();
        assert_eq!(line.hand(from, to, message.as_bytes()).await, Ok(()));
        assert_eq!(
            relay.heard.lock().unwrap().iter().find(|line| line.starts_with("MAIL")).unwrap(),
            expected
        );
        if to == "a@bücher.test" {
            assert_eq!(relay.heard("RCPT TO:<a@xn--bcher-kva.test>"), 1);
        }
    }

    let plain = Scripted::open(&[]).await;
    let mut line = mailer(plain.address).line();
    assert_eq!(line.hand("s@c.test", "a@bücher.test", b"x").await, Ok(()));
    assert_eq!(line.hand("s@c.test", "é@d.test", b"x").await, refused("5.6.7"));
    assert_eq!(line.hand("s@c.test", "a@d.test", "é".as_bytes()).await, refused("5.6.3"));
    assert_eq!((plain.heard("+"), plain.heard("MAIL")), (1, 1));
}

#[tokio::test]
async fn what_is_no_address_never_reaches_the_relay() {
    let relay = Scripted::open(&[]).await;
    let mut line = mailer(relay.address).line();
    let too_long = format!("{}@d.test", "a".repeat(65));
    for to in [
        "",
        "a",
        "@d.test",
        "a@",
        "a b@d.test",
        "a@d test",
        "a@b@d.test",
        "a>@d.test",
        "a@d.test>",
        "a@-ü-.test",
        "a@d.test\r\nDATA",
        "\"a\\\r\nDATA\"@d.test",
        "a@[\r\nDATA]",
        "a\n@d.test",
        "\"a\r\nDATA\"@d.test",
        "\"a\0\"@d.test",
        "a@ü\r\n.test",
        &too_long,
    ] {
        assert_eq!(line.hand("s@c.test", to, b"x").await, refused("5.1.3"), "{to:?}");
    }
    assert_eq!(line.hand("s", "a@d.test", b"x").await, refused("5.1.7"));
    assert_eq!(relay.heard(""), 0);
}

#[test]
fn errors_tell_the_status_alone() {
    let later = SendError::Later { status: "4.4.1".to_owned() };
    assert_eq!(later.to_string(), "not sent yet (4.4.1)");
    let mailer = Mailer::new("smtp://somebody:hunter2@mail.test".parse().unwrap(), "h.test", still());
    let debug = format!("{mailer:?}");
    assert!(!debug.contains("hunter2") && !debug.contains("somebody"), "{debug}");
}

#[test]
fn any_message_arrives_with_its_lines_ended_and_its_dots_in_place() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let inbox = runtime.block_on(Inbox::open(LONG));
    let line = Mutex::new(mailer(inbox.address).line());
    let pieces = prop_oneof![
        3 => Just(".".to_owned()),
        3 => Just("\r\n".to_owned()),
        1 => Just("\r".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\0é".to_owned()),
        1 => "[a-z .]{1,5}",
    ];
    let messages = proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat());
    TestRunner::default()
        .run(&messages, |message| {
            let mut line = line.lock().unwrap();
            runtime.block_on(line.hand("s@c.test", "a@d.test", message.as_bytes())).unwrap();
            // Any line end is CR LF, and the last line has one.
            let unix = message.replace("\r\n", "\n").replace('\r', "\n");
            let expected = unix.strip_suffix('\n').unwrap_or(&unix).replace('\n', "\r\n") + "\r\n";
            let taken = inbox.taken.lock().unwrap().pop().unwrap();
            prop_assert_eq!(&taken.data[..], expected.as_bytes());
            Ok(())
        })
        .unwrap();
}
