//! What people do while a replay is under way, and what operators ask for before it.

use nix::sys::signal::Signal;

use super::{Scene, backup, states};
use crate::house::{connect, until};
use crate::process::{Process, optin, run};
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

/// Between the replay's look at a row and its writing somebody confirms it.
#[tokio::test]
async fn who_confirms_in_the_midst_of_a_replay_is_not_taken_for_who_has_not() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    assert_eq!(replica.sign_up("gus@example.org").await.status(), 200);
    scene.relay.confirm_link("gus@example.org").await;
    let file = backup::dump(&scene).await;
    scene.subscribe(&replica, "ann@example.org").await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGKILL).await;
    scene.move_to(backup::restore(&scene, &file).await);

    let rival = connect(scene.url()).await;
    rival.batch_execute("BEGIN; SELECT FROM subscriptions FOR UPDATE").await.unwrap();
    let mut replay = Process::start(optin(&["trail", "replay", &scene.mirror()], &scene.site.settings));
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("a replay that waits for the row", async || count(scene.url(), waiting).await == 1).await;
    // As `apply_confirms` does.
    let confirms = "INSERT INTO trail_entries (list, entry)
                    SELECT 1, '\\x0101'::bytea || int4send((extract(epoch FROM now()) / 3600)::int)
                              || n.sha256 || s.confirmed_commitment
                    FROM subscriptions s JOIN notices n ON n.list = 1 AND n.version = s.notice;
                    UPDATE subscriptions SET state = 2, confirmed_at = now(), confirmed_commitment = NULL;
                    COMMIT";
    rival.batch_execute(confirms).await.unwrap();
    assert!(replay.end().await.success(), "{:?}", replay.said());
    assert_eq!(states(&scene.rows().await), [("gus@example.org", 2)]);
}

/// A second one would not know when the first has freed the list, and would take whoever signs up then for people from the
/// backup.
#[tokio::test]
async fn a_list_is_replayed_by_one_at_a_time() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "ann@example.org").await;
    let links = scene.leave_links().await;
    let file = backup::dump(&scene).await;
    assert_eq!(replica.press(&links["ann@example.org"]).await, 200);
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGKILL).await;
    scene.move_to(backup::restore(&scene, &file).await);

    let rival = connect(scene.url()).await;
    rival.batch_execute("BEGIN; SELECT FROM subscriptions FOR UPDATE").await.unwrap();
    let begin = || Process::start(optin(&["trail", "replay", &scene.mirror()], &scene.site.settings));
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut killed = begin();
    until("a replay that waits for the row", async || count(scene.url(), waiting).await == 1).await;
    let said = scene.site.run(&["trail", "replay", &scene.mirror()]).await;
    assert!(said.refusal().contains("another replay of `news` is under way"), "{}", said.err);
    // The lock goes with its process.
    killed.end_by(Signal::SIGKILL).await;
    rival.batch_execute("COMMIT").await.unwrap();
    assert!(scene.replay().await.contains("an earlier replay had not come to its end"));
    assert_eq!(states(&scene.rows().await), []);
}

#[tokio::test]
async fn a_restored_backup_makes_no_evidence_of_those_who_left() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "ann@example.org").await;
    let links = scene.leave_links().await;
    let file = backup::dump(&scene).await;
    assert_eq!(replica.press(&links["ann@example.org"]).await, 200);
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGKILL).await;

    scene.move_to(backup::restore(&scene, &file).await);
    let out = scene.site.path("evidence.zip");
    let make = ["evidence", "make", "news", "ann@example.org", "--as", "olga", "--out", &out];
    let beside = scene.site.with("OPTIN_TRAIL_MIRROR", &scene.site.path("mirrors"));
    let said = run(optin(&make, &beside)).await;
    assert!(said.refusal().contains("optin trail replay"), "{}", said.err);
    break_off(&scene).await;
    let said = scene.site.run(&make).await;
    assert!(said.refusal().contains("optin trail replay"), "{}", said.err);
    assert!(!std::path::Path::new(&out).exists());
}

#[tokio::test]
async fn a_backup_from_before_the_lists_first_seal_is_behind_its_mirror_too() {
    let mut scene = Scene::open().await;
    assert_eq!(count(scene.url(), "SELECT count(*) FROM trails").await, 0, "nothing is sealed yet");
    let file = backup::dump(&scene).await;
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "ann@example.org").await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGKILL).await;

    scene.move_to(backup::restore(&scene, &file).await);
    scene.site.settings.insert("OPTIN_TRAIL_MIRROR", scene.site.path("mirrors"));
    let mut replica = scene.site.serve().await;
    until("a word about it", async || replica.process.said().1.contains("optin trail replay")).await;
    let letters = scene.relay.letters().len();
    assert_eq!(replica.sign_up("ben@example.org").await.status(), 200);
    let held = "SELECT count(*) FROM outbox WHERE status = '4.3.2'";
    until("a letter that is held", async || count(scene.url(), held).await == 1).await;
    assert_eq!(scene.relay.letters().len(), letters);
    assert!(scene.replay().await.contains("1 person lost"));
    replica.process.end_by(Signal::SIGTERM).await;
}
