//! Whether a stranger can tell from an answer, or from how long it took, that an address is known.
//!
//! `cargo bench --bench same_answer [-- EACH]` signs up EACH addresses (2,000 unless given) of each kind, all kinds
//! mixed, one request after another over HTTP, on a real PostgreSQL with durable commits and with letters going out.
//! It prints each kind's median, how far that is from the median of unknown addresses, and how many different answers
//! there were: status, headers but for the date, body.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use optin::app::App;
use optin::chores::postman;
use optin::clock::Clock;
use optin::commands::dev::news;
use optin::config::Config;
use optin::journeys::{routes, service};
use optin::keys::KeyRing;
use optin::mail::inbox::Inbox;
use optin::mail::session;
use optin::store::cluster::Cluster;
use optin::store::migrate::{migrate, migrations};
use optin::web::headers::SecurityHeaders;
use optin::web::server::{Limits, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// What the service knows of an address beforehand.
const KINDS: [&str; 5] = ["unknown", "pending", "active", "told", "paused"];

#[tokio::main]
async fn main() {
    let each = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::durable(folder.path(), |_| {}).await.unwrap();
    cluster.create_database("bench", None).await.unwrap();
    let database_url = cluster.url("bench");
    migrate(&database_url, &migrations()).await.unwrap();
    let shutdown = CancellationToken::new();
    let url = open(&database_url, folder.path(), &shutdown).await;
    let (db, connection) = tokio_postgres::connect(&database_url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);

    let client = reqwest::Client::new();
    let sign_up = async |kind: &str, n: usize| {
        let email = format!("{kind}{n}@example.org");
        let form = [("email", email.as_str()), ("consent", "yes"), ("notice", "1"), ("lang", "en")];
        let begin = Instant::now();
        let answer = client.post(format!("{url}/lists/news")).form(&form).send().await.unwrap();
        let mut headers = answer.headers().clone();
        headers.remove("date");
        let seen = format!("{} {headers:?} {}", answer.status(), answer.text().await.unwrap());
        (begin.elapsed(), seen)
    };
    for kind in &KINDS[1..] {
        for n in 0..each {
            sign_up(kind, n).await;
        }
        // What is waiting goes out first, so that the next statement finds it gone.
        let waiting = "SELECT count(*) FROM outbox";
        while db.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let made = match *kind {
            "active" => {
                "UPDATE subscriptions SET state = 2, confirmed_at = now() WHERE state = 1 AND list = 1"
            }
            "told" => {
                "UPDATE subscriptions SET state = 2, confirmed_at = now(), told_at = now() WHERE state = 1 AND list = 1"
            }
            "paused" => {
                "UPDATE subscriptions SET state = 3, confirmed_at = now() WHERE state = 1 AND list = 1"
            }
            // Pending ones are set aside, so that the next kind does not take them along.
            _ => "UPDATE subscriptions SET list = 2",
        };
        db.execute(made, &[]).await.unwrap();
    }
    db.batch_execute("UPDATE subscriptions SET list = 1; ANALYZE").await.unwrap();

    let mut order: Vec<(usize, usize)> =
        (0..KINDS.len()).flat_map(|kind| (0..each).map(move |n| (kind, n))).collect();
    order.sort_by_cached_key(|_| App::random::<8>());
    let mut times: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    let mut answers = HashSet::new();
    for (kind, n) in order {
        let (time, seen) = sign_up(KINDS[kind], n).await;
        times.entry(kind).or_default().push(time);
        answers.insert(seen);
    }
    let medians: Vec<f64> = times.into_values().map(median).collect();
    println!("{:<10}{:>12}{:>16}", "address", "median", "from unknown");
    for (kind, median) in KINDS.iter().zip(&medians) {
        println!("{kind:<10}{median:>9.3} ms{:>13.1} %", (median / medians[0] - 1.0) * 100.0);
    }
    println!("{} answers, {} of them different", each * KINDS.len(), answers.len() - 1);
    shutdown.cancel();
    cluster.stop().await.unwrap();
}

/// A whole service; where its pages are.
async fn open(database_url: &str, folder: &std::path::Path, shutdown: &CancellationToken) -> String {
    _ = rustls::crypto::ring::default_provider().install_default();
    let (pages, mail) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("http://{}", pages.local_addr().unwrap());
    let config_file = folder.join("optin.toml");
    std::fs::write(&config_file, include_str!("../src/commands/dev/optin.toml")).unwrap();
    let settings = BTreeMap::from([
        ("OPTIN_CONFIG", config_file.display().to_string()),
        ("OPTIN_DATABASE_URL", database_url.to_owned()),
        ("OPTIN_KEYS", KeyRing::generate(Zeroizing::new(App::random())).to_toml().to_string()),
        ("OPTIN_PUBLIC_URL", url.clone()),
        ("OPTIN_SMTP_URL", format!("smtp://{}", mail.local_addr().unwrap())),
    ]);
    let config = Config::load(|name| settings.get(name).cloned()).unwrap();
    let app = Arc::new(App::new(&config, Clock::System, None).unwrap());
    app.store.check_ring(&app.keys).await.unwrap();
    news::create(&app).await.unwrap();
    let inbox = Inbox::open(folder.join("inbox")).unwrap();
    tokio::spawn(session::serve(inbox.door(), mail, shutdown.clone()));
    tokio::spawn(postman::run(app.clone(), shutdown.clone()));
    let headers = SecurityHeaders { https: false };
    tokio::spawn(serve(pages, service(routes(app)), shutdown.clone(), Limits::default(), headers));
    url
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}
