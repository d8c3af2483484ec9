//! `optin export --follow`: a folder that is in step with its list, whatever happens to the program.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use optin::chores::sweeper::sweep;
use serde_json::Value;

use crate::house::{database, until};
use crate::process::{Process, optin};
use crate::serve::site::{Relay, Replica, Site};

struct Scene {
    site: Site,
    relay: Relay,
    replica: Replica,
    dir: PathBuf,
    format: &'static str,
}

impl Scene {
    async fn open(format: &'static str) -> Scene {
        let (url, relay) = (database(true).await, Relay::open().await);
        let site = Site::ready(&url, relay.port).await;
        let replica = site.serve().await;
        let dir = PathBuf::from(site.path("followed"));
        Scene { site, relay, replica, dir, format }
    }

    fn follow(&self) -> Process {
        let dir = self.dir.to_str().unwrap();
        let arguments = ["export", "news", "--as", "olga", "--format", self.format, "--follow", dir];
        Process::start(optin(&arguments, &self.site.settings))
    }

    async fn subscribe(&self, email: &str) {
        assert_eq!(self.replica.sign_up(email).await.status(), 200);
        assert_eq!(self.replica.press(&self.relay.confirm_link(email).await).await, 200);
    }

    /// The rows of the file: addresses, and the way out of each.
    fn rows(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.dir.join(format!("subscribers.{}", self.format)));
        let Ok(text) = text else { return Vec::new() };
        let mut rows: Vec<_> = match self.format {
            "csv" => csv::Reader::from_reader(text.as_bytes())
                .records()
                .map(|row| row.unwrap())
                .map(|row| (row[0].to_owned(), row[4].to_owned()))
                .collect(),
            _ => text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .map(|row| ["email", "unsubscribe_url"].map(|name| row[name].as_str().unwrap().to_owned()))
                .map(|[email, url]| (email, url))
                .collect(),
        };
        rows.sort();
        rows
    }

    async fn until_it_has(&self, names: &[&str]) {
        let wanted: Vec<_> = names.iter().map(|name| format!("{name}@example.org")).collect();
        until(&format!("{names:?}"), async || {
            self.rows().into_iter().map(|row| row.0).eq(wanted.iter().cloned())
        })
        .await;
    }

    /// The way out of a row of the file.
    async fn leave(&self, name: &str) {
        let (_, url) = self.rows().into_iter().find(|row| row.0.starts_with(name)).unwrap();
        assert_eq!(self.replica.press(&url).await, 200);
    }
}

async fn a_folder_is_kept_in_step(format: &'static str) {
    let scene = Scene::open(format).await;
    scene.subscribe("ann@example.org").await;
    let mut follower = scene.follow();
    scene.until_it_has(&["ann"]).await;
    scene.subscribe("ben@example.org").await;
    scene.until_it_has(&["ann", "ben"]).await;
    scene.leave("ann").await;
    scene.until_it_has(&["ben"]).await;

    // Another does not keep the same folder, nor what this one is killed in the middle of.
    let mut other = scene.follow();
    assert!(!other.end().await.success() && other.said().1.contains("kept by another"), "{}", other.said().1);
    follower.end_by(Signal::SIGKILL).await;
    std::fs::write(scene.dir.join("subscribers.x.1.half"), "half").unwrap();
    scene.subscribe("cid@example.org").await;
    scene.leave("ben").await;
    follower = scene.follow();
    scene.until_it_has(&["cid"]).await;
    let mut names: Vec<_> = std::fs::read_dir(&scene.dir).unwrap().map(|item| item.unwrap()).collect();
    names.sort_by_key(|item| item.file_name());
    for item in &names {
        assert_eq!(item.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{item:?}");
    }
    let names: Vec<_> = names.into_iter().map(|item| item.file_name().into_string().unwrap()).collect();
    assert_eq!(names, [".lock", "state.json", &format!("subscribers.{format}")]);

    // The feed forgets what it told: a full export is taken, once.
    follower.end_by(Signal::SIGTERM).await;
    let app = scene.site.app();
    scene.subscribe("dan@example.org").await;
    app.store.forget_news(1, 0, app.clock.now()).await.unwrap();
    follower = scene.follow();
    scene.until_it_has(&["cid", "dan"]).await;
    until("a word", async || follower.said().1.contains("2 rows exported")).await;

    // Of a list that has ended nothing is left.
    assert!(app.store.close_list(1, app.clock.now()).await.unwrap());
    assert!(!follower.end().await.success());
    assert!(follower.said().1.contains("closed"), "{}", follower.said().1);
    assert_eq!(scene.rows(), []);
    sweep(&app).await.unwrap();
}

#[tokio::test]
async fn a_folder_of_csv_is_kept_in_step() {
    a_folder_is_kept_in_step("csv").await;
}

#[tokio::test]
async fn a_folder_of_json_lines_is_kept_in_step() {
    a_folder_is_kept_in_step("jsonl").await;
}
