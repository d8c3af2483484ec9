//! The harness: a whole service on a throwaway PostgreSQL, with an inbox that its letters really reach over SMTP.
//!
//! Its list sends no welcome letters, so that whoever counts letters need not count those: [`House::with_welcome`] has
//! them, as lists do unless they say otherwise.
//!
//! A test opens a house, uses it over HTTP, and closes it. Closing refuses leftovers: letters that were never
//! delivered, and a trail that does not match the rows.

pub mod database;
pub mod desk;
pub mod lists;
pub mod mail;
pub mod operators;
pub mod pages;
pub mod receipts;
pub mod trails;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use optin::app::App;
use optin::chores::postman;
use optin::clock::Clock;
use optin::commands::dev::news;
use optin::config::Config;
use optin::consent::operator::Role;
use optin::journeys::routes;
use optin::keys::KeyRing;
use optin::mail::inbox::{Caught, Inbox};
use optin::mail::mailer::Mailer;
use optin::mail::relay::Patience as RelayPatience;
use optin::mail::session::{self, Door};
use optin::store::cluster::Cluster;
use optin::store::migrate::{migrate, migrations};
use optin::templates::Templates;
use optin::web::headers::SecurityHeaders;
use optin::web::server::{Limits, serve};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use self::mail::MailDoor;

/// The slug of the list that every house has: `examples/news.toml`.
pub const NEWS: &str = news::SLUG;

const CONTROLLER: &str = include_str!("../../src/commands/dev/optin.toml");
const TEMPLATE: &str = "template_optin";
/// How long anything may take before a test gives up. Never part of what is proven.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct House {
    pub app: Arc<App>,
    /// Where the pages are.
    pub url: String,
    pub database_url: String,
    /// Where a mail server hands in mail.
    pub lmtp: MailDoor,
    /// Stands still until a test moves it.
    pub clock: Clock,
    pub http: Client,
    inbox: Inbox,
    shutdown: CancellationToken,
    closed: bool,
    _files: TempDir,
}

/// What a house hands its letters to.
#[derive(Default)]
pub enum Relay {
    /// The inbox itself.
    #[default]
    Inbox,
    /// A door that may do anything with them.
    Door(Door),
    /// A server at this URL, behind which the inbox listens on a port, and which hands in mail at another.
    Server { smtp_url: String, inbox: u16, lmtp: u16 },
}

/// The PostgreSQL of this test process; it ends with it.
pub async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::throwaway().await.expect("PostgreSQL's binaries are installed");
            cluster.create_database(TEMPLATE, None).await.unwrap();
            migrate(&cluster.url(TEMPLATE), &migrations()).await.unwrap();
            cluster
        })
        .await
}

/// The URL of a fresh database; migrated, if `migrated`.
pub async fn database(migrated: bool) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("house_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let cluster = cluster().await;
    cluster.create_database(&name, migrated.then_some(TEMPLATE)).await.unwrap();
    cluster.url(&name)
}

/// A connection that looks on from outside.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// How a house's letters go out, where that is what a test is about.
#[derive(Default)]
pub struct Out {
    pub relay: Relay,
    pub letters_per_minute: Option<u32>,
    pub patience: Option<RelayPatience>,
}

impl House {
    /// A service with an inbox that takes every letter.
    pub async fn open() -> House {
        House::with(database(true).await, None).await
    }

    /// A service whose list welcomes whoever has confirmed, by a letter with their receipt.
    pub async fn with_welcome() -> House {
        let house = House::open().await;
        house.welcome(true).await;
        house
    }

    /// Whether the list sends welcome letters from now on.
    pub async fn welcome(&self, does: bool) {
        self.set_options(NEWS, serde_json::json!({ "welcome": does })).await;
    }

    /// A service whose relay is `relay`; nothing arrives in the inbox unless that puts it there.
    pub async fn with_relay(relay: Door) -> House {
        House::with(database(true).await, Some(relay)).await
    }

    /// A service whose relay is a server of the test's, which passes letters on to the inbox, at the port `inbox`, and
    /// hands in mail at the port `lmtp`.
    pub async fn behind(smtp_url: &str, inbox: u16, lmtp: u16) -> House {
        let relay = Relay::Server { smtp_url: smtp_url.to_owned(), inbox, lmtp };
        House::with_out(Out { relay, ..Out::default() }).await
    }

    /// A service whose letters go out like this.
    pub async fn with_out(out: Out) -> House {
        House::build(database(true).await, out, None, ring(), clock()).await
    }

    /// A service with an operator's folder of templates.
    pub async fn with_templates(folder: &Path) -> House {
        House::build(database(true).await, Out::default(), Some(folder), ring(), clock()).await
    }

