//! A large export over HTTP: rows a second beside `psql COPY` of the same rows in the same run, and how much memory `serve`
//! takes for it.
//!
//! `cargo bench --bench export [-- PEOPLE]` signs that many up and confirms them (a million unless said), starts
//! `optin serve`, and has one export made: as it is, then compressed. Ends with an error where `serve` ever had more than
//! 64 MiB.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::SignedDuration;
use optin::app::App;
use optin::clock::Clock;
use optin::commands::dev::news;
use optin::config::Config;
use optin::consent::address::Address;
use optin::consent::change::{Confirm, Entered, Signup, SignupRandom};
use optin::consent::operator::{Right, Role};
use optin::keys::KeyRing;
use optin::store::cluster::Cluster;
use optin::store::migrate::{migrate, migrations};
use optin::store::operators::NewToken;
use optin::token::Token;
use zeroize::Zeroizing;

const MEMORY_KB: u64 = 64 * 1024;
const CONTROLLER: &str = include_str!("../src/commands/dev/optin.toml");

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let people: usize = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::durable(folder.path(), |_| {}).await.unwrap();
    cluster.create_database("bench", None).await.unwrap();
    let url = cluster.url("bench");
    migrate(&url, &migrations()).await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = settings(folder.path(), &url, port);
    let config = Config::load(|name| settings.get(name).cloned()).unwrap();
    let app = App::new(&config, Clock::System, None).unwrap();
    app.store.check_ring(&app.keys).await.unwrap();
    news::create(&app).await.unwrap();
    settle(&app, people).await;
    let (db, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    // Nobody waits for a million letters here.
    db.batch_execute("TRUNCATE outbox; VACUUM ANALYZE").await.unwrap();
    let token = token(&app).await;

    let copied = copy(&url);
    println!("psql COPY          {:>10.0} rows/s", people as f64 / copied.as_secs_f64());
    let mut serve = Serve::start(&settings);
    let base = format!("http://127.0.0.1:{port}");
    let http = reqwest::Client::new();
    while http.get(format!("{base}/healthz")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The entries of all who came are sealed before anything is measured.
    tokio::time::sleep(Duration::from_secs(2)).await;
    while db
        .query_one("SELECT count(*) FROM trail_entries WHERE index IS NULL", &[])
        .await
        .unwrap()
        .get::<_, i64>(0)
        > 0
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("serve, idle        {:>10} KiB at most so far", serve.memory_kb());
    for (name, coding) in [("HTTP", "identity"), ("HTTP, gzip", "gzip")] {
        let begin = Instant::now();
        let request = http.post(format!("{base}/api/v1/lists/news/exports")).bearer_auth(&token);
        let request = request.header("accept-encoding", coding).header("content-type", "application/json");
        let mut answer = request.body("{\"format\":\"csv\"}").send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let (mut bytes, mut lines) = (0, 0);
        while let Some(chunk) = answer.chunk().await.unwrap() {
            bytes += chunk.len();
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
        }
        let took = begin.elapsed().as_secs_f64();
        assert!(coding == "gzip" || lines == people + 1, "{lines} lines");
        let (rate, ratio) = (people as f64 / took, copied.as_secs_f64() / took);
        let (mib, memory) = (bytes >> 20, serve.memory_kb());
        println!(
            "{name:<19}{rate:>10.0} rows/s, {ratio:.2} of psql's; {mib} MiB; serve {memory} KiB at most"
        );
    }
    let most = serve.memory_kb();
    serve.end();
    drop(app);
    cluster.stop().await.unwrap();
    assert!(most < MEMORY_KB, "serve took {most} KiB");
}

fn settings(folder: &std::path::Path, url: &str, port: u16) -> BTreeMap<&'static str, String> {
    let config = folder.join("optin.toml");
    std::fs::write(&config, CONTROLLER).unwrap();
    let ring = KeyRing::generate(Zeroizing::new(App::random()));
    BTreeMap::from([
        ("OPTIN_CONFIG", config.display().to_string()),
        ("OPTIN_DATABASE_URL", url.to_owned()),
        ("OPTIN_KEYS", ring.to_toml().to_string()),
        ("OPTIN_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("OPTIN_LISTEN", format!("127.0.0.1:{port}")),
        ("OPTIN_SMTP_URL", "smtp://127.0.0.1:1".into()),
    ])
}

async fn settle(app: &App, people: usize) {
    let (list, notice) = app.store.find_list("news").await.unwrap().unwrap();
    let person = async |n: usize| {
        let entered = Entered {
            address: Address::parse(&format!("person{n}@example.org")).unwrap(),
            profile: BTreeMap::from([("name".to_owned(), format!("Person {n}"))]),
            lang: "en".into(),
            origin: None,
            network: None,
        };
        let random = SignupRandom {
            id: App::random(),
            reference: App::random(),
            secret: Zeroizing::new(App::random()),
            nonce: App::random(),
        };
        let signup = Signup::new(&app.keys, &list, &notice, entered, random, app.clock.now());
        let its = Token { list: signup.list(), id: signup.id(), expiry: 0 };
        app.store.sign_up(signup).await.unwrap();
        app.store.confirm(Confirm::new(&its, app.clock.now())).await.unwrap();
    };
    futures_util::stream::iter(0..people).for_each_concurrent(256, person).await;
}

async fn token(app: &App) -> String {
    let now = app.clock.now();
    app.store.add_operator("bench", Role::Admin, now).await.unwrap();
    let expires_at = now + SignedDuration::from_hours(1);
    let new = NewToken { name: "bench", rights: &[Right::Export], lists: None, expires_at };
    assert!(app.store.add_token("bench-token", "bench", &new, now).await.unwrap());
    "bench-token".into()
}

/// The same rows, as they lie in the database.
fn copy(url: &str) -> Duration {
    let rows = "COPY (SELECT s.id, s.lang, s.seal, s.reference, s.confirmed_at, s.notice FROM subscriptions s
        JOIN lists l ON l.list = s.list JOIN notices n ON n.list = s.list AND n.version = s.notice
        WHERE s.list = 1 AND s.state = 2 AND n.purpose = l.purpose) TO STDOUT (FORMAT csv)";
    let begin = Instant::now();
    let psql = Command::new("psql").args(["-X", url, "-c", rows]).stdout(Stdio::null()).status();
    assert!(psql.unwrap().success());
    begin.elapsed()
}

struct Serve(Child);

impl Serve {
    fn start(settings: &BTreeMap<&'static str, String>) -> Serve {
        let mut command = Command::new(env!("CARGO_BIN_EXE_optin"));
        command.arg("serve").envs(settings).stdout(Stdio::null()).stderr(Stdio::null());
        Serve(command.spawn().unwrap())
    }

    /// The most memory that it ever had.
    fn memory_kb(&mut self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn end(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.end();
    }
}
