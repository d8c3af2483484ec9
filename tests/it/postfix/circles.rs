//! Mail that comes back: addresses that forward our letters to us, and programs that answer them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use optin::mail::session::{self, Answer, Door, Limits, Protocol, Transaction};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::milter::Milter;
use super::mta::Postfix;
use super::{ANN, BOUNCES, MAILBOX, PEOPLE, behind_postfix, has_left_and_knows};
use crate::house::mail::{MX, mail_from};
use crate::house::{House, NEWS, until};
use crate::process::free_port;

const FORWARDED: &str = "ann@forwards.test";
const BOB: &str = "bob@example.org";

/// A mail server that keeps a copy of what it gets, and forwards it.
struct Forwarder {
    to: Mutex<Option<String>>,
    /// Where Postfix's port 25 is, and where the readers' mailboxes are.
    ports: (u16, u16),
    /// Whether it makes a mail of its user's own out of what it forwards.
    is_rude: bool,
    forwarded: AtomicUsize,
}

impl Forwarder {
    async fn pass_on(&self, Transaction { from, to, data, .. }: Transaction) -> Answer {
        let data = String::from_utf8(data.to_vec()).unwrap();
        let (world, readers) = self.ports;
        Client::connect(readers).await.send(&from, &to[0], &data).await;
        let Some(to) = self.to.lock().unwrap().clone() else { return Answer::TAKEN };
        let mut client = Client::connect(world).await;
        if self.is_rude {
            client.send(FORWARDED, &to, &mail_from(FORWARDED)).await;
        } else {
            client.send(&from, &to, &data).await;
        }
        self.forwarded.fetch_add(1, Ordering::Relaxed);
        Answer::TAKEN
    }

    fn forward_to(&self, address: &str) {
        *self.to.lock().unwrap() = Some(address.to_owned());
    }

    /// Waits until nothing is on its way any more, after so many rounds.
    async fn rests_after(&self, rounds: usize, postfix: &Postfix) {
        let rests = async || self.forwarded.load(Ordering::Relaxed) >= rounds && postfix.queue() == 0;
        until("rest", rests).await;
        assert_eq!(self.forwarded.load(Ordering::Relaxed), rounds);
    }
}

async fn behind_a_forwarder(is_rude: bool) -> Option<(House, Postfix, Arc<Forwarder>)> {
    let port = free_port();
    let (house, postfix) = behind_postfix(|files| files.route("forwards.test", port)).await?;
    let forwarder = Arc::new(Forwarder {
        to: Mutex::new(None),
        ports: (postfix.files.world, postfix.files.readers),
        is_rude,
        forwarded: AtomicUsize::new(0),
    });
    let passing = forwarder.clone();
    let message = move |transaction| {
        let passing = passing.clone();
        async move { passing.pass_on(transaction).await }
    };
    let door =
        Door::new(Protocol::Smtp, "forwards.test", Limits::default(), |_| async { Answer::TAKEN }, message);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(session::serve(door, listener, CancellationToken::new()));
    Some((house, postfix, forwarder))
}

/// Answers to cancellations go out one after the other: once his is there, so is whatever was due before.
async fn bob_leaves(house: &House, postfix: &Postfix) {
    let way = house.leave_address(BOB).await;
    postfix.client().await.send(BOB, &way, &mail_from(BOB)).await;
    house.letters(BOB, 2).await;
}

#[tokio::test]
async fn letters_that_are_forwarded_back_to_us_go_round_once() {
    let Some((house, postfix, forwarder)) = behind_a_forwarder(false).await else { return };
    house.subscribe(BOB).await;
    forwarder.forward_to(MAILBOX);
    house.subscribe(FORWARDED).await;
    forwarder.rests_after(1, &postfix).await;
    let way = house.leave_address(FORWARDED).await;
    forwarder.forward_to(&way);
    house.post("/lists/news/leave", &[("email", FORWARDED)]).await;
    forwarder.rests_after(2, &postfix).await;
    assert_eq!(house.count(PEOPLE).await, 2, "no letter of ours is a wish");

    postfix.client().await.send(FORWARDED, &way, &mail_from(FORWARDED)).await;
    has_left_and_knows(&house, &postfix, FORWARDED, 3).await;
    bob_leaves(&house, &postfix).await;
    forwarder.rests_after(3, &postfix).await;
    assert_eq!(house.letters(FORWARDED, 3).await.len(), 3);
    assert!(!postfix.has_bounced());
    house.close().await;
}

#[tokio::test]
async fn even_where_each_comes_back_as_a_mail_of_a_persons_own_it_ends() {
    let Some((house, postfix, forwarder)) = behind_a_forwarder(true).await else { return };
    house.subscribe(BOB).await;
    house.subscribe(FORWARDED).await;
    // To the mailbox of all: nobody stands behind the sender, so the link is sent, once.
    forwarder.forward_to(MAILBOX);
    house.post("/my", &[("email", FORWARDED)]).await;
    forwarder.rests_after(2, &postfix).await;
    assert_eq!(house.letters(FORWARDED, 3).await[2].subject, "Your link to leave: Sampletown News");
    // To the person's own: it is their wish, and the answer, come back, finds nobody.
    forwarder.forward_to(&house.leave_address(FORWARDED).await);
    house.advance(SignedDuration::from_hours(1));
    house.post("/my", &[("email", FORWARDED)]).await;
    has_left_and_knows(&house, &postfix, FORWARDED, 5).await;
    forwarder.rests_after(4, &postfix).await;
    bob_leaves(&house, &postfix).await;
    forwarder.rests_after(4, &postfix).await;
    assert_eq!(house.letters(FORWARDED, 5).await.len(), 5);
    house.close().await;
}

#[tokio::test]
async fn an_out_of_office_note_does_nothing() {
    let milter = Milter::open().await;
    let at = format!("inet:127.0.0.1:{}", milter.port);
    let Some((house, postfix)) = behind_postfix(|files| files.set("smtpd_milters", &at)).await else {
        return;
    };
    // A list whose letters come from the very mailbox, and notes that come from whom they say.
    house.set_options(NEWS, json!({ "sender": { "mailbox": MAILBOX, "address": MAILBOX } })).await;
    milter.say(&format!("{MX}; dmarc=pass header.from=example.org"));
    house.subscribe(ANN).await;
    let letter = house.letter(ANN).await;
    assert!(letter.headers["from"][0].contains(MAILBOX));

    let plain = mail_from(ANN).replace("Subject: x", "Subject: Out of office");
    let marked = ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes"];
    let marked: Vec<_> = marked.iter().map(|mark| format!("{mark}\r\n{plain}")).collect();
    let mut client = postfix.client().await;
    for from in ["", ANN] {
        for note in &marked {
            client.send(from, &letter.from, note).await;
            client.send(from, MAILBOX, note).await;
        }
    }
    // Those without a mark betray themselves by having no sender, or by where they go.
    client.send("", MAILBOX, &plain).await;
    for from in ["", ANN] {
        client.send(from, &letter.from, &plain).await;
    }
    until("their delivery", async || {
        (postfix.delivered(MAILBOX), postfix.delivered(&letter.from)) == (7, 8) && postfix.queue() == 0
    })
    .await;
    assert_eq!((house.count(PEOPLE).await, house.count(BOUNCES).await), (1, 0));
    assert_eq!(house.all_letters().await.len(), 1, "her confirmation");
    house.close().await;
}
