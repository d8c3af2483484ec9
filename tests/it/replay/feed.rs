//! Readers of the feed after a restore: the lost database may have told them anything.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Scene, backup};
use crate::serve::site::{Replica, client};

impl Scene {
    /// The cursor of an export made now.
    async fn cursor(&self) -> String {
        let file = self.site.path("news.csv");
        self.site.export(&["--out", &file]).await.success();
        let manifest = std::fs::read(format!("{file}.manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        manifest["feed"].as_str().unwrap().to_owned()
    }
}

/// What the feed answers, and the next cursor where there is one.
async fn read(replica: &Replica, token: &str, cursor: &str) -> (u16, Option<String>) {
    let url = format!("{}/api/v1/lists/news/feed?after={cursor}", replica.url);
    let answer = client().get(url).bearer_auth(token).send().await.unwrap();
    let (status, page) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
    (status, page["next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn after_a_restore_and_a_replay_no_cursor_of_before_goes_on() {
    if !backup::is_possible().await {
        return;
    }
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    let token = scene.site.run(&["operator", "token", "olga", "--may", "export"]).await;
    let token = token.success().trim().to_owned();
    scene.subscribe(&replica, "ann@example.org").await;
    let early = scene.cursor().await;
    let known = read(&replica, &token, &early).await.1.expect("a page");
    scene.mirror_all(&replica).await;
    let file = backup::dump(&scene).await;
    scene.subscribe(&replica, "ben@example.org").await;
    let lost = read(&replica, &token, &known).await.1.expect("a page");
    assert_ne!(lost, known);
    // The mirror is not ahead of this backup: it has not looked since.
    replica.process.end_by(Signal::SIGKILL).await;

    scene.move_to(backup::restore(&scene, &file).await);
    assert!(scene.replay().await.contains("nothing to replay"));
    replica = scene.site.serve().await;
    for cursor in [&early, &known, &lost] {
        assert_eq!(read(&replica, &token, cursor).await, (410, None));
    }
    let early = scene.cursor().await;
    assert_eq!(read(&replica, &token, &early).await.0, 200);

    // Ahead of this one it is.
    let file = backup::dump(&scene).await;
    scene.subscribe(&replica, "cid@example.org").await;
    let lost = read(&replica, &token, &early).await.1.expect("a page");
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGKILL).await;
    scene.move_to(backup::restore(&scene, &file).await);
    assert!(scene.replay().await.contains("restored from the mirror"));
    replica = scene.site.serve().await;
    for cursor in [&early, &lost] {
        assert_eq!(read(&replica, &token, cursor).await, (410, None));
    }
    assert_eq!(read(&replica, &token, &scene.cursor().await).await.0, 200);
    replica.process.end_by(Signal::SIGTERM).await;
}
