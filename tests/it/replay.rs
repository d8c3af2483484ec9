//! A backup is restored, and the mirror of the trail replayed over it: nobody who left since comes back.

mod backup;
mod beside;
mod feed;
mod held;
mod kill;
mod lost;
mod meanwhile;
mod race;
mod refused;
mod renewed;
mod tail;

use std::collections::BTreeMap;

use jiff::Timestamp;
use optin::app::App;
use optin::consent::change::{Held, Rewrite};
use optin::consent::person::Person;
use optin::consent::subscription::RewriteOutcome;
use optin::token::SubscriptionId;
use optin::trail::entry::Event;

use crate::house::pages::way_back;
use crate::house::{connect, database, until};
use crate::serve::site::{NOTHING, Relay, Replica, Site, count, form, path_of};

/// A service with an operator, a relay, and a mirror of its one trail.
pub struct Scene {
    pub site: Site,
    pub app: App,
    pub relay: Relay,
}

impl Scene {
    async fn open() -> Scene {
        let (url, relay) = (database(true).await, Relay::open().await);
        let site = Site::ready(&url, relay.port).await;
        std::fs::create_dir(site.path("mirrors")).unwrap();
        let token = site.run(&["operator", "token", "olga"]).await;
        std::fs::write(site.path("token"), token.success()).unwrap();
        Scene { app: site.app(), site, relay }
    }

    pub fn url(&self) -> &str {
        &self.site.settings["OPTIN_DATABASE_URL"]
    }

    pub fn mirror(&self) -> String {
        self.site.path("mirrors/news")
    }

    /// Goes on with another database.
    pub fn move_to(&mut self, url: String) {
        self.site.settings.insert("OPTIN_DATABASE_URL", url);
        self.app = self.site.app();
    }

    /// Has the mirror hold all that is sealed once nothing waits.
    pub async fn mirror_all(&self, replica: &Replica) {
        self.mirror_all_of("news", replica).await;
    }

    pub async fn mirror_all_of(&self, slug: &str, replica: &Replica) {
        let waiting = "SELECT count(*) FROM trail_entries WHERE index IS NULL";
        until("a sealed trail", async || count(self.url(), waiting).await == 0).await;
        let (trail, token) = (format!("{}/trails/{slug}", replica.url), self.site.path("token"));
        let mirror = ["trail", "mirror", &self.mirror(), "--from", &trail, "--token-file", &token];
        self.site.run(&mirror).await.success();
    }

    /// Signs up and confirms by the letter.
    async fn subscribe(&self, replica: &Replica, email: &str) {
        assert_eq!(replica.sign_up(email).await.status(), 200);
        assert_eq!(replica.press(&self.relay.confirm_link(email).await).await, 200);
    }

    /// The unsubscribe links on the export, by address.
    async fn leave_links(&self) -> BTreeMap<String, String> {
        let said = self.site.export(&["--format", "jsonl"]).await;
        let row = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        said.success()
            .lines()
            .map(row)
            .map(|row| (text(&row["email"]), text(&row["unsubscribe_url"])))
            .collect()
    }

    /// What is under the seals, by address.
    pub async fn rows(&self) -> BTreeMap<String, Row> {
        let sql = "SELECT id, state, seal, withdrawn_commitment, confirmed_commitment IS NULL AS used,
                          confirmed_at FROM subscriptions WHERE list = 1";
        let rows = connect(self.url()).await.query(sql, &[]).await.unwrap();
        let read = |row: &tokio_postgres::Row| {
            let id = SubscriptionId(row.get::<_, &[u8]>("id").try_into().unwrap());
            let person = Person::open(&self.app.keys, 1, id, row.get("seal")).unwrap();
            let next = person.next_commitment(1, Event::Withdrawn);
            assert_eq!(row.get::<_, &[u8]>("withdrawn_commitment"), next, "the next commitment is in place");
            let state: i16 = row.get("state");
            assert_eq!(
                (row.get::<_, bool>("used"), row.get::<_, Option<Timestamp>>("confirmed_at").is_some()),
                (state != 1, state != 1)
            );
            (person.address.clone(), Row { id, state, person })
        };
        rows.iter().map(read).collect()
    }

    /// Pausing has no page yet.
    pub async fn pause(&self, row: &Row) {
        let found = self.app.store.find_subscription(1, row.id).await.unwrap().unwrap();
        let held = Held { list: 1, id: row.id, seal: &found.seal };
        let act = Rewrite::pause(&self.app.keys, &held, App::random(), self.app.clock.now()).unwrap();
        assert_eq!(self.app.store.rewrite(act).await.unwrap(), RewriteOutcome::Done);
    }

    pub async fn replay(&self) -> String {
        let said = self.site.run(&["trail", "replay", &self.mirror()]).await;
        said.success().to_owned()
    }
}

pub struct Row {
    pub id: SubscriptionId,
    /// 1 pending, 2 active, 3 paused.
    pub state: i16,
    pub person: Person,
}

/// The states of rows by address.
fn states(rows: &BTreeMap<String, Row>) -> Vec<(&str, i16)> {
    rows.iter().map(|(address, row)| (address.as_str(), row.state)).collect()
}

