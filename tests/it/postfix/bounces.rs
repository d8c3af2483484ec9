//! Letters that another organisation's mail server refuses, and what Postfix makes of it.

use optin::mail::session::{self, Answer, Door, Limits, Protocol};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::{ANN, BOUNCES, MAILBOX, PEOPLE, WITHDRAWN, behind_postfix};
use crate::house::mail::mail_from;
use crate::house::until;
use crate::process::free_port;

/// Opens a mail server for `refuses.test`: it knows nobody, and wants nothing of ours for `blocked`.
async fn refuses_at(port: u16) {
    let recipient = |address: String| async move {
        match address.starts_with("blocked@") {
            true => Answer::reply(550, "5.7.1", "not from you"),
            false => Answer::reply(550, "5.1.1", "nobody here"),
        }
    };
    let door =
        Door::new(Protocol::Smtp, "refuses.test", Limits::default(), recipient, |_| async { Answer::TAKEN });
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(session::serve(door, listener, CancellationToken::new()));
}

#[tokio::test]
async fn a_signup_of_an_address_where_nobody_is_ends_with_postfixs_own_report() {
    let refusing = free_port();
    let Some((house, postfix)) = behind_postfix(|files| files.route("refuses.test", refusing)).await else {
        return;
    };
    refuses_at(refusing).await;
    house.sign_up("nobody@refuses.test").await;
    until("its end", async || house.count(PEOPLE).await == 0).await;
    assert_eq!((house.count(BOUNCES).await, postfix.delivered("b+")), (1, 1));

    house.sign_up("blocked@refuses.test").await;
    until("its count", async || house.count(BOUNCES).await == 2).await;
    until("an empty queue", async || postfix.queue() == 0).await;
    assert_eq!(house.count(PEOPLE).await, 1, "perhaps somebody is there");
    assert_eq!(house.count(WITHDRAWN).await, 0, "nobody left who had been on the list");
    assert!(house.all_letters().await.is_empty());
    house.close().await;
}

#[tokio::test]
async fn reports_of_mail_that_we_never_sent_do_nothing() {
    let refusing = free_port();
    let Some((house, postfix)) = behind_postfix(|files| files.route("refuses.test", refusing)).await else {
        return;
    };
    refuses_at(refusing).await;
    house.subscribe(ANN).await;
    let way = house.leave_address(ANN).await;
    let envelope = house.letter(ANN).await.from;
    // Somebody sends spam in our name, and it comes back to us.
    let mut spammer = Client::connect(postfix.files.letters).await;
    let forged = envelope.replacen("b+", "b+a", 1);
    for name in [way.as_str(), MAILBOX, &envelope, &forged] {
        spammer.send(name, "nobody@refuses.test", &mail_from(ANN)).await;
    }
    let given_back = async || {
        [&way, MAILBOX, &envelope].map(|name| postfix.delivered(name)) == [1; 3] && postfix.queue() == 0
    };
    until("their return", given_back).await;
    assert_eq!(house.count(PEOPLE).await, 1);
    assert_eq!(house.count(BOUNCES).await, 1, "of a letter of hers, it might have been");
    assert_eq!(house.all_letters().await.len(), 1, "her confirmation");
    house.close().await;
}
