//! The relays that the tests send to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::mail::session::{self, Answer, Door, Limits, Protocol, Transaction};

/// The session of our own as the relay: `no@…`, `later@…`, `hang@…`, `reset@…` at RCPT, `no-data@…`, `hang-data@…`,
/// `reset-data@…` after the message.
pub(super) struct Inbox {
    pub(super) address: SocketAddr,
    pub(super) taken: Arc<Mutex<Vec<Transaction>>>,
}

impl Inbox {
    pub(super) async fn open(idle: Duration) -> Inbox {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        let local = |address: &str| address.split('@').next().unwrap_or_default().to_owned();
        let door = Door::new(
            Protocol::Smtp,
            "relay.test",
            Limits { idle, ..Limits::default() },
            move |address| async move {
                match local(&address).as_str() {
                    "no" => Answer::reply(550, "5.1.1", "nobody"),
                    "later" => Answer::reply(450, "4.2.1", "mailbox busy"),
                    "hang" => Answer::Hang,
                    "reset" => Answer::Reset,
                    _ => Answer::TAKEN,
                }
            },
            move |transaction: Transaction| {
                let answer = match local(&transaction.to[0]).as_str() {
                    "no-data" => Answer::reply(554, "5.6.0", "unreadable"),
                    "hang-data" => Answer::Hang,
                    "reset-data" => Answer::Reset,
                    _ => Answer::TAKEN,
                };
                kept.lock().unwrap().push(transaction);
                async move { answer }
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(session::serve(door, listener, CancellationToken::new()));
        Inbox { address, taken }
    }

    pub(super) fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

/// A relay that says what a test wants: a reply for each verb, `""` for the greeting, `"."` for the message. `HANG`
/// says nothing, `CLOSE` closes. It tells what it heard, each connection's lines after a `+`.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    pub(super) heard: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(super) async fn open(replies: &[(&'static str, &'static str)]) -> Scripted {
        let script = Arc::new(HashMap::<_, _>::from_iter(replies.iter().copied()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                log.lock().unwrap().push("+".to_owned());
                tokio::spawn(scripted(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Scripted { address, heard }
    }

    pub(super) fn heard(&self, what: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|line| line.starts_with(what)).count()
    }
}

async fn scripted(stream: TcpStream, script: Arc<HashMap<&str, &str>>, heard: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut within_message = false;
    let mut verb = String::new();
    loop {
        let usual = match verb.as_str() {
            "" => "220 relay.test",
            "DATA" => "354 go on",
            _ => "250 2.0.0 fine",
        };
        match *script.get(verb.as_str()).unwrap_or(&usual) {
            "HANG" => std::future::pending().await,
            "CLOSE" => return,
            reply => {
                stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
                within_message = reply.starts_with("354");
            }
        }
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            if !within_message || line == "." {
                verb = line.split(' ').next().unwrap().to_owned();
                heard.lock().unwrap().push(line);
                break;
            }
        }
    }
}
