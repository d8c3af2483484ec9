//! `optin dev`: one command starts everything, and its end leaves nothing running, however it comes.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use optin::app::App;
use optin::consent::receipt::Receipt;
use reqwest::Client;
use serde_json::{Value, json};

use crate::house::pages::{anchors, decoded};
use crate::house::{link, until};
use crate::process::{
    DataDir, Process, Said, descendants, free_port, is_here, optin, postmaster, program, run, runs,
};
use crate::serve::site::client;

/// A running `optin dev`. Its data dir belongs to the test, and goes after it.
struct Dev {
    process: Process,
    url: String,
    http: Client,
}

impl Dev {
    fn begin(dir: &Path, port: u16) -> Dev {
        let process = Process::start(command(dir, port));
        Dev { process, url: format!("http://127.0.0.1:{port}"), http: client() }
    }

    /// Starts it, and waits until it answers.
    async fn start(dir: &Path) -> Dev {
        Dev::start_at(dir, free_port()).await
    }

    async fn start_at(dir: &Path, port: u16) -> Dev {
        let mut dev = Dev::begin(dir, port);
        dev.ready().await;
        dev
    }

    async fn ready(&mut self) {
        let began = Instant::now();
        while !self.answers().await {
            assert!(
                self.process.runs() && began.elapsed() < Duration::from_secs(60),
                "{}",
                self.process.said().1
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn answers(&self) -> bool {
        let asked =
            self.http.get(format!("{}/healthz", self.url)).timeout(Duration::from_secs(1)).send().await;
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    async fn post(&self, url: &str, form: &[(&str, &str)]) -> u16 {
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", self.url) };
        self.http.post(url).form(form).send().await.unwrap().status().as_u16()
    }

    async fn sign_up(&self, email: &str) {
        let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en")];
        assert_eq!(self.post("/lists/news", &form).await, 200);
    }

    async fn letters(&self, query: &str) -> Vec<Value> {
        let answer = self.http.get(format!("{}/inbox.json{query}", self.url)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        answer.json().await.unwrap()
    }

    /// The first letter to an address; waits for it.
    async fn letter(&self, to: &str) -> Value {
        self.nth_letter(to, 1).await
    }

    /// The letter to an address with this number, counted from 1; waits for it.
    async fn nth_letter(&self, to: &str, nth: usize) -> Value {
        let query = format!("?to={}", to.replace('@', "%40"));
        until("a letter", async || self.letters(&query).await.len() >= nth).await;
        self.letters(&query).await.swap_remove(nth - 1)
    }

    /// What is attached to a letter, saved by the only such link on the inbox's page. There is nothing beside it.
    async fn attached(&self, letter: &Value) -> Vec<u8> {
        let get = async |path: &str| self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        let page = get("/inbox").await.text().await.unwrap();
        let links: Vec<_> = anchors(&page).into_iter().filter(|url| url.contains("/attachments/")).collect();
        let [url] = &links[..] else { panic!("one letter has one attachment: {links:?}") };
        assert_eq!(letter["attachments"], json!([{ "name": "optin-receipt.json", "url": url }]));
        assert!(
            decoded(&page).contains(&format!("href=\"{url}\">Attached: optin-receipt.json</a>")),
            "{page}"
        );

        let of_letter = url.strip_suffix("/1").unwrap();
        for nowhere in ["/0", "/2", "/01", "/one"].map(|nth| format!("{of_letter}{nth}")) {
            assert_eq!(get(&nowhere).await.status(), 404, "{nowhere}");
        }
        for nowhere in ["/inbox/1/attachments/1", "/inbox/99/attachments/1"] {
            assert_eq!(get(nowhere).await.status(), 404, "{nowhere}");
        }
        let file = get(url).await;
        let says = |name: &str| file.headers()[name].to_str().unwrap();
        assert_eq!(file.status(), 200);
        assert_eq!(says("content-disposition"), "attachment; filename=\"optin-receipt.json\"");
        assert_eq!(says("content-type"), "application/octet-stream");
        assert_eq!(says("x-content-type-options"), "nosniff");
        file.bytes().await.unwrap().to_vec()
    }

    /// Signs up, confirms, and waits for the welcome.
    async fn subscribe(&self, email: &str) {
        self.sign_up(email).await;
        let letter = self.letter(email).await;
        let confirm = link(letter["text"].as_str().unwrap(), "/c/");
        assert_eq!(self.post(&confirm, &[]).await, 200);
        self.nth_letter(email, 2).await;
    }

    /// Ends it by a signal, as a terminal or a service manager does: soon, with exit code 0, and wholly.
    async fn end_by(&mut self, signal: Signal, dir: &Path) {
        let postgres = postmaster(dir).expect("PostgreSQL runs");
        let family = descendants(self.process.pid());
        assert!(family.contains(&postgres) && family.len() > 3, "{family:?}");
        let asked = Instant::now();
        let status = self.process.end_by(signal).await;
        assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?}", asked.elapsed());
        assert_eq!(status.code(), Some(0), "{}", self.process.said().1);
        let left: Vec<_> = family.into_iter().filter(|pid| runs(*pid)).collect();
        assert!(left.is_empty() && postmaster(dir).is_none(), "left running: {left:?}");
    }

    /// As by `kill -9` or the out-of-memory killer. PostgreSQL goes on without its parent.
    async fn die(mut self) {
        self.process.end_by(Signal::SIGKILL).await;
    }
}

fn command(dir: &Path, port: u16) -> tokio::process::Command {
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["dev", "--data-dir", dir.to_str().unwrap(), "--listen", &listen];
    optin(&arguments, &BTreeMap::new())
}

/// Runs a line in a shell that has sourced the instance's environment file.
async fn in_shell(dir: &Path, line: &str) -> Said {
    let mut shell = program("sh");
    let optin_dir = Path::new(crate::process::OPTIN).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([optin_dir].into_iter().chain(std::env::split_paths(&path))).unwrap();
    shell.env("PATH", path).current_dir("/");
    shell.args(["-euc", &format!(". '{}'; {line}", dir.join("optin.env").display())]);
    run(shell).await
}

async fn exported(dir: &Path) -> Vec<String> {
    let said = in_shell(dir, "optin export news --format jsonl").await;
    let rows = said.success().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut people: Vec<_> = rows.map(|row| row["email"].as_str().unwrap().to_owned()).collect();
    people.sort();
    people
}

#[tokio::test]
async fn one_command_starts_everything_and_ctrl_c_ends_it() {
    let dir = DataDir::new();
    let mut dev = Dev::begin(dir.path(), free_port());
    let env = dir.join("optin.env");
    // Whoever waits for the service may source the file: it is there first.
    while !dev.answers().await {
        assert!(dev.process.runs(), "{}", dev.process.said().1);
    }
    let written = std::fs::metadata(&env).unwrap().modified().unwrap();
    dev.ready().await;
    assert_eq!(std::fs::metadata(&env).unwrap().modified().unwrap(), written);

    let (out, err) = dev.process.said();
    for link in ["/lists/news", "/inbox"] {
        assert!(out.contains(&format!("{}{link}\n", dev.url)), "{out}");
    }
    assert!(out.contains("docs/ARCHITECTURE.md"), "{out}");
    assert!(out.contains(&format!(". {}\n", env.canonicalize().unwrap().display())), "{out}");
    assert_eq!(err, "making a private database (this once)\n");
    for page in ["/", "/lists/news", "/inbox", "/readyz"] {
        assert_eq!(dev.http.get(format!("{}{page}", dev.url)).send().await.unwrap().status(), 200, "{page}");
    }
    // Secrets and letters are nobody else's.
    for private in ["keys.toml", "optin.env", "inbox", "postgres/data"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(dir.join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private}");
    }
    dev.end_by(Signal::SIGINT, dir.path()).await;
    assert_eq!(dev.process.said().1, err, "an orderly end has nothing to tell");

    // The second start finds everything in place.
    let mut dev = Dev::start(dir.path()).await;
    assert_eq!(dev.process.said().1, "");
    dev.end_by(Signal::SIGTERM, dir.path()).await;
}

#[tokio::test]
async fn the_whole_loop_runs_by_the_inbox_and_every_other_command_by_the_environment_file() {
    let dir = DataDir::new();
    let mut dev = Dev::start(dir.path()).await;

    assert!(dev.letters("").await.is_empty());
    dev.sign_up("ann@example.org").await;
    let first = dev.letter("ann@example.org").await;
    dev.sign_up("ben@example.org").await;
    dev.letter("ben@example.org").await;

    // The inbox: newest last, all of each letter, and a filter that takes addresses as mail does.
    let all = dev.letters("").await;
    let to: Vec<_> = all.iter().map(|letter| letter["to"].as_str().unwrap()).collect();
    assert_eq!(to, ["ann@example.org", "ben@example.org"]);
    assert_eq!(dev.letters("?to=BEN%40example.org").await, all[1..]);
    assert!(dev.letters("?to=nobody%40example.org").await.is_empty());
    let members: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["attachments", "from", "headers", "html", "raw", "subject", "text", "to"]);
    assert_eq!(first["from"], "newsletter@example.org");
    assert_eq!(first["headers"]["subject"], Value::from(vec![first["subject"].clone()]));
    assert_eq!(first["headers"]["auto-submitted"], Value::from(vec!["auto-generated"]));
    assert!(first["raw"].as_str().unwrap().contains("\r\nSubject: "));
    let confirm = link(first["text"].as_str().unwrap(), "/c/");
    assert!(first["html"].as_str().unwrap().contains("<html"));

    // Nobody is on the export before the click.
    assert!(exported(dir.path()).await.is_empty());
    assert_eq!(dev.post(&confirm, &[]).await, 200);
    let welcome = dev.nth_letter("ann@example.org", 2).await;
    assert!(welcome["raw"].as_str().unwrap().contains("filename=\"optin-receipt.json\""));
    let receipt = dev.attached(&welcome).await;
    Receipt::parse(&receipt).unwrap().check().unwrap();
    assert_eq!(exported(dir.path()).await, ["ann@example.org"]);
    let said = in_shell(dir.path(), "optin export news").await;
    assert_eq!(said.success().lines().count(), 2);
    assert_eq!(said.err, "1 row exported\n");

    // Other people's tools reach the database too.
    if is_here("psql").await {
        let line = "psql -qAtX \"$OPTIN_DATABASE_URL\" -c 'SELECT state FROM subscriptions ORDER BY state'";
        assert_eq!(in_shell(dir.path(), line).await.success(), "1\n2\n");
    }
    if is_here("pg_dump").await {
        let said = in_shell(dir.path(), "pg_dump \"$OPTIN_DATABASE_URL\"").await;
        let dump = said.success().to_lowercase();
        assert!(
            dump.contains("copy public.subscriptions") && !dump.contains("example.org\t"),
            "a whole dump"
        );
        assert!(!dump.contains("ann@") && !dump.contains("ben@"), "the database knows somebody");
    }

    // And out again, by the link that the export gave.
    let row = in_shell(dir.path(), "optin export news --format jsonl").await;
    let row: Value = serde_json::from_str(row.success()).unwrap();
    assert_eq!(
        dev.post(row["unsubscribe_url"].as_str().unwrap(), &[("List-Unsubscribe", "One-Click")]).await,
        200
    );
    assert!(exported(dir.path()).await.is_empty());
    dev.end_by(Signal::SIGINT, dir.path()).await;
}

#[tokio::test]
async fn after_kill_9_everything_that_was_acknowledged_is_there() {
    let dir = DataDir::new();
    let port = free_port();
    let dev = Dev::start_at(dir.path(), port).await;
    dev.subscribe("ann@example.org").await;
    dev.sign_up("ben@example.org").await;
    let letters = {
        dev.letter("ben@example.org").await;
        dev.letters("").await
    };
    // One whose letter may be anywhere between the outbox and the inbox.
    dev.sign_up("eve@example.org").await;
    dev.die().await;

    let orphan = postmaster(dir.path()).expect("PostgreSQL has outlived its parent");
    let mut dev = Dev::start_at(dir.path(), port).await;
    assert!(!runs(orphan), "two servers over one database");
    assert_eq!(exported(dir.path()).await, ["ann@example.org"]);
    assert_eq!(letters.len(), 3);
    assert_eq!(dev.letters("").await[..3], letters);
    // Links in letters that were sent before still do what they say.
    let confirm = link(letters[2]["text"].as_str().unwrap(), "/c/");
    assert_eq!(dev.post(&confirm, &[]).await, 200);
    assert_eq!(exported(dir.path()).await, ["ann@example.org", "ben@example.org"]);

    // What the dead postman was carrying comes at once.
    until("the last letter", async || !dev.letters("?to=eve%40example.org").await.is_empty()).await;
    dev.end_by(Signal::SIGTERM, dir.path()).await;
}

/// What a first start leaves in its folder, in this order: each is a moment to be killed at.
#[tokio::test]
async fn a_first_start_that_was_killed_at_any_moment_is_made_good_by_the_next() {
    let dir = DataDir::new();
    let begins_with = |folder: &Path, prefix: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
    };
    let postgres = dir.join("postgres");
    let moments: [(&str, &dyn Fn() -> bool); 6] = [
        ("the folder is there", &|| postgres.exists()),
        ("initdb is at work", &|| begins_with(&postgres, "new-")),
        ("the database is made", &|| postgres.join("data").exists()),
        ("PostgreSQL has begun", &|| postgres.join("data/postmaster.pid").exists()),
        ("the key ring is made", &|| dir.join("keys.toml").exists()),
        ("the environment is written", &|| dir.join("optin.env").exists()),
    ];
    for (moment, has_come) in moments {
        let mut dev = Dev::begin(dir.path(), free_port());
        while !has_come() {
            assert!(dev.process.runs(), "before {moment}: {}", dev.process.said().1);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        dev.die().await;
    }
    // And anywhere in between.
    for _ in 0..3 {
        let [fraction] = App::random::<1>();
        let dev = Dev::begin(dir.path(), free_port());
        tokio::time::sleep(Duration::from_millis(u64::from(fraction) * 2)).await;
        dev.die().await;
    }

    let mut dev = Dev::start(dir.path()).await;
    dev.subscribe("ann@example.org").await;
    assert_eq!(exported(dir.path()).await, ["ann@example.org"]);
    assert!(!begins_with(&postgres, "new-"), "something half made is left");
    dev.end_by(Signal::SIGINT, dir.path()).await;
}

#[tokio::test]
async fn a_first_start_can_be_broken_off_by_ctrl_c() {
    let dir = DataDir::new();
    let mut dev = Dev::begin(dir.path(), free_port());
    until("initdb", async || dir.join("postgres").exists()).await;
    let status = dev.process.end_by(Signal::SIGINT).await;
    assert!(status.code().is_some(), "it was not heard");
    assert!(postmaster(dir.path()).is_none(), "PostgreSQL is left running");
    let mut dev = Dev::start(dir.path()).await;
    dev.end_by(Signal::SIGINT, dir.path()).await;
}

#[tokio::test]
async fn two_run_side_by_side_but_not_on_one_folder() {
    let (one, two) = (DataDir::new(), DataDir::new());
    let (mut first, mut second) = tokio::join!(Dev::start(one.path()), Dev::start(two.path()));
    first.subscribe("ann@example.org").await;
    second.subscribe("ben@example.org").await;
    assert_eq!(exported(one.path()).await, ["ann@example.org"]);
    assert_eq!(exported(two.path()).await, ["ben@example.org"]);
    assert_eq!(first.letters("").await.len(), 2);

    let said = run(command(one.path(), free_port())).await;
    let line = said.refusal();
    assert!(line.contains("another `optin dev`") && line.contains("--data-dir"), "{line}");
    // The one that runs has not noticed.
    first.sign_up("eve@example.org").await;
    first.letter("eve@example.org").await;

    second.end_by(Signal::SIGTERM, two.path()).await;
    assert!(first.answers().await && postmaster(one.path()).is_some());
    first.end_by(Signal::SIGTERM, one.path()).await;
}

#[tokio::test]
async fn a_busy_port_is_named_and_nothing_is_left_running() {
    let dir = DataDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = run(command(dir.path(), port)).await;
    let line = said.refusal();
    assert!(line.contains(&format!("127.0.0.1:{port}")) && line.contains("--listen"), "{line}");
    assert!(postmaster(dir.path()).is_none());

    // Also where a database is there already.
    let mut dev = Dev::start(dir.path()).await;
    dev.end_by(Signal::SIGINT, dir.path()).await;
    run(command(dir.path(), port)).await.refusal();
    assert!(postmaster(dir.path()).is_none());
}

#[tokio::test]
async fn a_postgresql_that_is_too_old_is_named_and_not_used() {
    let (dir, programs) = (DataDir::new(), DataDir::new());
    // Made by a shell: a program that this process still had open for writing could not be run.
    let make = "for name in initdb postgres; do
        printf '#!/bin/sh\\necho \"postgres (PostgreSQL) 14.9\"\\n' >\"$0/$name\" && chmod 755 \"$0/$name\"
    done";
    let mut shell = program("sh");
    shell.args(["-euc", make]).arg(programs.path());
    run(shell).await.success();
    let mut dev = command(dir.path(), free_port());
    dev.env("PG_BIN", programs.path());
    let said = run(dev).await;
    let line = said.refusal();
    assert!(line.contains("PostgreSQL 14") && line.contains("15 or later"), "{line}");
    assert!(!dir.join("postgres/data").exists());
}
