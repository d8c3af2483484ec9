//! The programs in `integrations/`, run as their users run them: a send loop against a real inbox, and listmonk kept in
//! step, against a stub that speaks its documented API (listmonk.app/docs/apis/subscribers).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Method;
use optin::consent::operator::{Right, Role};
use optin::journeys::export::{Export, Format};
use optin::mail::inbox::Inbox;
use optin::mail::session;
use optin::web::headers::SecurityHeaders;
use optin::web::server::{Limits, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use warp::Filter as _;

use crate::house::{House, NEWS};
use crate::process::{Said, is_here, program, run};

/// Ends what a test serves.
struct Ends(CancellationToken);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn python(script: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Said {
    let mut command = program("python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations").join(script);
    command.arg(script).args(arguments).envs(settings.iter().copied());
    run(command).await
}

#[tokio::test]
async fn the_send_loop_gives_everybody_their_own_way_out() {
    if !is_here("python3").await {
        return;
    }
    let house = House::open().await;
    house.with_mailbox("leave@example.org").await;
    for person in ["ann", "bob"] {
        house.subscribe(&format!("{person}@example.org")).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut file = Vec::new();
    let manifest =
        Export::of(&house.app).write(NEWS, "tester", Format::Csv, &mut file, |_| {}).await.unwrap();
    let mut manifest = serde_json::to_value(&manifest).unwrap();
    let tell = |manifest: &Value| std::fs::write(at("news.csv.manifest.json"), manifest.to_string()).unwrap();
    std::fs::write(at("news.csv"), &file).unwrap();
    std::fs::write(at("issue.txt"), "Grüße!\n").unwrap();
    tell(&manifest);

    let inbox = Inbox::open(folder.path().join("inbox")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = format!("smtp://{}", listener.local_addr().unwrap());
    let ends = Ends(CancellationToken::new());
    tokio::spawn(session::serve(inbox.door(), listener, ends.0.clone()));
    let csv = at("news.csv");
    let issue = at("issue.txt");
    let arguments = [&csv, "Example News <news@example.org>", "Hello", &issue, &relay];
    python("send.py", &arguments, &[]).await.success();
    let letters = inbox.letters(None).unwrap();
    assert_eq!(letters.len(), 2);
    let mut reader = csv::Reader::from_reader(&file[..]);
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        let letter = letters.iter().find(|letter| letter.to == row["email"]).expect("a letter to each");
        assert_eq!(letter.headers["list-unsubscribe"], [row["list_unsubscribe"].as_str()]);
        assert!(row["list_unsubscribe"].contains("<mailto:leave+"));
        assert_eq!(letter.headers["list-unsubscribe-post"], ["List-Unsubscribe=One-Click"]);
        assert!(letter.text.contains("Grüße!") && letter.text.contains(&row["unsubscribe_url"]));
        assert!(letter.raw.contains(&row["list_unsubscribe"]), "as it is, on one line");
    }

    // Nobody is written to from an old file, nor from another than the manifest tells of.
    manifest["valid_until"] = json!("2020-01-01T00:00:00Z");
    tell(&manifest);
    let said = python("send.py", &arguments, &[]).await;
    assert!(said.code != Some(0) && said.err.contains("too old"), "{}", said.err);
    std::fs::write(&csv, &file[1..]).unwrap();
    let said = python("send.py", &arguments, &[]).await;
    assert!(said.code != Some(0) && said.err.contains("not the one"), "{}", said.err);
    assert_eq!(inbox.letters(None).unwrap().len(), 2);
    house.close().await;
}

/// listmonk's subscribers, by number.
type Subscribers = Arc<Mutex<BTreeMap<u64, Value>>>;

struct Listmonk {
    url: String,
    subscribers: Subscribers,
    _ends: Ends,
}

impl Listmonk {
    async fn open() -> Listmonk {
        let subscribers = Subscribers::default();
        let known = subscribers.clone();
        let doors = warp::method()
            .and(warp::path::full())
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::header::<String>("authorization"))
            .and(warp::body::bytes())
            .map(move |method, path: warp::path::FullPath, query: String, auth: String, body: Bytes| {
                // `robot:secret`
                assert_eq!(auth, "Basic cm9ib3Q6c2VjcmV0");
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let (status, data) = answer(&mut known.lock().unwrap(), &method, path.as_str(), &query, body);
                let status = warp::http::StatusCode::from_u16(status).unwrap();
                warp::reply::with_status(warp::reply::json(&json!({ "data": data })), status)
            });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ends = Ends(CancellationToken::new());
        let headers = SecurityHeaders { https: false };
        let service = warp::service(doors);
        tokio::spawn(serve(listener, service, ends.0.clone(), Limits::default(), headers));
        Listmonk { url, subscribers, _ends: ends }
    }

    fn add(&self, email: &str, lists: &[u64], attribs: Value) {
        let mut known = self.subscribers.lock().unwrap();
        insert(&mut known, &json!({ "email": email, "lists": lists, "attribs": attribs }));
    }

    /// Addresses with the lists that each is on.
    fn people(&self) -> Vec<(String, Vec<u64>)> {
        let known = self.subscribers.lock().unwrap();
        let person = |one: &Value| (one["email"].as_str().unwrap().to_owned(), lists(one));
        let mut people: Vec<_> = known.values().map(person).collect();
        people.sort();
        people
    }
}

fn lists(subscriber: &Value) -> Vec<u64> {
    subscriber["lists"].as_array().unwrap().iter().map(|list| list["id"].as_u64().unwrap()).collect()
}

/// Adds a subscriber as it was posted, and tells its number.
fn insert(known: &mut BTreeMap<u64, Value>, wanted: &Value) -> u64 {
    let number = known.keys().max().copied().unwrap_or_default() + 1;
    known.insert(number, stored(number, wanted));
    number
}

/// listmonk lower-cases addresses, and tells lists as objects.
fn stored(number: u64, wanted: &Value) -> Value {
    let on: Vec<Value> = wanted["lists"].as_array().unwrap().iter().map(|id| json!({ "id": id })).collect();
    let email = wanted["email"].as_str().unwrap().to_lowercase();
    json!({ "id": number, "email": email, "name": wanted["name"], "lists": on, "attribs": wanted["attribs"] })
}

fn answer(
    known: &mut BTreeMap<u64, Value>,
    method: &Method,
    path: &str,
    query: &str,
    body: Value,
) -> (u16, Value) {
    let number = path.strip_prefix("/api/subscribers/").and_then(|rest| rest.parse::<u64>().ok());
    match (method.as_str(), path, number) {
        ("GET", "/api/subscribers", _) => {
            let pairs: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let page: usize = pairs["page"].parse().unwrap();
            let found = known.values().filter(|one| fits(one, &pairs["query"]));
            let found: Vec<_> = found.skip((page - 1) * 500).take(500).cloned().collect();
            (200, json!({ "results": found }))
        }
        ("POST", "/api/subscribers", _) => {
            assert_eq!(
                (&body["status"], &body["preconfirm_subscriptions"]),
                (&json!("enabled"), &json!(true))
            );
            let email = body["email"].as_str().unwrap().to_lowercase();
            if known.values().any(|one| one["email"] == email.as_str()) {
                return (409, Value::Null);
            }
            let number = insert(known, &body);
            (200, known[&number].clone())
        }
        ("PUT", "/api/subscribers/lists", _) => {
            assert_eq!(body["action"], "remove");
            for id in body["ids"].as_array().unwrap() {
                let one = known.get_mut(&id.as_u64().unwrap()).unwrap();
                let gone = body["target_list_ids"].as_array().unwrap();
                one["lists"].as_array_mut().unwrap().retain(|list| !gone.contains(&list["id"]));
            }
            (200, json!(true))
        }
        ("PUT", _, Some(number)) => {
            known.insert(number, stored(number, &body));
            (200, known[&number].clone())
        }
        ("DELETE", _, Some(number)) => (if known.remove(&number).is_some() { 200 } else { 400 }, json!(true)),
        _ => panic!("{method} {path} is not listmonk's"),
    }
}

/// The SQL that the program asks with.
fn fits(one: &Value, query: &str) -> bool {
    if let Some(number) = query.strip_prefix("subscribers.id = ") {
        return one["id"].as_i64() == number.parse().ok();
    }
    if let Some(quoted) = query.strip_prefix("LOWER(subscribers.email) = ") {
        let email = quoted.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        assert!(!email.replace("''", "").contains('\''), "nobody's address ends the text");
        return one["email"] == email.replace("''", "'").as_str();
    }
    assert_eq!(query, "subscribers.attribs->>'ref' IS NOT NULL");
    one["attribs"]["ref"].is_string()
}

#[tokio::test]
async fn listmonk_is_kept_in_step() {
    if !is_here("python3").await {
        return;
    }
    let (house, listmonk) = (House::open().await, Listmonk::open().await);
    let token = house.token(Role::Marketer, &[Right::Export, Right::Read]).await;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json").to_str().unwrap().to_owned();
    let settings = [
        ("OPTIN_URL", house.url.as_str()),
        ("OPTIN_LIST", NEWS),
        ("OPTIN_TOKEN", &token),
        ("LISTMONK_URL", &listmonk.url),
        ("LISTMONK_USER", "robot"),
        ("LISTMONK_TOKEN", "secret"),
        ("LISTMONK_LIST", "1"),
    ];
    let step = async || {
        python("listmonk.py", &[&state, "--once"], &settings).await.success();
        listmonk.people()
    };
    let person = |email: &str, lists: &[u64]| (email.to_owned(), lists.to_vec());
    // What others brought stays, but for who came from us and is not with us any more.
    listmonk.add("zed@example.org", &[2], json!({}));
    listmonk.add("yan@example.org", &[1], json!({}));
    listmonk.add("old@example.org", &[1], json!({ "ref": "00".repeat(16) }));
    listmonk.add("ann@example.org", &[2], json!({}));
    house.subscribe("Ann@example.org").await;
    let bob = house.subscribe("bob@example.org").await;
    let with_bob = [
        person("ann@example.org", &[1, 2]),
        person("bob@example.org", &[1]),
        person("yan@example.org", &[1]),
        person("zed@example.org", &[2]),
    ];
    assert_eq!(step().await, with_bob);
    let stored = listmonk.subscribers.lock().unwrap().values().last().unwrap().clone();
    let row = &house.people(NEWS).await;
    let row = row.iter().find(|row| row["email"] == "bob@example.org").unwrap();
    for name in ["unsubscribe_url", "list_unsubscribe", "list_unsubscribe_post", "ref"] {
        assert_eq!(stored["attribs"][name], row[name], "what its templates need");
    }
    assert_eq!(step().await, with_bob, "nothing is new");

    // Bob leaves, and somebody comes whose name is a trap.
    assert_eq!(house.post(&bob, &[]).await.status(), 200);
    house.subscribe("o'hara@example.org").await;
    let after = [
        person("ann@example.org", &[1, 2]),
        person("o'hara@example.org", &[1]),
        person("yan@example.org", &[1]),
        person("zed@example.org", &[2]),
    ];
    assert_eq!(step().await, after);

    // Bob comes back under a new reference; the state is lost; Ann is on another list there, and only leaves ours.
    house.subscribe_to(NEWS, "bob@example.org", &[]).await;
    std::fs::remove_file(&state).unwrap();
    assert!(step().await.contains(&person("bob@example.org", &[1])));
    let ann = house.unsubscribe_url("Ann@example.org").await;
    assert_eq!(house.post(&ann, &[]).await.status(), 200);
    let last = step().await;
    assert_eq!(last[0], person("ann@example.org", &[2]));
    assert_eq!(last.len(), 5);
    house.close().await;
}