    /// A service on a given database.
    pub async fn with(database_url: String, relay: Option<Door>) -> House {
        let relay = relay.map_or(Relay::Inbox, Relay::Door);
        House::build(database_url, Out { relay, ..Out::default() }, None, ring(), clock()).await
    }

    /// A second service on the same database, with the same keys and the same clock.
    pub async fn replica(&self) -> House {
        let ring = KeyRing::parse(&self.app.keys.to_toml()).unwrap();
        House::build(self.database_url.clone(), Out::default(), None, ring, self.clock.clone()).await
    }

    async fn build(
        database_url: String,
        out: Out,
        templates: Option<&Path>,
        ring: KeyRing,
        clock: Clock,
    ) -> House {
        _ = rustls::crypto::ring::default_provider().install_default();
        let files = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(files.path().join("inbox")).unwrap();
        let shutdown = CancellationToken::new();
        let (inbox_port, lmtp_port) =
            if let Relay::Server { inbox, lmtp, .. } = out.relay { (inbox, lmtp) } else { (0, 0) };
        let mail = TcpListener::bind(("127.0.0.1", inbox_port)).await.unwrap();
        let (door, smtp_url) = match out.relay {
            Relay::Inbox => (inbox.door(), None),
            Relay::Door(door) => (door, None),
            Relay::Server { smtp_url, .. } => (inbox.door(), Some(smtp_url)),
        };
        let smtp_url = smtp_url.unwrap_or_else(|| format!("smtp://{}", mail.local_addr().unwrap()));
        tokio::spawn(session::serve(door, mail, shutdown.clone()));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config_file = files.path().join("optin.toml");
        std::fs::write(&config_file, CONTROLLER).unwrap();
        let settings = BTreeMap::from([
            ("OPTIN_CONFIG", config_file.display().to_string()),
            ("OPTIN_DATABASE_URL", database_url.clone()),
            ("OPTIN_KEYS", ring.to_toml().to_string()),
            ("OPTIN_PUBLIC_URL", url.clone()),
            ("OPTIN_SMTP_URL", smtp_url.clone()),
            (
                "OPTIN_LETTERS_PER_MINUTE",
                out.letters_per_minute.map_or_else(String::new, |letters| letters.to_string()),
            ),
            ("OPTIN_AUTHSERV_ID", mail::MX.to_owned()),
            ("OPTIN_WEBHOOK_NETWORKS", "127.0.0.0/8".to_owned()),
            (
                "OPTIN_TEMPLATES_DIR",
                templates.map_or_else(String::new, |folder| folder.display().to_string()),
            ),
        ]);
        let config = Config::load(|name| settings.get(name).cloned()).unwrap();
        let mut app = App::new(&config, clock.clone(), Some(inbox.clone())).unwrap();
        if let Some(patience) = out.patience {
            let relays = smtp_url.parse().unwrap();
            app.mailer = Mailer::with_patience(relays, "localhost", clock.clone(), patience);
        }
        let app = Arc::new(app);
        app.store.check_ring(&app.keys).await.unwrap();
        news::create(&app).await.unwrap();
        tokio::spawn(postman::run(app.clone(), shutdown.clone()));
        let lmtp = MailDoor::open(app.clone(), lmtp_port, &shutdown).await;
        let service = warp::service(routes(app.clone()));
        let headers = SecurityHeaders { https: false };
        tokio::spawn(serve(listener, service, shutdown.clone(), Limits::default(), headers));
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let house = House {
            app,
            url,
            database_url,
            lmtp,
            clock,
            http,
            inbox,
            shutdown,
            closed: false,
            _files: files,
        };
        house.welcome(false).await;
        house
    }

    /// `GET` a path, or a whole URL from a letter.
    pub async fn get(&self, path: &str) -> Response {
        self.http.get(self.at(path)).send().await.unwrap()
    }

