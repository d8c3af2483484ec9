//! Acts a second through the write door, on a real PostgreSQL with durable commits.
//!
//! `cargo bench --bench acts [-- ACTS]` prints for each kind of act the rate with one act at a time and with 64
//! waiting, and their ratio: what batching gains on this machine, in this run. Absolute figures are this machine's.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use optin::app::App;
use optin::clock::Clock;
use optin::consent::address::Address;
use optin::consent::change::{Confirm, Entered, Erase, Signup, SignupRandom};
use optin::consent::list::{List, ListOptions};
use optin::consent::notice::{Notice, NoticeText};
use optin::keys::KeyRing;
use optin::store::Store;
use optin::store::cluster::Cluster;
use optin::store::migrate::{migrate, migrations};
use optin::token::Token;
use zeroize::Zeroizing;

const WAITING: usize = 64;

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let asked = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let acts: usize = asked.unwrap_or(20_000);
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::durable(folder.path(), |_| {}).await.unwrap();
    cluster.create_database("bench", None).await.unwrap();
    let url = cluster.url("bench");
    migrate(&url, &migrations()).await.unwrap();
    let bench = Bench::open(&url).await;

    println!("{:<10}{:>16}{:>16}{:>8}", "act", "one at a time", "64 waiting", "ratio");
    let alone = acts / 20;
    let (ones, many) = (bench.signups("one", alone), bench.signups("many", acts));
    let tokens = |signups: &[Signup]| -> Vec<Token> {
        signups.iter().map(|signup| Token { list: signup.list(), id: signup.id(), expiry: 0 }).collect()
    };
    let (one_tokens, many_tokens) = (tokens(&ones), tokens(&many));
    let now = Clock::System.now();

    let store = &bench.store;
    // A table that grows by thousands a second has no statistics yet; one that lives has.
    rate(WAITING, bench.signups("warm", acts / 10), |signup| async {
        _ = store.sign_up(signup).await.unwrap()
    })
    .await;
    analyze(&url).await;
    let one = rate(1, ones, |signup| async { _ = store.sign_up(signup).await.unwrap() }).await;
    let all = rate(WAITING, many, |signup| async { _ = store.sign_up(signup).await.unwrap() }).await;
    row("signup", one, all);

    let confirm = |token: Token| async move { _ = store.confirm(Confirm::new(&token, now)).await.unwrap() };
    let one = rate(1, one_tokens.clone(), confirm).await;
    row("confirm", one, rate(WAITING, many_tokens.clone(), confirm).await);

    let withdraw = |token: Token| async move { _ = store.erase(Erase::withdraw(&token, now)).await.unwrap() };
    let one = rate(1, one_tokens, withdraw).await;
    row("withdraw", one, rate(WAITING, many_tokens, withdraw).await);

    drop(bench);
    cluster.stop().await.unwrap();
}

fn row(act: &str, one: f64, all: f64) {
    println!("{act:<10}{one:>14.0}/s{all:>14.0}/s{:>8.1}", all / one);
}

async fn analyze(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("ANALYZE").await.unwrap();
}

async fn rate<T, F: Future<Output = ()>>(at_once: usize, items: Vec<T>, act: impl Fn(T) -> F) -> f64 {
    let count = items.len() as f64;
    let start = Instant::now();
    futures_util::stream::iter(items).for_each_concurrent(at_once, act).await;
    count / start.elapsed().as_secs_f64()
}

struct Bench {
    store: Arc<Store>,
    keys: KeyRing,
    list: List,
    notice: Notice,
}

impl Bench {
    async fn open(url: &str) -> Bench {
        let store = Arc::new(Store::open(url).unwrap());
        let options = ListOptions::titled("en", "News");
        let part = || "A sentence of the notice.".to_owned();
        let text = NoticeText {
            purpose: part(),
            sender: part(),
            recipients: part(),
            storage: part(),
            retention: part(),
            legal_basis: part(),
            withdrawal: part(),
        };
        let texts = BTreeMap::from([("en".to_owned(), text)]);
        store.create_list("news", &options, texts, Clock::System.now(), App::random()).await.unwrap();
        let (list, notice) = store.find_list("news").await.unwrap().unwrap();
        Bench { store, keys: KeyRing::generate(Zeroizing::new(App::random())), list, notice }
    }

    fn signups(&self, name: &str, count: usize) -> Vec<Signup> {
        let one = |n: usize| {
            let entered = Entered {
                address: Address::parse(&format!("{name}{n}@example.org")).unwrap(),
                profile: BTreeMap::new(),
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
            Signup::new(&self.keys, &self.list, &self.notice, entered, random, Clock::System.now())
        };
        (0..count).map(one).collect()
    }
}