#[tokio::test]
async fn p_cp_4_after_a_restore_and_a_replay_those_who_left_stay_gone() {
    if !backup::is_possible().await {
        return;
    }
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    for name in ["ann", "ben", "cid", "dan", "eve", "fay"] {
        scene.subscribe(&replica, &format!("{name}@example.org")).await;
    }
    for name in ["gus", "hal", "ida"] {
        assert_eq!(replica.sign_up(&format!("{name}@example.org")).await.status(), 200);
    }
    let confirm = scene.relay.confirm_link("gus@example.org").await;
    let other = scene.relay.confirm_link("hal@example.org").await;
    let links = scene.leave_links().await;
    // A letter that would tell Ann, had it not been sent by then, that she is subscribed.
    let db = connect(scene.url()).await;
    until("an empty outbox", async || count(scene.url(), "SELECT count(*) FROM outbox").await == 0).await;
    let waits = "INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
                 SELECT 1, id, 2, now(), now() + interval '1 hour' FROM subscriptions WHERE state = 2";
    assert_eq!(db.execute(waits, &[]).await.unwrap(), 6);
    let backup = backup::dump(&scene).await;
    db.execute("DELETE FROM outbox", &[]).await.unwrap();

    // What the backup does not know. Three leave, one of them comes back by undo; two confirm, one pauses, one comes.
    for name in ["ann", "ben"] {
        let link = &links[&format!("{name}@example.org")];
        assert_eq!(replica.press(link).await, 200);
    }
    let page = replica.post(path_of(&links["cid@example.org"]), &[("from", "page")]).await;
    let undo = way_back(&page.text().await.unwrap()).expect("a way back");
    assert_eq!(replica.post("/undo", &[("undo", &undo)]).await.status(), 200);
    assert_eq!(replica.press(&confirm).await, 200);
    assert_eq!(replica.press(&other).await, 200);
    let rows = scene.rows().await;
    scene.pause(&rows["dan@example.org"]).await;
    scene.subscribe(&replica, "new@example.org").await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(nix::sys::signal::Signal::SIGKILL).await;

    scene.move_to(backup::restore(&scene, &backup).await);
    let before = scene.rows().await;
    assert_eq!(before.len(), 9, "as it was: {:?}", states(&before));
    let letters = scene.relay.letters().len();

    // Time has passed, too: Hal's signup looks as if nobody had confirmed it.
    let late = "UPDATE subscriptions SET expires_at = now() - interval '1 hour' WHERE id = $1";
    let db = connect(scene.url()).await;
    assert_eq!(db.execute(late, &[&&before["hal@example.org"].id.0[..]]).await.unwrap(), 1);

    // The service sees that it is behind, and neither signs nor sends nor exports; people may leave all the same.
    scene.site.settings.insert("OPTIN_TRAIL_MIRROR", scene.site.path("mirrors"));
    let mut replica = scene.site.serve().await;
    until("a word about it", async || replica.process.said().1.contains("optin trail replay")).await;
    let evidence =
        ["evidence", "make", "news", "ann@example.org", "--as", "olga", "--out", &scene.site.path("zip")];
    let announce = ["notice", "announce", "news"];
    for said in
        [scene.site.export(&[]).await, scene.site.run(&evidence).await, scene.site.run(&announce).await]
    {
        assert!(said.refusal().contains("optin trail replay"), "{}", said.err);
    }
    db.execute("UPDATE outbox SET due_at = now()", &[]).await.unwrap();
    assert_eq!(replica.post("/lists/news", &form("ann@example.org")).await.status(), 200);
    let held = "SELECT count(*) FROM outbox WHERE status = '4.3.2'";
    until("letters that are held", async || count(scene.url(), held).await >= 6).await;
    let waiting = "SELECT count(*) FROM trail_entries WHERE index IS NULL";
    let waited = count(scene.url(), waiting).await;
    let eve = &links["eve@example.org"];
    assert_eq!(replica.post(path_of(eve), &NOTHING).await.status(), 200);
    // What the log knows already is done again by who does not know that.
    assert_eq!(replica.press(&links["ann@example.org"]).await, 200);
    assert_eq!(replica.press(&confirm).await, 200);
    let sealed = "SELECT size FROM trails WHERE list = 1";
    let size = count(scene.url(), sealed).await;
    assert_eq!(count(scene.url(), waiting).await, waited + 3);

    let said = scene.replay().await;
    assert!(said.contains("; 1 person lost, "), "{said}");
    let after = scene.rows().await;
    assert_eq!(
        states(&after),
        [
            ("cid@example.org", 2),
            ("dan@example.org", 3),
            ("fay@example.org", 2),
            ("gus@example.org", 2),
            ("hal@example.org", 2)
        ]
    );
    assert_eq!(after["cid@example.org"].person.acts.count(Event::Restored), 1);
    assert!(count(scene.url(), sealed).await > size);
    assert_eq!(scene.relay.letters().len(), letters, "nobody had a letter");
    assert_eq!(count(scene.url(), "SELECT count(*) FROM outbox").await, 0);

    // All is as before: the service goes on, what it signs goes on from the mirror, and the log adds up.
    until("a sealed trail", async || {
        count(scene.url(), "SELECT count(*) FROM trail_entries WHERE index IS NULL").await == 0
    })
    .await;
    let exported = ["cid@example.org", "fay@example.org", "gus@example.org", "hal@example.org"];
    assert_eq!(scene.site.exported().await, exported);
    // Who came back by undo leaves by the same old link, and no more is left of the page that undid it.
    assert_eq!(replica.press(&links["cid@example.org"]).await, 200);
    assert_eq!(replica.post("/undo", &[("undo", &undo)]).await.status(), 410);
    scene.mirror_all(&replica).await;
    scene.site.run(&["trail", "verify", &scene.mirror()]).await.success();
    scene.site.run(&["trail", "verify", "--list", "news"]).await.success();
    let fay = scene.leave_links().await["fay@example.org"].clone();
    assert_eq!(replica.press(&fay).await, 200);

    // A second time there is nothing left to do.
    let entries = count(scene.url(), "SELECT count(*) FROM trail_entries").await;
    assert!(scene.replay().await.contains("nothing to replay"));
    assert_eq!(count(scene.url(), "SELECT count(*) FROM trail_entries").await, entries);
    replica.process.end_by(nix::sys::signal::Signal::SIGTERM).await;
}
