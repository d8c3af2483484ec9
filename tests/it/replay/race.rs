//! A row that somebody changes between a replay's look at it and its write.

use nix::sys::signal::Signal;
use optin::app::App;
use optin::trail::entry::Event;

use super::{Scene, backup};
use crate::house::{connect, until};
use crate::process::{Process, optin};
use crate::serve::site::count;

#[tokio::test]
async fn a_row_that_changes_while_it_is_looked_at_is_looked_at_again_and_keeps_the_change() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "dan@example.org").await;
    let file = backup::dump(&scene).await;
    scene.pause(&scene.rows().await["dan@example.org"]).await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGTERM).await;
    scene.move_to(backup::restore(&scene, &file).await);

    let row = scene.rows().await.remove("dan@example.org").unwrap();
    let db = connect(scene.url()).await;
    db.batch_execute("BEGIN; SELECT FROM subscriptions FOR UPDATE").await.unwrap();
    let mut process = Process::start(optin(&["trail", "replay", &scene.mirror()], &scene.site.settings));
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("a replay that has looked", async || count(scene.url(), waiting).await == 1).await;
    let mut person = row.person;
    person.profile.insert("name".into(), "Daniel".into());
    let seal = person.seal(&scene.app.keys, App::random(), 1, row.id);
    db.execute("UPDATE subscriptions SET seal = $1", &[&seal]).await.unwrap();
    db.batch_execute("COMMIT").await.unwrap();

    assert_eq!(process.end().await.code(), Some(0), "{}", process.said().1);
    assert!(process.said().0.contains("0 made active and 1 paused"), "{}", process.said().0);
    let dan = &scene.rows().await["dan@example.org"];
    assert_eq!((dan.state, dan.person.acts.count(Event::Paused)), (3, 1));
    assert_eq!(dan.person.profile["name"], "Daniel");
}
