//! Webhooks: that there is news, signed as Standard Webhooks says, and nothing of whom it is about.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use optin::app::App;
use optin::chores::herald;
use optin::consent::webhook::{Secret, Target};
use optin::store::webhooks::{Webhook, WebhookId, seal_secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::house::{House, until};
use crate::process::{is_here, program, run};
use crate::promises::logs::Log;

/// A call as it arrived: headers in lower case, and the body.
#[derive(Clone)]
struct Heard {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Answers with what it was told to, and then with 204.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<String>>>,
}

impl Receiver {
    async fn open() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?shop=1", listener.local_addr().unwrap());
        let (heard, answers) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<VecDeque<String>>>::default());
        let (hears, answering) = (heard.clone(), answers.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, hears.clone(), answering.clone()));
            }
        });
        Receiver { url, heard, answers }
    }

    /// What comes next is answered so; `202 Accepted`, say, and perhaps a header.
    fn will_answer(&self, answer: &str) {
        self.answers.lock().unwrap().push_back(answer.to_owned());
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    async fn until_heard(&self, calls: usize) -> Heard {
        until("a call", async || self.heard().len() >= calls).await;
        assert_eq!(self.heard().len(), calls);
        self.heard().pop().unwrap()
    }
}

async fn answer(mut stream: TcpStream, heard: Arc<Mutex<Vec<Heard>>>, answers: Arc<Mutex<VecDeque<String>>>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return;
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lines = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
        let headers: BTreeMap<_, _> =
            lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let length: usize = headers["content-length"].parse().unwrap();
        if body.len() >= length {
            break (Heard { headers, body: body.to_owned() }, length);
        }
    };
    assert_eq!(head.body.len(), length);
    let says = answers.lock().unwrap().pop_front().unwrap_or_else(|| "204 No Content".into());
    heard.lock().unwrap().push(head);
    _ = stream.write_all(format!("HTTP/1.1 {says}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
}

impl House {
    /// A webhook of the news, and its secret.
    async fn webhook(&self, url: &str) -> (WebhookId, String) {
        let app = &self.app;
        let (id, secret) = (WebhookId(App::random()), Secret::new(App::random()));
        let sealed = seal_secret(&app.keys, App::random(), 1, id, &secret);
        let target = Target::parse(url, &app.webhook_networks).unwrap();
        app.store.add_webhook(1, id, &target, &sealed, app.clock.now()).await.unwrap();
        (id, secret.text().to_string())
    }

    /// A herald, until it is dropped.
    fn herald(&self) -> DropGuard {
        let shutdown = CancellationToken::new();
        tokio::spawn(herald::run(self.app.clone(), shutdown.clone()));
        shutdown.drop_guard()
    }

    async fn first_webhook(&self) -> Webhook {
        self.app.store.webhooks(1).await.unwrap().remove(0)
    }

    /// Waits until nothing is under way for the first webhook.
    async fn until_tried(&self, attempts: u32) {
        let tried =
            "SELECT count(*) FROM webhooks WHERE attempts = $1 AND (fault IS NOT NULL OR call IS NULL)";
        let db = self.db().await;
        let attempts = i32::try_from(attempts).unwrap();
        until("an outcome", async || db.query_one(tried, &[&attempts]).await.unwrap().get::<_, i64>(0) == 1)
            .await;
    }
}

/// docs/FEED.md's own way to check a call, in Python.
async fn is_genuine(heard: &Heard, secret: &str) -> bool {
    let paper = std::fs::read_to_string("docs/FEED.md").unwrap();
    let mut blocks = paper.split("```python\n").skip(1).map(|block| block.split("```").next().unwrap());
    let check = blocks.find(|block| block.contains("def is_genuine")).unwrap();
    let script = format!(
        "{check}\nimport json, sys\nheard = json.loads(sys.argv[1])\nprint(is_genuine(sys.argv[2], heard['headers'], heard['body'].encode()))"
    );
    let told = json!({ "headers": heard.headers, "body": heard.body }).to_string();
    let mut python = program("python3");
    python.args(["-c", &script, &told, secret]);
    run(python).await.success().trim() == "True"
}

#[tokio::test]
async fn a_call_says_that_there_is_news_and_is_signed_for_whoever_has_the_secret() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    let (_, secret) = house.webhook(&receiver.url).await;
    let _herald = house.herald();
    house.subscribe("ann@example.org").await;
    let heard = receiver.until_heard(1).await;
    let body: Value = serde_json::from_str(&heard.body).unwrap();
    let at = house.clock.now().to_string();
    assert_eq!(body, json!({ "type": "feed.news", "timestamp": at, "data": { "list": "news" } }));
    assert_eq!(heard.headers["content-type"], "application/json");
    assert!(heard.headers["webhook-id"].starts_with("msg_"));
    if is_here("python3").await {
        assert!(is_genuine(&heard, &secret).await);
        assert!(!is_genuine(&heard, &Secret::new(App::random()).text()).await);
        let bent = Heard { body: heard.body.replace("news", "nows"), ..heard.clone() };
        assert!(!is_genuine(&bent, &secret).await);
    }

    // What came with it is told; more is told by another call, under another name.
    house.until_tried(0).await;
    house.advance(SignedDuration::from_secs(1));
    house.subscribe("ben@example.org").await;
    let next = receiver.until_heard(2).await;
    assert_ne!(next.headers["webhook-id"], heard.headers["webhook-id"]);
    assert!(!serde_json::to_string(&house.rows().await["webhooks"]).unwrap().contains(&secret[6..]));
    house.close().await;
}

