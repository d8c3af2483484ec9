//! `optin serve` and the commands around it, as an operator runs them.

mod crash;
mod desk;
mod export;
mod lists;
pub mod mail;
mod settings;
pub mod site;
mod templates;
mod trails;
mod webhook;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::sys::signal::Signal;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use self::site::{Letter, NOTHING, Relay, Replica, Site, client, count, durable, form, path_of};
use crate::house::{connect, database, until};
use crate::process::{DataDir, Process, free_port, optin, run};

const ANN: &str = "ann@example.org";

#[tokio::test]
async fn two_replicas_are_one_service_and_send_each_letter_once() {
    const PEOPLE: usize = 60;
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let (one, two) = (site.serve().await, site.serve().await);
    for n in 0..PEOPLE {
        let replica = if n % 2 == 0 { &one } else { &two };
        assert_eq!(replica.sign_up(&format!("person{n}@example.org")).await.status(), 200);
    }
    until("all letters", async || relay.letters().len() >= PEOPLE).await;
    until("an empty outbox", async || count(&url, "SELECT count(*) FROM outbox").await == 0).await;
    let reached: HashSet<_> = relay.letters().into_iter().map(|letter| letter.to).collect();
    assert_eq!((reached.len(), relay.letters().len()), (PEOPLE, PEOPLE), "each letter once");

    // Signed up at one, confirmed at the other, and again at the first.
    let mut everybody: Vec<_> = (0..PEOPLE).map(|n| format!("person{n}@example.org")).collect();
    everybody.sort();
    for (n, email) in everybody.iter().enumerate() {
        let confirm = relay.confirm_link(email).await;
        let [first, then] = if n % 2 == 0 { [&two, &one] } else { [&one, &two] };
        assert_eq!((first.press(&confirm).await, then.press(&confirm).await), (200, 200));
    }
    assert_eq!(site.exported().await, everybody);
    let confirmed = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 1";
    assert_eq!(count(&url, confirmed).await, PEOPLE as i64);

    // Each is welcomed once, with a receipt of their own that proves.
    until("an empty outbox", async || count(&url, "SELECT count(*) FROM outbox").await == 0).await;
    let mut welcomed: Vec<_> = relay.welcomes().into_iter().map(|letter| letter.to).collect();
    welcomed.sort();
    assert_eq!(welcomed, everybody);
    for Letter { to, receipt, .. } in relay.welcomes() {
        let receipt = receipt.unwrap();
        assert!(receipt.check().is_ok() && receipt.record().contains(&to));
        assert_eq!(receipt.trail(), "https://optin.example/trails/news");
    }
}

#[tokio::test]
async fn sigterm_lets_a_request_that_is_under_way_end_with_its_answer() {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let mut replica = site.serve().await;
    let address = replica.url.strip_prefix("http://").unwrap().to_owned();

    let db = connect(&url).await;
    // Writers alone wait for this lock: the sweeper, which looks, is not taken for the signup.
    db.batch_execute("BEGIN; LOCK TABLE subscriptions IN SHARE ROW EXCLUSIVE MODE").await.unwrap();
    let request = replica.http.post(format!("{}/lists/news", replica.url)).form(&form(ANN));
    let answer = tokio::spawn(async move { request.send().await.unwrap().status() });
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'subscriptions'::regclass";
    until("the signup's wait", async || db.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 1).await;

    replica.process.send(Signal::SIGTERM);
    until("a closed door", async || TcpStream::connect(&address).await.is_err()).await;
    assert!(replica.process.runs() && !answer.is_finished());
    db.batch_execute("COMMIT").await.unwrap();
    assert_eq!(answer.await.unwrap(), 200);
    assert_eq!(replica.process.end().await.code(), Some(0), "{}", replica.process.said().1);
    assert_eq!(count(&url, "SELECT count(*) FROM subscriptions").await, 1);
}

#[tokio::test]
async fn a_replica_that_is_told_to_stop_ends_the_letters_in_its_hands_and_takes_no_more() {
    const LETTERS: i64 = 20;
    let (url, permits) = (database(true).await, Arc::new(Semaphore::new(0)));
    // With the relay away, letters pile up.
    let port = free_port();
    let site = Site::ready(&url, port).await;
    let mut replica = site.serve().await;
    for n in 0..LETTERS {
        assert_eq!(replica.sign_up(&format!("person{n}@example.org")).await.status(), 200);
    }
    let failed = format!("SELECT count(*) = {LETTERS} FROM outbox WHERE status IS NOT NULL");
    let db = connect(&url).await;
    until("all failures", async || db.query_one(&failed, &[]).await.unwrap().get(0)).await;
    assert_eq!(replica.process.end_by(Signal::SIGTERM).await.code(), Some(0));
    db.execute("UPDATE outbox SET due_at = now()", &[]).await.unwrap();

    // The relay is back, but takes its time over the first letter of each connection.
    let relay = Relay::open_at(port, permits.clone()).await;
    let mut replica = site.serve().await;
    until("four letters under way", async || relay.given.load(Ordering::Relaxed) == 4).await;
    replica.process.send(Signal::SIGTERM);
    let address = replica.url.strip_prefix("http://").unwrap().to_owned();
    until("a closed door", async || TcpStream::connect(&address).await.is_err()).await;
    permits.add_permits(LETTERS as usize);
    assert_eq!(replica.process.end().await.code(), Some(0), "{}", replica.process.said().1);

    let sent = relay.letters().len() as i64;
    assert_eq!(sent, 4, "one for each worker");
    assert_eq!(count(&url, "SELECT count(*) FROM outbox WHERE due_at <= now()").await, LETTERS - sent);
    // Another sends them at once, not only when a lease has run out.
    let _replica = site.serve().await;
    until("the others", async || relay.letters().len() as i64 == LETTERS).await;
}

