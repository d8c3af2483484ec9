//! Mail that comes in, by each of the two doors for mail servers.

use nix::sys::signal::Signal;
use tokio::net::{TcpStream, UnixStream};

use super::site::{Relay, Replica, Site, count};
use crate::house::mail::{mail_from, say};
use crate::house::{database, until};
use crate::process::{feed, free_port, optin};

const ANN: &str = "ann@example.org";
const PEOPLE: &str = "SELECT count(*) FROM subscriptions";

/// A site whose newsletter can be left by mail, with some people on it.
pub async fn with_people(people: usize) -> (String, Relay, Site) {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let app = site.app();
    let (list, current) = app.store.find_list("news").await.unwrap().unwrap();
    let mut options = list.options.clone();
    options.sender.mailbox = Some("leave@news.example.org".to_owned());
    let (now, random) = (app.clock.now(), optin::app::App::random());
    assert!(app.store.change_list(&list, &current, &options, None, now, random).await.unwrap());
    // Every tenth, the first among them, does not confirm.
    site.settle(people + 1).await;
    (url, relay, site)
}

/// The addresses to leave by, of all who are on the export.
pub async fn ways_out(site: &Site) -> Vec<String> {
    let said = site.export(&["--format", "jsonl"]).await;
    let rows = said.success().lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mailto = |row: serde_json::Value| {
        let (_, mailto) = row["list_unsubscribe"].as_str().unwrap().split_once("mailto:").unwrap();
        mailto.split(['?', '>']).next().unwrap().to_owned()
    };
    rows.map(mailto).collect()
}

#[tokio::test]
async fn serve_takes_mail_by_tcp_and_by_a_socket_for_its_group_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (url, relay, mut site) = with_people(3).await;
    let ways = ways_out(&site).await;
    let place = format!("127.0.0.1:{}", free_port());
    site.settings.insert("OPTIN_LMTP_LISTEN", place.clone());
    let mut tcp = site.serve().await;
    let stream = TcpStream::connect(&place).await.unwrap();
    assert_eq!(say(stream, ANN, &ways[0], mail_from(ANN).as_bytes()).await, "250 2.0.0");
    until("the answer", async || relay.letters().len() == 1).await;
    assert_eq!(relay.letters()[0].subject, "Your data has been deleted");

    let socket = site.path("lmtp");
    site.settings.insert("OPTIN_LMTP_LISTEN", format!("unix:{socket}"));
    let mut first = site.serve().await;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let stream = UnixStream::connect(&socket).await.unwrap();
    assert_eq!(say(stream, ANN, &ways[1], mail_from(ANN).as_bytes()).await, "250 2.0.0");
    // Nobody takes the socket away from a service that lives; from one that was killed, the next does.
    let mut second = Replica::begin(&site, free_port());
    assert!(!second.process.end().await.success());
    assert!(second.process.said().1.contains("OPTIN_LMTP_LISTEN"));
    first.process.end_by(Signal::SIGKILL).await;
    let third = site.serve().await;
    let stream = UnixStream::connect(&socket).await.unwrap();
    assert_eq!(say(stream, ANN, &ways[2], mail_from(ANN).as_bytes()).await, "250 2.0.0");
    assert_eq!(count(&url, PEOPLE).await, 1, "the one who did not confirm");

    assert!(tcp.process.end_by(Signal::SIGTERM).await.success(), "a clean end");
    for process in [&tcp.process, &first.process, &third.process] {
        let (out, err) = process.said();
        assert!(err.contains("a mail came in"));
        for personal in ["person", "@", "leave+"] {
            assert!(!out.contains(personal) && !err.contains(personal), "{err}");
        }
    }
}

#[tokio::test]
async fn inbound_takes_one_mail_and_ends_as_mail_servers_understand() {
    let (url, relay, site) = with_people(1).await;
    let way = ways_out(&site).await.remove(0);
    let inbound = |from: &str, to: &str| optin(&["inbound", "--from", from, "--to", to], &site.settings);
    let mail = mail_from(ANN);
    let nobody = feed(inbound(ANN, "nobody@news.example.org"), mail.as_bytes()).await;
    assert_eq!((nobody.code, nobody.err.as_str()), (Some(67), "optin: no such mailbox\n"));
    let huge = feed(inbound(ANN, &way), &vec![b'x'; (1 << 20) + 1]).await;
    assert_eq!(huge.code, Some(65), "{}", huge.err);
    let usage = feed(optin(&["inbound", "--from", ANN], &site.settings), b"").await;
    assert_eq!((usage.code, usage.err.contains('@')), (Some(64), false), "{}", usage.err);
    let stray = feed(optin(&["inbound", "--to", &way, "--from=a@b.org", ANN], &site.settings), b"").await;
    assert_eq!((stray.code, stray.err.contains('@')), (Some(64), false), "{}", stray.err);
    assert_eq!(
        feed(inbound("--to@b.org", "nobody@news.example.org"), b"x").await.code,
        Some(67),
        "an odd sender"
    );
    let mut down = optin(&["inbound", "--from", ANN, "--to", &way], &site.settings);
    down.env("OPTIN_DATABASE_URL", "postgresql://optin@127.0.0.1:1/optin");
    let later = feed(down, mail.as_bytes()).await;
    assert_eq!(later.code, Some(75), "{}", later.err);
    assert_eq!(feed(inbound("MAILER-DAEMON", &way), mail.as_bytes()).await.code, Some(0), "no wish");
    assert_eq!(count(&url, PEOPLE).await, 2);
    for said in [&nobody, &huge, &later] {
        assert!(!said.err.contains('@') && !said.err.contains("leave+"), "{}", said.err);
    }

    // As some hand it in: without CRs.
    let taken = feed(inbound(ANN, &way), mail.replace("\r\n", "\n").as_bytes()).await;
    assert_eq!((taken.code, taken.out.as_str(), taken.err.as_str()), (Some(0), "", ""));
    assert_eq!(count(&url, PEOPLE).await, 1, "the one who did not confirm");
    let letters = relay.letters();
    assert_eq!(letters.len(), 1, "answered before it ended");
    assert_eq!(letters[0].to, "person1@example.org");
    assert_eq!(feed(inbound(ANN, &way), mail.as_bytes()).await.code, Some(0));
    assert_eq!(relay.letters().len(), 1, "once");
}
