//! What people do while a replay is under way, and what operators ask for before it.

use nix::sys::signal::Signal;

use super::{Scene, backup, states};
use crate::house::{connect, until};
use crate::serve::site::count;

const WITHDRAWN: &str = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 2";

/// The log was restored, and then the replay was broken off before its first row.
async fn break_off(scene: &Scene) {
    let db = connect(scene.url()).await;
    db.batch_execute("UPDATE subscriptions SET seal = '\\x00'::bytea || seal").await.unwrap();
    let said = scene.site.run(&["trail", "replay", &scene.mirror()]).await;
    assert!(said.code == Some(1) && said.out.contains("restored from the mirror"), "{}", said.err);
    assert_eq!(count(scene.url(), "SELECT count(*) FROM trails WHERE is_replaying").await, 1);
    db.batch_execute("UPDATE subscriptions SET seal = substr(seal, 2)").await.unwrap();
}

#[tokio::test]
async fn who_leaves_a_second_time_in_the_midst_of_a_replay_has_left_once() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    for email in ["ann@example.org", "ben@example.org"] {
        scene.subscribe(&replica, email).await;
    }
    let links = scene.leave_links().await;
    let file = backup::dump(&scene).await;
    assert_eq!(replica.press(&links["ann@example.org"]).await, 200);
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGKILL).await;

    scene.move_to(backup::restore(&scene, &file).await);
    break_off(&scene).await;
    let mut replica = scene.site.serve().await;
    // The restored row lets her leave once more, with the commitment that the log has already.
    assert_eq!(replica.press(&links["ann@example.org"]).await, 200);
    let said = scene.replay().await;
    assert!(said.contains("0 people lost"), "{said}");
    assert_eq!(states(&scene.rows().await), [("ben@example.org", 2)]);
    assert_eq!(count(scene.url(), WITHDRAWN).await, 1);
    until("a list that is free again", async || scene.site.export(&[]).await.code == Some(0)).await;
    scene.site.run(&["trail", "verify", "--list", "news"]).await.success();
    replica.process.end_by(Signal::SIGTERM).await;
}
