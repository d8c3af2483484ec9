//! Several relays, and letters that are no longer wanted.

use std::sync::atomic::AtomicUsize;

use jiff::SignedDuration;

use super::relays::{Inbox, Scripted};
use super::*;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A mailer with these relays in this order, at a clock to be moved.
fn through(relays: &[SocketAddr]) -> (Mailer, Clock) {
    let (brief, clock) = (Duration::from_millis(500), still());
    let urls = relays.iter().map(|address| format!("smtp://{address}")).collect::<Vec<_>>().join(", ");
    let patience = Patience { connect: brief, command: brief, data: brief };
    (Mailer::with_patience(urls.parse().unwrap(), "h.test", clock.clone(), patience), clock)
}

/// An address where nobody is.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn open_at(address: SocketAddr) {
    let listener = TcpListener::bind(address).await.unwrap();
    let taken = |_| async { Answer::TAKEN };
    let door = Door::new(Protocol::Smtp, "relay.test", Limits::default(), |_| async { Answer::TAKEN }, taken);
    tokio::spawn(session::serve(door, listener, CancellationToken::new()));
}

#[tokio::test]
async fn while_the_first_relay_is_well_no_other_hears_of_a_letter() {
    let (first, second) = (Inbox::open(LONG).await, Scripted::open(&[]).await);
    let (mailer, _) = through(&[first.address, second.address]);
    let mut line = mailer.line();
    for (to, expected) in [
        ("a@d.test", Ok(())),
        ("no@d.test", refused("5.1.1")),
        ("later@d.test", later("4.2.1")),
        ("no-data@d.test", refused("5.6.0")),
        ("a@d.test", Ok(())),
    ] {
        assert_eq!(line.hand("s@c.test", to, b"x").await, expected, "{to}");
    }
    assert_eq!((first.count(), second.heard("")), (3, 0));
}

#[tokio::test]
async fn after_a_relay_that_breaks_off_in_a_letter_the_next_one_goes_elsewhere() {
    for broken in ["reset@d.test", "hang-data@d.test"] {
        let (first, second) = (Inbox::open(LONG).await, Inbox::open(LONG).await);
        let (mailer, clock) = through(&[first.address, second.address]);
        let mut line = mailer.line();
        assert_eq!(line.hand("s@c.test", broken, b"x").await, later("4.4.2"), "{broken}");
        let before = first.count();
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
        assert_eq!((first.count(), second.count()), (before, 1), "{broken}");
        clock.advance(MINUTE);
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
        assert_eq!((first.count(), second.count()), (before + 1, 1), "{broken}");
    }
}

#[tokio::test]
async fn a_relay_that_takes_no_letters_is_passed_over_for_a_minute() {
    for (at, reply) in [
        ("", "554 5.3.2 no mail here"),
        ("", "CLOSE"),
        ("", "HANG"),
        ("EHLO", "550 5.7.1 go away"),
        ("EHLO", "HANG"),
        ("MAIL", "421 4.3.2 closing"),
        ("MAIL", "CLOSE"),
    ] {
        let (first, second) = (Scripted::open(&[(at, reply)]).await, Inbox::open(LONG).await);
        let (mailer, clock) = through(&[first.address, second.address]);
        let (mut line, mut other) = (mailer.line(), mailer.line());
        for sent in 1..4 {
            assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()), "{at} {reply}");
            assert_eq!((second.count(), mailer.reachable()), (sent, true));
        }
        assert_eq!(other.hand("s@c.test", "a@d.test", b"x").await, Ok(()), "all lines know");
        clock.advance(MINUTE - SignedDuration::from_secs(1));
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
        assert_eq!(first.heard("+"), 1, "{at} {reply}");
        // Though the line has a good connection, the one that is preferred is asked again; once, and in vain.
        clock.advance(SignedDuration::from_secs(1));
        for _ in 0..2 {
            assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
            assert_eq!(first.heard("+"), 2, "{at} {reply}");
        }
    }
}

