//! CP-Pro's promise about logs.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use data_encoding::BASE64URL_NOPAD;
use optin::commands::filter;
use optin::mail::session::{Answer, Door, Limits, Protocol};
use reqwest::Method;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, registry};

use crate::house::pages::way_back;
use crate::house::{House, link, until};

/// Everything that is logged on this thread, on which a test's whole service runs.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn listen() -> (Log, impl Drop) {
        // With a single subscriber, tracing asks whichever thread comes by a line first whether anybody listens to
        // it, and keeps a stranger's no for all. With two it asks them both.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(NoSubscriber::new()));
        let log = Log::default();
        let writer = log.clone();
        let lines =
            layer().with_ansi(false).with_writer(move || writer.clone()).with_filter(filter(Level::TRACE));
        let subscriber = registry().with(lines);
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn tells_nothing_of(&self, secrets: &[&str]) {
        let text = self.text().to_lowercase();
        for secret in secrets {
            assert!(
                secret.len() > 3 && !text.contains(&secret.to_lowercase()),
                "{secret} is in the log: {text}"
            );
        }
    }
}

/// The token at a link's end.
fn token(link: &str) -> &str {
    link.rsplit_once('/').unwrap().1
}

#[tokio::test]
async fn p_cp_7_logs_tell_which_door_was_used_and_nothing_of_who_used_it() {
    let (log, _listening) = Log::listen();
    let house = House::with_welcome().await;
    let ask = async |method: Method, path: &str, form: &[(&str, &str)], status: u16| {
        let request = house.request(method, path).form(form);
        let request = request.header("x-forwarded-for", "203.0.113.77").header("user-agent", "Peculiar/7");
        let request =
            request.header("referer", "https://portal.example/home?who=ann").header("cookie", "sid=c00kie");
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
    };
    let query = "/lists/news?email=ann%40example.org&utm=campaign77";
    ask(Method::GET, query, &[], 200).await;
    let form = [("email", "ann@example.org"), ("consent", "yes"), ("notice", "1"), ("name", "Annabella")];
    ask(Method::POST, query, &form, 200).await;
    let letter = house.letter("ann@example.org").await;
    let (confirm, not_me) = (link(&letter.text, "/c/"), link(&letter.text, "/n/"));
    ask(Method::GET, &confirm, &[], 200).await;
    ask(Method::POST, &confirm, &[], 200).await;
    let receipt = house.receipts("ann@example.org", 1).await.remove(0);
    let secret = BASE64URL_NOPAD.encode(receipt.secret().unwrap());
    ask(Method::POST, &not_me, &[], 200).await;
    ask(Method::POST, query, &form, 200).await;
    house.letters("ann@example.org", 3).await;
    let leave = house.unsubscribe_url("ann@example.org").await;
    // Mistakes, and faults of our own.
    ask(Method::GET, &format!("{confirm}x?utm=campaign77"), &[], 404).await;
    ask(Method::GET, "/lists/annabella", &[], 404).await;
    ask(Method::PUT, &leave, &[], 405).await;
    ask(Method::from_bytes(b"ANNABELLA").unwrap(), "/lists/news", &[], 405).await;
    ask(Method::POST, query, &[("email", "ann@example.org"), ("annabella", "Annabella")], 422).await;
    ask(Method::POST, query, &[("email", "ann@example.org\0")], 400).await;
    house.fault("INSERT", "subscriptions", "XX000").await;
    let bob = [("email", "bob@portal.example"), ("consent", "yes"), ("notice", "1"), ("name", "Bobby")];
    ask(Method::POST, query, &bob, 500).await;
    house.mend().await;
    let page =
        house.post(&format!("{leave}?utm=campaign77"), &[("from", "page")]).await.text().await.unwrap();
    let way_back = way_back(&page).unwrap();
    ask(Method::GET, &format!("/undo?undo={way_back}"), &[], 405).await;
    ask(Method::POST, "/undo?utm=campaign77", &[("undo", &format!("{way_back}A"))], 400).await;
    ask(Method::POST, "/undo", &[("undo", &way_back)], 200).await;
    ask(Method::POST, &format!("{leave}?utm=campaign77"), &[], 200).await;

    log.tells_nothing_of(&[
        "ann@",
        "ann%40",
        "annabella",
        "bob@",
        "bobby",
        "example.org",
        token(&confirm),
        token(&not_me),
        token(&leave),
        &way_back[..40],
        &way_back[way_back.len() - 40..],
        &secret,
        "campaign77",
        "portal.example",
        "203.0.113",
        "127.0.0.1",
        "peculiar",
        "c00kie",
    ]);
    let text = log.text();
    for route in ["signup", "confirm", "not_me", "withdraw", "undo"] {
        assert!(text.contains(&format!("route=\"{route}\"")), "{route} is not in the log: {text}");
    }
    assert!(text.contains("status=200") && text.contains("status=422") && text.contains("XX000"), "{text}");
    house.close().await;
}

#[tokio::test]
async fn p_cp_7_the_relays_words_which_quote_addresses_are_not_logged_either() {
    let (log, _listening) = Log::listen();
    let refusing = Door::new(
        Protocol::Smtp,
        "localhost",
        Limits::default(),
        |_| async { Answer::reply(550, "5.2.1", "ann@example.org is unknown here") },
        |_| async { Answer::TAKEN },
    );
    let house = House::with_relay(refusing).await;
    house.sign_up("ann@example.org").await;
    let dead = "SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL";
    until("a letter given up", async || house.count(dead).await == 1).await;
    until("a word about it", async || log.text().contains("5.2.1")).await;
    log.tells_nothing_of(&["ann@", "example.org", "unknown here"]);
    house.close_with_waiting_letters().await;
}
