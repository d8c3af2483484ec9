//! What must be true of every conversation at the door for mail, whatever a client says.

use std::str;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use optin::mail::session::{Answer, Door, Ending, Limits, Protocol, Transaction, converse};
use optin::mail::status::is_enhanced;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

const LIMITS: Limits =
    Limits { message_bytes: 200, recipients: 3, idle: Duration::from_secs(3600), connections: 1 };

pub fn hold(input: &[u8]) {
    for protocol in [Protocol::Smtp, Protocol::Lmtp] {
        let (said, taken) = conversation(protocol, input);
        replies_are_well_formed(&said);
        for Transaction { from, to, data, .. } in &taken {
            assert!(data.len() <= LIMITS.message_bytes && (data.is_empty() || data.ends_with(b"\r\n")));
            let most = if protocol == Protocol::Lmtp { 1 } else { LIMITS.recipients };
            assert!((1..=most).contains(&to.len()));
            let one_line = |address: &String| !address.contains(['\r', '\n', '\0']);
            assert!(one_line(from) && to.iter().all(one_line));
        }
        let asked = said.matches("354 ").count();
        assert!(taken.len() <= asked * LIMITS.recipients, "a message that nobody was asked for");
    }
}

/// What the door says, and what it takes, from a client who says all that and then hangs up.
fn conversation(protocol: Protocol, input: &[u8]) -> (String, Vec<Transaction>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&taken);
    let door = Door::new(
        protocol,
        "mx.example.org",
        LIMITS,
        |_| async { Answer::TAKEN },
        move |transaction| {
            let keep = Arc::clone(&keep);
            async move {
                keep.lock().expect("a list").push(transaction);
                Answer::TAKEN
            }
        },
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (ending, said) = runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let talk = async { converse(&door, server, &CancellationToken::new()).await };
        let listen = async {
            let (mut ear, mut mouth) = tokio::io::split(&mut client);
            let speak = async {
                // The door may have closed before the end.
                let _ = mouth.write_all(input).await;
                let _ = mouth.shutdown().await;
            };
            let mut said = Vec::new();
            let (_, heard) = tokio::join!(speak, ear.read_to_end(&mut said));
            heard.expect("a stream in memory does not break");
            said
        };
        tokio::join!(talk, listen)
    });
    assert_eq!(ending, Ending::Closed);
    let taken = taken.lock().expect("a list").clone();
    (String::from_utf8(said).expect("replies are text"), taken)
}

/// `ddd d.d.d text` and CR LF; without the enhanced code the greeting, 354, and what is offered.
fn replies_are_well_formed(said: &str) {
    assert!(said.starts_with("220 mx.example.org ") && said.ends_with("\r\n"));
    for line in said.strip_suffix("\r\n").unwrap_or(said).split("\r\n") {
        assert!(line.is_ascii() && !line.contains(['\r', '\n']) && line.len() < 100, "one short line");
        let (code, rest) = line.split_at(3);
        assert!(code.parse::<u16>().is_ok_and(|code| (220..=555).contains(&code)));
        let rest = rest.strip_prefix([' ', '-']).expect("a blank or a dash");
        let first = rest.split(' ').next().unwrap_or_default();
        let offered = ["mx.example.org", "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        match code {
            "220" | "354" => {}
            "250" if offered.contains(&first) => {}
            _ => assert!(is_enhanced(first) && first[..1] == code[..1], "its own class"),
        }
    }
}
