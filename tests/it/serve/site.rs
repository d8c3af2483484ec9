//! What an operator sets up, and what stands around it: replicas, a relay, a durable database.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use mail_parser::MessageParser;
use optin::app::App;
use optin::clock::Clock;
use optin::commands::dev::news;
use optin::config::Config;
use optin::consent::address::Address;
use optin::consent::change::{Confirm, Entered, Signup, SignupRandom};
use optin::consent::field::Profile;
use optin::consent::receipt::Receipt;
use optin::mail::session::{self, Answer, Door, Limits, Protocol, Transaction};
use optin::store::NextNotice;
use optin::store::cluster::Cluster;
use optin::store::migrate::{migrate, migrations};
use reqwest::{Client, Response};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::doors::people::token;
use crate::house::receipts::attached;
use crate::house::{connect, link, until};
use crate::process::{DataDir, Process, Said, free_port, optin, run};

pub const CONTROLLER: &str = include_str!("../../../src/commands/dev/optin.toml");

/// What an operator sets up: a configuration, a key ring, a database.
pub struct Site {
    pub settings: BTreeMap<&'static str, String>,
    pub dir: TempDir,
}

impl Site {
    /// With a configuration and a key ring, on a database that may be anything. Letters go to `relay`.
    pub async fn new(database_url: &str, relay: u16) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("optin.toml"), CONTROLLER).unwrap();
        let settings = BTreeMap::from([
            ("OPTIN_CONFIG", path("optin.toml")),
            ("OPTIN_DATABASE_URL", database_url.to_owned()),
            ("OPTIN_KEYS_FILE", path("keys.toml")),
            ("OPTIN_PUBLIC_URL", "https://optin.example".to_owned()),
            ("OPTIN_SMTP_URL", format!("smtp://127.0.0.1:{relay}")),
        ]);
        let site = Site { settings, dir };
        site.run(&["keys", "new", &site.path("keys.toml")]).await.success();
        site
    }

    /// On a migrated database, with the list `news` and the operator `olga`.
    pub async fn ready(database_url: &str, relay: u16) -> Site {
        let site = Site::new(database_url, relay).await;
        site.furnish().await;
        site
    }

    /// What a service on these settings would work with.
    pub fn app(&self) -> App {
        _ = rustls::crypto::ring::default_provider().install_default();
        let config = Config::load(|name| self.settings.get(name).cloned()).unwrap();
        App::new(&config, Clock::System, None).unwrap()
    }

    pub async fn furnish(&self) {
        let app = self.app();
        app.store.check_ring(&app.keys).await.unwrap();
        news::create(&app).await.unwrap();
        self.run(&["operator", "add", "olga", "--role", "admin"]).await.success();
    }

    /// Signs many up to the news, and confirms all but every tenth. No letter tells of it.
    pub async fn settle(&self, people: usize) {
        let app = self.app();
        let (list, notice) = app.store.find_list("news").await.unwrap().unwrap();
        let people = (0..people).map(|n| {
            let (app, list, notice) = (&app, &list, &notice);
            async move {
                let entered = Entered {
                    address: Address::parse(&format!("person{n}@example.org")).unwrap(),
                    profile: Profile::new(),
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
                let signup = Signup::new(&app.keys, list, notice, entered, random, app.clock.now());
                let its = token(1, signup.id());
                app.store.sign_up(signup).await.unwrap();
                if !n.is_multiple_of(10) {
                    app.store.confirm(Confirm::new(&its, app.clock.now())).await.unwrap();
                }
            }
        });
        join_all(people).await;
        let url = &self.settings["OPTIN_DATABASE_URL"];
        connect(url).await.execute("DELETE FROM outbox", &[]).await.unwrap();
    }

    /// Publishes the next version of the news' notice, as `optin list apply` does.
    pub async fn publish(&self, purpose: &str, new_purpose: bool) {
        let app = self.app();
        let (list, current) = app.store.find_list("news").await.unwrap().unwrap();
        let mut texts = current.texts().clone();
        texts.values_mut().for_each(|text| text.purpose = purpose.to_owned());
        let next = Some(NextNotice { texts, new_purpose });
        let (now, random) = (app.clock.now(), App::random());
        assert!(app.store.change_list(&list, &current, &list.options, next, now, random).await.unwrap());
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// This site with one setting changed, or taken away where the value is empty.
    pub fn with(&self, name: &'static str, value: &str) -> BTreeMap<&'static str, String> {
        let mut settings = self.settings.clone();
        settings.insert(name, value.to_owned());
        settings
    }

    pub async fn run(&self, arguments: &[&str]) -> Said {
        run(optin(arguments, &self.settings)).await
    }

    /// `optin export news`, in Olga's name.
    pub async fn export(&self, more: &[&str]) -> Said {
        self.run(&[&["export", "news", "--as", "olga"], more].concat()).await
    }

    /// The addresses on the export.
    pub async fn exported(&self) -> Vec<String> {
        let said = self.export(&["--format", "jsonl"]).await;
        let rows =
            said.success().lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut people: Vec<_> = rows.map(|row| row["email"].as_str().unwrap().to_owned()).collect();
        people.sort();
        people
    }

    /// A running service on a port of its own.
    pub async fn serve(&self) -> Replica {
        let replica = Replica::begin(self, free_port());
        replica.ready().await;
        replica
    }
}

/// One `optin serve`.
pub struct Replica {
    pub process: Process,
    pub url: String,
    pub http: Client,
}

impl Replica {
    pub fn begin(site: &Site, port: u16) -> Replica {
        let settings = site.with("OPTIN_LISTEN", &format!("127.0.0.1:{port}"));
        let process = Process::start(optin(&["serve"], &settings));
        Replica { process, url: format!("http://127.0.0.1:{port}"), http: client() }
    }

    pub async fn ready(&self) {
        until("an answer", async || self.http.get(format!("{}/healthz", self.url)).send().await.is_ok())
            .await;
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(format!("{}{path}", self.url)).form(form).send().await.unwrap()
    }

    pub async fn sign_up(&self, email: &str) -> Response {
        self.post("/lists/news", &form(email)).await
    }

    /// Presses the button behind a link in a letter, at this replica.
    pub async fn press(&self, link: &str) -> u16 {
        self.post(path_of(link), &NOTHING).await.status().as_u16()
    }
}

pub fn client() -> Client {
    _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub fn form(email: &str) -> [(&'static str, &str); 4] {
    [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en")]
}

/// A button's form.
pub const NOTHING: [(&str, &str); 0] = [];

pub fn path_of(link: &str) -> &str {
    link.strip_prefix("https://optin.example").expect("a link of this site")
}

/// A relay of the test's own, on a port of its own. It ends with the test.
pub struct Relay {
    pub port: u16,
    /// How many letters it has been given, taken or not.
    pub given: Arc<AtomicUsize>,
    pub taken: Arc<Mutex<Vec<Letter>>>,
    stop: CancellationToken,
}

#[derive(Clone)]
pub struct Letter {
    pub to: String,
    pub name: String,
    /// Name and address that it comes from.
    pub from: (String, String),
    pub subject: String,
    /// What it asks to press; a letter of another kind has none.
    pub confirm: Option<String>,
    /// What a welcome letter brings.
    pub receipt: Option<Arc<Receipt>>,
}

impl Relay {
    pub async fn open() -> Relay {
        Relay::open_at(free_port(), Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))).await
    }

    /// A relay that takes a letter only where there is a permit for it.
    pub async fn open_at(port: u16, permits: Arc<Semaphore>) -> Relay {
        let (given, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, into, stop) = (given.clone(), taken.clone(), CancellationToken::new());
        let message = move |transaction: Transaction| {
            let (into, permits) = (into.clone(), permits.clone());
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                permits.acquire().await.unwrap().forget();
                into.lock().unwrap().push(Letter::read(&transaction));
                Answer::TAKEN
            }
        };
        let limits = Limits { connections: 256, ..Limits::default() };
        let door = Door::new(Protocol::Smtp, "relay.test", limits, |_| async { Answer::TAKEN }, message);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(session::serve(door, listener, stop.clone()));
        Relay { port, given, taken, stop }
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.taken.lock().unwrap().clone()
    }

    /// The welcome letters that have come.
    pub fn welcomes(&self) -> Vec<Letter> {
        self.letters().into_iter().filter(|letter| letter.receipt.is_some()).collect()
    }

    /// The letter with this number, counted from 0, if it has come.
    pub fn nth(&self, n: usize) -> Option<Letter> {
        self.taken.lock().unwrap().get(n).cloned()
    }

    /// The confirm link in the letter to an address; waits for it.
    pub async fn confirm_link(&self, to: &str) -> String {
        let found = || self.letters().into_iter().find(|letter| letter.to == to)?.confirm;
        until("a letter", async || found().is_some()).await;
        found().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Letter {
    pub fn read(transaction: &Transaction) -> Letter {
        let message = MessageParser::default().parse(&transaction.data).unwrap();
        let text = message.body_text(0).unwrap();
        Letter {
            to: transaction.to[0].clone(),
            name: message.message_id().unwrap().to_owned(),
            from: {
                let from = message.from().unwrap().first().unwrap();
                (from.name().unwrap().to_owned(), from.address().unwrap().to_owned())
            },
            subject: message.subject().unwrap().to_owned(),
            confirm: text.contains("/c/").then(|| link(&text, "/c/")),
            receipt: attached(&message).map(Arc::new),
        }
    }
}

/// One number out of a database.
pub async fn count(url: &str, sql: &str) -> i64 {
    connect(url).await.query_one(sql, &[]).await.unwrap().get(0)
}

/// A cluster that keeps what was committed, with a migrated database. Opened again, it is the same.
pub async fn durable(dir: &DataDir) -> Cluster {
    let cluster = Cluster::durable(dir.path(), |_| {}).await.unwrap();
    cluster.create_database("optin", None).await.unwrap();
    migrate(&cluster.url("optin"), &migrations()).await.unwrap();
    cluster
}
