//! Everything that can be killed is killed, in the middle of five hundred signups and as many confirms.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use optin::store::cluster::Cluster;
use reqwest::Client;
use tokio::task::JoinSet;

use super::site::{NOTHING, Relay, Replica, Site, count, durable, form, path_of};
use crate::house::{connect, until};
use crate::process::{DataDir, free_port, postmaster};

/// How many acts have been acknowledged when something is killed next. Letters in the hands of a postman who was killed
/// come only when his lease has run out, which the last blow brings about; it falls while most have yet to confirm.
const BLOWS: [(usize, Blow); 6] = [
    (60, Blow::Replica(0)),
    (150, Blow::Database),
    (250, Blow::Replica(1)),
    (350, Blow::Replica(0)),
    (450, Blow::Replica(1)),
    (550, Blow::Everything),
];

#[derive(Clone, Copy)]
enum Blow {
    Replica(usize),
    /// SIGKILL to the postmaster; its children end when they notice.
    Database,
    Everything,
}

/// Two replicas and their database, which are killed and started again where they were.
struct Ground {
    dir: DataDir,
    cluster: Option<Cluster>,
    site: Site,
    ports: [u16; 2],
    replicas: Vec<Replica>,
}

impl Ground {
    async fn open(relay: u16) -> Ground {
        let dir = DataDir::new();
        let cluster = durable(&dir).await;
        let site = Site::ready(&cluster.url("optin"), relay).await;
        let ports = [free_port(), free_port()];
        let mut ground = Ground { dir, cluster: Some(cluster), site, ports, replicas: Vec::new() };
        ground.replicas = vec![ground.replica(0).await, ground.replica(1).await];
        ground
    }

    async fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::Replica(n) => {
                self.replicas[n].process.end_by(Signal::SIGKILL).await;
                self.replicas[n] = self.replica(n).await;
            }
            Blow::Database => {
                self.kill_database();
                self.cluster = Some(durable(&self.dir).await);
            }
            Blow::Everything => {
                self.replicas[0].process.end_by(Signal::SIGKILL).await;
                self.kill_database();
                self.replicas[1].process.end_by(Signal::SIGKILL).await;
                self.raise_after_a_while().await;
            }
        }
    }

    fn kill_database(&mut self) {
        kill(Pid::from_raw(postmaster(self.dir.path()).unwrap()), Signal::SIGKILL).unwrap();
        self.cluster = None;
    }

    /// Repairs took so long that no lease lasted.
    async fn raise_after_a_while(&mut self) {
        let cluster = durable(&self.dir).await;
        let db = connect(&cluster.url("optin")).await;
        db.execute("UPDATE outbox SET due_at = now() WHERE dead_at IS NULL", &[]).await.unwrap();
        self.cluster = Some(cluster);
        self.replicas = vec![self.replica(0).await, self.replica(1).await];
    }

    /// Starts a replica, again and again as a service manager does: the database may still be busy with its dead.
    async fn replica(&self, n: usize) -> Replica {
        let mut replica = Replica::begin(&self.site, self.ports[n]);
        while replica.http.get(format!("{}/healthz", replica.url)).send().await.is_err() {
            if !replica.process.runs() {
                replica = Replica::begin(&self.site, self.ports[n]);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        replica
    }
}

/// People who do not give up: each signs up, and confirms when the letter comes.
struct Crowd {
    http: Client,
    urls: [String; 2],
    signed_up: AtomicUsize,
    confirmed: AtomicUsize,
}

impl Crowd {
    const SIZE: usize = 500;

    async fn sign_up(&self, n: usize) {
        let email = format!("person{n}@example.org");
        self.insist(n, "/lists/news", &form(&email)).await;
        self.signed_up.fetch_add(1, Ordering::Relaxed);
    }

    async fn confirm(&self, n: usize, link: &str) {
        self.insist(n, path_of(link), &NOTHING).await;
        self.confirmed.fetch_add(1, Ordering::Relaxed);
    }

    /// Tries here and there until somebody says yes.
    async fn insist(&self, n: usize, path: &str, form: &[(&str, &str)]) {
        for url in self.urls.iter().cycle().skip(n % 2) {
            let answer = self.http.post(format!("{url}{path}")).form(form).send().await;
            match answer.map(|answer| answer.status().as_u16()) {
                Ok(200) => return,
                Ok(503) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                Ok(status) => panic!("no crash explains the answer {status}"),
            }
        }
    }

    /// Confirms for every `of`-th person as the letters arrive.
    async fn confirm_lane(&self, relay: &Relay, lane: usize, of: usize) {
        let mut mine: HashSet<usize> = (lane..Crowd::SIZE).step_by(of).collect();
        let mut read = 0;
        while !mine.is_empty() {
            let Some(letter) = relay.nth(read) else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            read += 1;
            let n = letter.to.trim_start_matches("person").trim_end_matches("@example.org").parse().unwrap();
            if let Some(confirm) = letter.confirm.filter(|_| mine.remove(&n)) {
                self.confirm(n, &confirm).await;
            }
        }
    }

    fn acts(&self) -> usize {
        self.signed_up.load(Ordering::Relaxed) + self.confirmed.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_no_acknowledged_act_and_no_owed_letter_is_lost() {
    const LANES: usize = 24;
    let relay = Arc::new(Relay::open().await);
    let mut ground = Ground::open(relay.port).await;
    let crowd = Arc::new(Crowd {
        http: Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
        urls: ground.ports.map(|port| format!("http://127.0.0.1:{port}")),
        signed_up: AtomicUsize::new(0),
        confirmed: AtomicUsize::new(0),
    });

    let mut people = JoinSet::new();
    for lane in 0..LANES {
        let (one, other, relay) = (crowd.clone(), crowd.clone(), relay.clone());
        people.spawn(async move {
            for n in (lane..Crowd::SIZE).step_by(LANES) {
                one.sign_up(n).await;
            }
        });
        people.spawn(async move { other.confirm_lane(&relay, lane, LANES).await });
    }
    for (acts, blow) in BLOWS {
        until("progress", async || crowd.acts() >= acts).await;
        ground.strike(blow).await;
    }
    let all = async { while people.join_next().await.transpose().unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("every owed letter arrives");
    let url = ground.cluster.as_ref().unwrap().url("optin");
    let db = connect(&url).await;
    let emptied = async {
        while count(&url, "SELECT count(*) FROM outbox").await > 0 {
            // Time passes for those that were set aside while the log was behind: each failure doubles their wait.
            let hurry = "UPDATE outbox SET due_at = now() WHERE due_at > now() AND status IS NOT NULL";
            db.execute(hurry, &[]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), emptied).await.expect("an empty outbox");

    // Every yes was kept, and none was written twice.
    let mut everybody: Vec<_> = (0..Crowd::SIZE).map(|n| format!("person{n}@example.org")).collect();
    everybody.sort();
    assert_eq!(ground.site.exported().await, everybody);
    let confirmed = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 1";
    assert_eq!(count(&url, confirmed).await, Crowd::SIZE as i64);
    // A letter of each kind has come to everybody. One may have come twice, but under one name, by which a mailbox can tell.
    let mut names: HashMap<(String, bool), HashSet<String>> = HashMap::new();
    for letter in relay.letters() {
        names.entry((letter.to, letter.confirm.is_some())).or_default().insert(letter.name);
    }
    assert!(names.values().all(|names| names.len() == 1), "one letter under two names");
    let distinct: HashSet<_> = names.values().flatten().collect();
    assert_eq!(distinct.len(), names.len(), "two letters under one name");
    assert_eq!(names.len(), 2 * Crowd::SIZE, "the question, and the welcome");
}