    /// `POST` a form.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(self.at(path)).form(form).send().await.unwrap()
    }

    /// A request to be shaped further.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.at(path))
    }

    /// The status of a request that is written by hand, so that no client tidies its path. `more` are lines of its head.
    pub async fn raw(&self, method: &str, path: &str, more: &str) -> u16 {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream =
            tokio::net::TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        let lines = "Host: localhost\r\nContent-Length: 0\r\nConnection: close\r\n";
        let head = format!("{method} {path} HTTP/1.1\r\n{lines}{more}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
    }

    fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) }
    }

    /// Signs up as a browser would, to the news in English, and expects the page that everybody gets.
    pub async fn sign_up(&self, email: &str) {
        let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en")];
        assert_eq!(self.post("/lists/news", &form).await.status(), StatusCode::OK);
    }

    /// Signs up and confirms by the letter, and returns the person's unsubscribe URL.
    pub async fn subscribe(&self, email: &str) -> String {
        self.sign_up(email).await;
        let letter = self.letter(email).await;
        let answer = self.post(&link(&letter.text, "/c/"), &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        self.unsubscribe_url(email).await
    }

    /// Signs up for a list with these fields, and confirms.
    pub async fn subscribe_to(&self, slug: &str, email: &str, fields: &[(&str, &str)]) {
        let before =
            self.all_letters().await.iter().filter(|letter| letter.to.eq_ignore_ascii_case(email)).count();
        let form =
            [&[("email", email), ("consent", "yes"), ("notice", "1"), ("lang", "en")], fields].concat();
        assert_eq!(self.post(&format!("/lists/{slug}"), &form).await.status(), StatusCode::OK);
        let letter = self.letters(email, before + 1).await.pop().unwrap();
        assert_eq!(self.post(&link(&letter.text, "/c/"), &[]).await.status(), StatusCode::OK);
    }

    /// The unsubscribe URL that an export would give this person.
    pub async fn unsubscribe_url(&self, email: &str) -> String {
        let rows = self.export("jsonl").await;
        let row = rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let row = row.into_iter().find(|row| row["email"] == email).expect("the person is on the export");
        row["unsubscribe_url"].as_str().unwrap().to_owned()
    }

    /// What `optin export news` would write.
    pub async fn export(&self, format: &str) -> String {
        use clap::ValueEnum as _;
        use optin::journeys::export::{Export, Format};
        let app = &self.app;
        app.store.add_operator("tester", Role::Admin, app.clock.now()).await.unwrap();
        let export = Export::of(app);
        let mut bytes = Vec::new();
        let format = Format::from_str(format, true).unwrap();
        export.write(NEWS, "tester", format, &mut bytes, |_| {}).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The newest letter to an address; waits for one.
    pub async fn letter(&self, to: &str) -> Caught {
        self.letters(to, 1).await.pop().unwrap()
    }

    /// The letters to an address, oldest first; waits until there are `at_least` so many.
    pub async fn letters(&self, to: &str, at_least: usize) -> Vec<Caught> {
        let look = || self.inbox.letters(Some(to)).unwrap();
        until("a letter", async || look().len() >= at_least).await;
        look()
    }

    /// Waits until no letter waits, and returns all that arrived.
    pub async fn all_letters(&self) -> Vec<Caught> {
        let db = self.db().await;
        let waiting = "SELECT count(*) FROM outbox WHERE dead_at IS NULL";
        until("an empty outbox", async || db.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0)
            .await;
        self.inbox.letters(None).unwrap()
    }

    /// A connection that looks on from outside.
    pub async fn db(&self) -> tokio_postgres::Client {
        connect(&self.database_url).await
    }

    /// One number out of the database.
    pub async fn count(&self, sql: &str) -> i64 {
        self.db().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    pub fn advance(&self, by: SignedDuration) -> Timestamp {
        self.clock.advance(by);
        self.clock.now()
    }

    /// Ends the house. Every letter must have gone, and the trail must tell exactly of the rows that are there.
    pub async fn close(self) {
        self.all_letters().await;
        self.close_with_waiting_letters().await;
    }

    /// Ends a house whose relay is broken.
    pub async fn close_with_waiting_letters(mut self) {
        // Confirmed and restored, less withdrawn.
        let balance = "SELECT count(*) FILTER (WHERE get_byte(entry, 1) IN (1, 5))
                            - count(*) FILTER (WHERE get_byte(entry, 1) = 2) FROM trail_entries";
        let subscribed = "SELECT count(*) FROM subscriptions WHERE state IN (2, 3)";
        assert_eq!(self.count(balance).await, self.count(subscribed).await, "the trail has a hole");
        self.verify_trails().await;
        self.closed = true;
        self.shutdown.cancel();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
        assert!(
            self.closed || std::thread::panicking(),
            "a house is to be closed, so that leftovers are seen"
        );
    }
}

fn ring() -> KeyRing {
    KeyRing::generate(Zeroizing::new(App::random()))
}

fn clock() -> Clock {
    Clock::manual(Clock::System.now())
}

/// The languages that there are: a file of words each.
pub fn languages() -> Vec<String> {
    let templates = Templates::load(None, serde_json::json!({})).unwrap();
    templates.words().codes().into_iter().map(str::to_owned).collect()
}

/// The first link in a text whose path begins with `door`, such as `/c/`.
pub fn link(text: &str, door: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || "\"<>".contains(c));
    let found = words.into_iter().find(|word| word.starts_with("http") && word.contains(door));
    found.unwrap_or_else(|| panic!("a link to {door}")).to_owned()
}

/// Waits until something is so, by looking again and again.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{what} did not come"));
}
