//! A list whose replay has not come to its end.

use nix::sys::signal::Signal;

use super::{Scene, backup, lost, states};
use crate::house::{connect, until};
use crate::process::{Process, optin};
use crate::serve::site::count;

#[tokio::test]
async fn a_list_is_held_until_its_replay_has_come_to_its_end_though_its_log_is_whole_again() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    for email in ["ann@example.org", "ben@example.org"] {
        scene.subscribe(&replica, email).await;
    }
    assert_eq!(replica.sign_up("hal@example.org").await.status(), 200);
    let (leave, confirm) = (
        scene.leave_links().await["ann@example.org"].clone(),
        scene.relay.confirm_link("hal@example.org").await,
    );
    let file = backup::dump(&scene).await;
    assert_eq!((replica.press(&leave).await, replica.press(&confirm).await), (200, 200));
    scene.subscribe(&replica, "cid@example.org").await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGTERM).await;
    scene.move_to(backup::restore(&scene, &file).await);

    // It dies once the log has its tail, and before it has written a row.
    let db = connect(scene.url()).await;
    db.batch_execute("BEGIN; SELECT FROM subscriptions FOR UPDATE").await.unwrap();
    let mut process = Process::start(optin(&["trail", "replay", &scene.mirror()], &scene.site.settings));
    let replaying = "SELECT count(*) FROM trails WHERE is_replaying";
    until("a log with its tail", async || count(scene.url(), replaying).await == 1).await;
    process.end_by(Signal::SIGKILL).await;
    db.batch_execute("ROLLBACK").await.unwrap();

    // No mirror is set: that something is missing shows in the mark alone.
    let mut replica = scene.site.serve().await;
    assert!(replica.process.said().1.contains("optin trail replay"));
    assert!(scene.site.export(&[]).await.refusal().contains("optin trail replay"));
    let close = scene.site.run(&["list", "close", "news", "--yes"]).await;
    assert!(close.refusal().contains("optin trail replay"), "{}", close.err);
    assert_eq!(count(scene.url(), "SELECT count(*) FROM lists WHERE closed_at IS NOT NULL").await, 0);
    assert_eq!(replica.sign_up("ben@example.org").await.status(), 200);
    let held = "SELECT count(*) FROM outbox WHERE status = '4.3.2'";
    until("a letter that is held", async || count(scene.url(), held).await == 1).await;

    // Both press again what the log has already.
    assert_eq!((replica.press(&leave).await, replica.press(&confirm).await), (200, 200));
    let said = scene.replay().await;
    assert!(
        said.contains("an earlier replay had not come to its end") && said.contains("1 person lost"),
        "{said}"
    );
    assert_eq!(states(&scene.rows().await), [("ben@example.org", 2), ("hal@example.org", 2)]);
    scene.mirror_all(&replica).await;
    let entries =
        |event: i32| format!("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = {event}");
    let told = (count(scene.url(), &entries(1)).await, count(scene.url(), &entries(2)).await);
    assert_eq!((told, count(scene.url(), lost::ENTRIES).await), ((4, 1), 1), "each act is in the log once");
    assert_eq!(scene.site.exported().await, ["ben@example.org", "hal@example.org"]);
    replica.process.end_by(Signal::SIGTERM).await;

    let mut replica = scene.site.serve().await;
    assert!(!replica.process.said().1.contains("optin trail replay"), "nothing is held any more");
    replica.process.end_by(Signal::SIGTERM).await;
}