#[tokio::test]
async fn while_the_relay_is_down_signups_go_on_and_their_letters_wait() {
    let (url, port) = (database(true).await, free_port());
    let site = Site::ready(&url, port).await;
    let replica = site.serve().await;
    let ready = |relay: &str| format!(r#"{{"database":"ok","relay":"{relay}","status":"ok"}}"#);
    assert_eq!(replica.get("/readyz").await, (200, ready("ok")), "not tried yet");
    assert_eq!(replica.sign_up(ANN).await.status(), 200);
    until("the news", async || replica.get("/readyz").await == (200, ready("down"))).await;
    assert_eq!(replica.sign_up("ben@example.org").await.status(), 200);
    assert_eq!(count(&url, "SELECT count(*) FROM outbox").await, 2);

    let relay = Relay::open_at(port, Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))).await;
    let confirm = relay.confirm_link(ANN).await;
    relay.confirm_link("ben@example.org").await;
    assert_eq!(replica.get("/readyz").await, (200, ready("ok")));
    assert_eq!(replica.press(&confirm).await, 200);
    until("the welcome", async || relay.welcomes().len() == 1).await;
    assert_eq!(relay.letters().len(), 3);
}

#[tokio::test]
async fn while_the_database_is_down_people_are_told_when_to_come_back_and_it_recovers_by_itself() {
    let (dir, relay) = (DataDir::new(), Relay::open().await);
    let cluster = durable(&dir).await;
    let url = cluster.url("optin");
    let site = Site::ready(&url, relay.port).await;
    let mut replica = site.serve().await;
    assert_eq!(replica.sign_up(ANN).await.status(), 200);
    let confirm = relay.confirm_link(ANN).await;

    cluster.stop().await.unwrap();
    for answer in [
        replica.sign_up("ben@example.org").await,
        replica.post(path_of(&confirm), &NOTHING).await,
        replica.http.get(format!("{}/lists/news", replica.url)).send().await.unwrap(),
    ] {
        assert_eq!(answer.status(), 503);
        let seconds: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
    }
    let (status, body) = replica.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains(r#""database":"down""#), "{body}");
    assert_eq!(replica.get("/healthz").await.0, 200);
    assert!(replica.process.runs());

    let _cluster = durable(&dir).await;
    until("recovery", async || replica.get("/readyz").await.0 == 200).await;
    assert_eq!(replica.press(&confirm).await, 200);
    assert_eq!(replica.sign_up("ben@example.org").await.status(), 200);
    relay.confirm_link("ben@example.org").await;
    assert_eq!(site.exported().await, [ANN]);
    assert_eq!(replica.process.end_by(Signal::SIGTERM).await.code(), Some(0));
}

#[tokio::test]
async fn health_has_a_listener_of_its_own_where_one_is_set() {
    let site = Site::ready(&database(true).await, 1).await;
    let (public, private) = (free_port(), free_port());
    let mut settings = site.with("OPTIN_LISTEN", &format!("127.0.0.1:{public}"));
    settings.insert("OPTIN_PRIVATE_LISTEN", format!("127.0.0.1:{private}"));
    let mut process = Process::start(optin(&["serve"], &settings));
    let http = client();
    let get = async |path: &str| {
        let asked = http.get(format!("http://127.0.0.1:{private}{path}")).send().await;
        asked.map(|answer| answer.status().as_u16()).ok()
    };
    until("health", async || get("/healthz").await == Some(200)).await;
    assert_eq!(get("/readyz").await, Some(200));
    assert_eq!(get("/lists/news").await, Some(404), "nothing else is there");

    // The next one finds the ports taken, and names the first.
    let said = run(optin(&["serve"], &settings)).await;
    assert!(said.refusal().contains(&format!("127.0.0.1:{public}")), "{}", said.err);
    assert_eq!(process.end_by(Signal::SIGINT).await.code(), Some(0));
}

#[tokio::test]
async fn there_is_no_inbox_in_serve() {
    let site = Site::ready(&database(true).await, 1).await;
    let replica = site.serve().await;
    for path in ["/inbox", "/inbox.json", "/inbox/1/html", "/inbox/1/attachments/1"] {
        assert_eq!(replica.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn p_cp_7_the_log_tells_of_no_person() {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let mut settings = site.with("OPTIN_LISTEN", &format!("127.0.0.1:{}", free_port()));
    // More than anybody runs a service with.
    settings.insert("OPTIN_LOG", "debug".into());
    let url = format!("http://{}", settings["OPTIN_LISTEN"]);
    let process = Process::start(optin(&["serve"], &settings));
    let mut replica = Replica { process, url, http: client() };
    replica.ready().await;
    assert_eq!(replica.sign_up(ANN).await.status(), 200);
    let confirm = relay.confirm_link(ANN).await;
    let token = confirm.rsplit('/').next().unwrap();
    assert_eq!(replica.get(&format!("/c/{token}?utm_source=quagga")).await.0, 200);
    assert_eq!(replica.press(&confirm).await, 200);
    until("the welcome", async || relay.welcomes().len() == 1).await;
    assert_eq!(replica.sign_up("not an address").await.status(), 422);
    assert_eq!(replica.get("/c/quagga?email=ann%40example.org").await.0, 404);
    assert_eq!(replica.process.end_by(Signal::SIGTERM).await.code(), Some(0));

    let (out, err) = replica.process.said();
    let lines = err.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let answered = lines.filter(|line| line["fields"]["message"] == "answered").count();
    assert!(answered >= 6 && out.is_empty(), "{err}");
    for word in ["ann@", "ann%40", "quagga", "not an address", "utm_source", token] {
        assert_eq!(err.lines().find(|line| line.contains(word)), None, "{word}");
    }
}