#[tokio::test]
async fn a_call_that_fails_is_made_again_under_its_name_and_given_up_after_a_day() {
    let house = House::open().await;
    let (receiver, elsewhere) = (Receiver::open().await, Receiver::open().await);
    house.webhook(&receiver.url).await;
    for _ in 0..8 {
        receiver.will_answer(&format!("302 Found\r\nlocation: {}", elsewhere.url));
    }
    let _herald = house.herald();
    house.subscribe("ann@example.org").await;
    for (n, seconds) in (1..).zip([5, 300, 1800, 7200, 18_000, 36_000, 50_400]) {
        receiver.until_heard(n).await;
        house.until_tried(n as u32).await;
        assert_eq!(house.first_webhook().await.fault.as_deref(), Some("302"));
        house.advance(SignedDuration::from_secs(seconds));
    }
    receiver.until_heard(8).await;
    let names: Vec<_> = receiver.heard().iter().map(|call| call.headers["webhook-id"].clone()).collect();
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    until("the end of it", async || house.first_webhook().await.disabled_at.is_some()).await;
    house.advance(SignedDuration::from_hours(48));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!((receiver.heard().len(), elsewhere.heard().len()), (8, 0), "no more, and nowhere else");
    house.close().await;
}

#[tokio::test]
async fn who_wants_no_more_calls_gets_none_until_the_secret_is_another() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    let (id, old) = house.webhook(&receiver.url).await;
    receiver.will_answer("410 Gone");
    let _herald = house.herald();
    house.subscribe("ann@example.org").await;
    receiver.until_heard(1).await;
    until("the end of it", async || house.first_webhook().await.fault.as_deref() == Some("gone")).await;

    // For a day both sign.
    let secret = Secret::new(App::random());
    let sealed = seal_secret(&house.app.keys, App::random(), 1, id, &secret);
    assert!(house.app.store.rotate_webhook(1, id, &sealed, house.clock.now()).await.unwrap());
    let heard = receiver.until_heard(2).await;
    assert_eq!(heard.headers["webhook-signature"].split(' ').count(), 2);
    if is_here("python3").await {
        assert!(is_genuine(&heard, &old).await && is_genuine(&heard, &secret.text()).await);
    }
    house.until_tried(0).await;
    house.advance(SignedDuration::from_hours(24));
    house.subscribe("ben@example.org").await;
    let heard = receiver.until_heard(3).await;
    assert_eq!(heard.headers["webhook-signature"].split(' ').count(), 1);
    assert!(house.app.store.remove_webhook(1, id).await.unwrap());
    house.close().await;
}

#[tokio::test]
async fn two_services_make_a_call_once_and_what_a_dead_one_was_about_to_say_is_said() {
    let house = House::open().await;
    let replica = house.replica().await;
    let receiver = Receiver::open().await;
    house.webhook(&receiver.url).await;
    let heralds = [house.herald(), replica.herald()];
    for n in 1..=5 {
        house.arrive(&format!("p{n}@example.org")).await;
        receiver.until_heard(n).await;
        house.until_tried(0).await;
        house.advance(SignedDuration::from_secs(1));
    }
    drop(heralds);
    // Heralds that have ended make no call any more.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    house.arrive("ann@example.org").await;
    let now = house.clock.now();
    let name = App::random();
    let leased = house.app.store.lease_webhook(now, now + SignedDuration::from_secs(60), name).await;
    assert!(leased.unwrap().is_some());
    let _herald = replica.herald();
    house.advance(SignedDuration::from_secs(59));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(receiver.heard().len(), 5, "the lease is another's");
    house.advance(SignedDuration::from_secs(1));
    let heard = receiver.until_heard(6).await;
    assert_eq!(heard.headers["webhook-id"], format!("msg_{}", data_encoding::HEXLOWER.encode(&name)));
    replica.close().await;
    house.close().await;
}

#[tokio::test]
async fn each_webhook_that_is_given_up_is_in_the_log_by_its_host_alone() {
    let (log, _listening) = Log::listen();
    let house = House::open().await;
    let receiver = Receiver::open().await;
    receiver.will_answer("410 Gone");
    let [(inside, _), (_, _), (mute, _)] = [
        house.webhook(&receiver.url).await,
        house.webhook(&receiver.url).await,
        house.webhook(&receiver.url).await,
    ];
    let db = house.db().await;
    // As if its network had been allowed then; as if its secret were of a key ring that is gone.
    let moved = "UPDATE webhooks SET url = 'https://10.1.2.3/hook?shop=1' WHERE webhook = $1";
    db.execute(moved, &[&inside.0.as_slice()]).await.unwrap();
    let lost = "UPDATE webhooks SET secret = '\\x00' WHERE webhook = $1";
    db.execute(lost, &[&mute.0.as_slice()]).await.unwrap();
    let _herald = house.herald();
    house.subscribe("ann@example.org").await;
    let given_up = "SELECT count(*) FROM webhooks WHERE disabled_at IS NOT NULL";
    until("the end of all", async || house.count(given_up).await == 3).await;
    let text = log.text();
    for (host, fault) in [("10.1.2.3", "forbidden"), ("127.0.0.1", "gone"), ("127.0.0.1", "no_secret")] {
        let line = format!("a webhook was given up host=\"{host}\" fault=\"{fault}\"");
        assert!(text.contains(&line), "{fault}: {text}");
    }
    assert!(!text.contains("shop=1") && !text.contains("/hook"), "{text}");
    house.close().await;
}
