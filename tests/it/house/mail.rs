//! Mail that a mail server hands to a house, by real LMTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use optin::app::App;
use optin::chores::replies;
use optin::journeys::inbound_mail;
use optin::mail::session;
use serde_json::json;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{House, NEWS};

/// The name of the mail server whose results the house believes.
pub const MX: &str = "mx.test";

/// A mail by somebody, with nothing in it.
pub fn mail_from(from: &str) -> String {
    format!("From: {from}\r\nTo: us\r\nSubject: x\r\nMessage-ID: <1@elsewhere>\r\n\r\n\r\n")
}

/// The same, found by the mail server to come from the domain that it says.
pub fn authentic(from: &str) -> String {
    let (_, domain) = from.rsplit_once('@').unwrap();
    format!("Authentication-Results: {MX}; dmarc=pass (p=none) header.from={domain}\r\n{}", mail_from(from))
}

/// Where mail comes in by LMTP. It can be shut, and opened again at the same place.
pub struct MailDoor {
    pub at: SocketAddr,
    serving: Mutex<Option<(CancellationToken, JoinHandle<()>)>>,
}

impl MailDoor {
    /// Opens one at a port, or at any.
    pub async fn open(app: Arc<App>, port: u16, shutdown: &CancellationToken) -> MailDoor {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (queue, waiting) = tokio::sync::mpsc::channel(replies::WAITING);
        tokio::spawn(replies::run(app.clone(), waiting));
        let (at, stop) = (listener.local_addr().unwrap(), shutdown.child_token());
        let door = session::serve(inbound_mail::door(app, queue), listener, stop.clone());
        MailDoor { at, serving: Mutex::new(Some((stop, tokio::spawn(door)))) }
    }
}

impl House {
    /// From now on no mail comes in.
    pub async fn shut_mail_door(&self) {
        let serving = self.lmtp.serving.lock().unwrap().take();
        let (stop, served) = serving.expect("it is open");
        stop.cancel();
        served.await.unwrap();
    }

    /// Opens again what was shut.
    pub async fn open_mail_door(&self) {
        let opened = MailDoor::open(self.app.clone(), self.lmtp.at.port(), &self.shutdown).await;
        *self.lmtp.serving.lock().unwrap() = opened.serving.into_inner().unwrap();
    }

    /// Gives the news a mailbox for cancellations.
    pub async fn with_mailbox(&self, mailbox: &str) {
        self.set_options(NEWS, json!({ "sender": { "mailbox": mailbox } })).await;
    }

    /// The address that cancels for this person, as an export gives it.
    pub async fn leave_address(&self, email: &str) -> String {
        let rows = self.people(NEWS).await;
        let row = rows.iter().find(|row| row["email"] == email).expect("the person is on the export");
        let header = row["list_unsubscribe"].as_str().unwrap();
        let (_, mailto) = header.split_once("mailto:").expect("the list has a mailbox");
        mailto.split(['?', '>']).next().unwrap().to_owned()
    }

    /// Hands in a mail, and returns how the house answers in the end, such as `250 2.0.0`.
    pub async fn hand_in(&self, from: &str, to: &str, mail: &str) -> String {
        hand_in(self.lmtp.at, from, to, mail.as_bytes()).await
    }
}

pub async fn hand_in(door: SocketAddr, from: &str, to: &str, mail: &[u8]) -> String {
    say(TcpStream::connect(door).await.unwrap(), from, to, mail).await
}

/// Says what a mail server says, and returns the first reply that is not as it wishes, or the last.
pub async fn say(stream: impl AsyncRead + AsyncWrite + Unpin, from: &str, to: &str, mail: &[u8]) -> String {
    let mut server = BufReader::new(stream);
    let words = [
        (String::new(), "220"),
        ("LHLO mx.test\r\n".to_owned(), "250"),
        (format!("MAIL FROM:<{from}>\r\n"), "250"),
        (format!("RCPT TO:<{to}>\r\n"), "250"),
        ("DATA\r\n".to_owned(), "354"),
    ];
    for (said, wished) in words {
        server.write_all(said.as_bytes()).await.unwrap();
        let heard = reply(&mut server).await;
        if !heard.starts_with(wished) {
            return heard;
        }
    }
    server.write_all(mail).await.unwrap();
    let end: &[u8] = if mail.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" };
    server.write_all(end).await.unwrap();
    let heard = reply(&mut server).await;
    server.write_all(b"QUIT\r\n").await.unwrap();
    _ = server.read_to_end(&mut Vec::new()).await;
    heard
}

/// The last line of a reply, as far as its enhanced status.
async fn reply(server: &mut BufReader<impl AsyncRead + Unpin>) -> String {
    loop {
        let mut line = String::new();
        server.read_line(&mut line).await.unwrap();
        if line.as_bytes().get(3) != Some(&b'-') {
            return line.chars().take(9).collect();
        }
    }
}