#[tokio::test]
async fn a_relay_that_has_come_back_gets_the_letters_again() {
    let (first, second) = (nobody().await, Inbox::open(LONG).await);
    let (mailer, clock) = through(&[first, second.address]);
    let mut line = mailer.line();
    assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
    open_at(first).await;
    assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
    assert_eq!(second.count(), 2);
    clock.advance(MINUTE);
    for _ in 0..3 {
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, Ok(()));
    }
    assert_eq!(second.count(), 2);
}

#[tokio::test]
async fn where_no_relay_is_well_each_letter_asks_one_by_turns() {
    let out = [("", "554 5.3.2 out of order")];
    let (first, second) = (Scripted::open(&out).await, Scripted::open(&out).await);
    let (mailer, clock) = through(&[first.address, second.address]);
    let mut line = mailer.line();
    for (asked, heard) in
        [("both", (1, 1)), ("the first", (2, 1)), ("the second", (2, 2)), ("the first", (3, 2))]
    {
        assert_eq!(line.hand("s@c.test", "a@d.test", b"x").await, later("4.3.2"));
        assert_eq!((first.heard("+"), second.heard("+")), heard, "{asked}");
        assert!(!mailer.reachable());
        clock.advance(SignedDuration::from_secs(1));
    }
}

#[tokio::test]
async fn what_a_relay_in_the_firsts_stead_cannot_do_waits_for_the_first() {
    let (first, plain) = (nobody().await, Scripted::open(&[]).await);
    let (mailer, clock) = through(&[first, plain.address]);
    let mut line = mailer.line();
    assert!(mailer.takes_utf8(), "nothing is known yet");
    assert_eq!(line.hand("s@c.test", "é@d.test", b"x").await, later("4.6.7"));
    assert!(!mailer.takes_utf8());
    open_at(first).await;
    clock.advance(MINUTE);
    assert_eq!(line.hand("s@c.test", "é@d.test", b"x").await, Ok(()));
    assert!(mailer.takes_utf8());
    // The first relay's own word is final.
    let (mailer, _) = through(&[plain.address, first]);
    assert_eq!(mailer.line().hand("s@c.test", "é@d.test", b"x").await, refused("5.6.7"));
}

#[tokio::test]
async fn the_last_look_is_asked_when_only_the_message_is_missing() {
    let relay = Scripted::open(&[]).await;
    let (mailer, _) = through(&[relay.address]);
    let mut line = mailer.line();
    let asked = AtomicUsize::new(0);
    let answers = |answer: Result<(), SendError>| {
        let (asked, relay) = (&asked, &relay);
        async move {
            let so_far = (relay.heard("RCPT"), relay.heard("DATA"));
            assert_eq!(so_far, (asked.fetch_add(1, Ordering::Relaxed) + 1, 0));
            answer
        }
    };
    let unwanted = line.send("s@c.test", "a@d.test", b"x", answers(Err(SendError::Unwanted))).await;
    assert_eq!(unwanted, Err(SendError::Unwanted));
    assert_eq!(line.send("s@c.test", "a@d.test", b"x", answers(later("4.3.0"))).await, later("4.3.0"));
    assert_eq!(line.send("s@c.test", "a@d.test", b"x", answers(Ok(()))).await, Ok(()));
    assert_eq!(
        (relay.heard("+"), relay.heard("RSET"), relay.heard("DATA")),
        (1, 2, 1),
        "one connection does"
    );

    // Where the recipient is refused there is nothing to look at.
    let relay = Scripted::open(&[("RCPT", "550 5.1.1 unknown")]).await;
    let (mailer, _) = through(&[relay.address]);
    let never = async { panic!("it was asked") };
    assert_eq!(mailer.line().send("s@c.test", "a@d.test", b"x", never).await, refused("5.1.1"));
}
