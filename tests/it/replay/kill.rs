//! A replay that is killed at any moment and run again comes to the same.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use optin::consent::change::{Confirm, Erase};
use optin::consent::person::Acts;

use super::{Scene, backup};
use crate::doors::people::token;
use crate::house::until;
use crate::process::{Process, optin, runs};
use crate::serve::site::count;

/// Of several handfuls.
const PEOPLE: usize = 900;

async fn connect(scene: &Scene) -> tokio_postgres::Client {
    crate::house::connect(scene.url()).await
}

/// All that a replay decides on: rows by address, and how many entries of each event there are.
async fn outcome(scene: &Scene) -> (BTreeMap<String, (i16, Acts)>, Vec<(i32, i64)>) {
    let rows = scene.rows().await;
    let rows = rows.into_iter().map(|(address, row)| (address, (row.state, row.person.acts))).collect();
    let events = "SELECT get_byte(entry, 1), count(*) FROM trail_entries GROUP BY 1 ORDER BY 1";
    let events = connect(scene).await.query(events, &[]).await.unwrap();
    (rows, events.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_is_killed_again_and_again_comes_to_the_same_as_one_that_is_not() {
    if !backup::is_possible().await {
        return;
    }
    let mut scene = Scene::open().await;
    scene.site.settle(PEOPLE).await;
    let file = backup::dump(&scene).await;
    for (n, row) in scene.rows().await.into_values().enumerate() {
        let its = token(1, row.id);
        match (row.state, n % 5) {
            (1, 0 | 1) => {
                _ = scene.app.store.confirm(Confirm::new(&its, scene.app.clock.now())).await.unwrap()
            }
            (2, 0 | 1) => {
                _ = scene.app.store.erase(Erase::withdraw(&its, scene.app.clock.now())).await.unwrap()
            }
            (2, 2) => scene.pause(&row).await,
            _ => {}
        }
    }
    // All of them but those who have not confirmed.
    let (mut stay, _) = outcome(&scene).await;
    stay.retain(|_, (state, _)| *state != 1);
    let mut replica = scene.site.serve().await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGTERM).await;

    scene.move_to(backup::restore(&scene, &file).await);
    scene.replay().await;
    let at_once = outcome(&scene).await;
    assert!(at_once.0.len() > 300 && at_once.1.len() > 3);
    assert!(at_once.0 == stay, "each row is as it was, those beyond the first handful too");

    scene.move_to(backup::restore(&scene, &file).await);
    let held = "SELECT count(*) FROM trails WHERE is_replaying";
    let replay = || Process::start(optin(&["trail", "replay", &scene.mirror()], &scene.site.settings));
    let mut kills = 0;
    loop {
        let mut process = replay();
        // One to which the killed one left nothing but the end is done before its middle can be seen.
        let pid = process.pid();
        until("the middle or the end", async || count(scene.url(), held).await == 1 || !runs(pid)).await;
        tokio::time::sleep(Duration::from_millis(15 * kills)).await;
        if !process.runs() {
            break;
        }
        process.end_by(Signal::SIGKILL).await;
        kills += 1;
    }
    assert!(kills > 0, "it is killed at least once");
    scene.replay().await;
    assert_eq!(outcome(&scene).await, at_once);
    assert_eq!(count(scene.url(), held).await, 0);
}
