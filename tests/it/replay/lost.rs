//! People of whom a backup knows nothing.

use nix::sys::signal::Signal;
use optin::app::App;

use super::{Scene, backup};
use crate::house::connect;
use crate::house::trails::tallies_are_the_trails;
use crate::serve::site::count;

/// How often somebody was noted as lost.
pub const ENTRIES: &str = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 20";

#[tokio::test]
async fn whoever_was_lost_once_is_not_lost_again_to_the_same_backup() {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "ann@example.org").await;
    let file = backup::dump(&scene).await;
    for email in ["ben@example.org", "cid@example.org"] {
        scene.subscribe(&replica, email).await;
    }
    assert_eq!(replica.sign_up("gus@example.org").await.status(), 200);
    for (lost, more) in [("2 people lost", "dan@example.org"), ("1 person lost", "eve@example.org")] {
        scene.mirror_all(&replica).await;
        replica.process.end_by(Signal::SIGTERM).await;
        // Whoever has only signed up was never there to be lost.
        assert_eq!(count(scene.url(), "SELECT count(*) FROM subscriptions WHERE state = 1").await, 1);
        assert_eq!(scene.app.store.end_replay(1, App::random(), scene.app.clock.now()).await.unwrap(), 0);
        scene.move_to(backup::restore(&scene, &file).await);
        let said = scene.replay().await;
        assert!(said.contains(lost), "{said}");
        replica = scene.site.serve().await;
        assert_eq!(replica.sign_up("gus@example.org").await.status(), 200);
        scene.subscribe(&replica, more).await;
    }
    assert_eq!(count(scene.url(), ENTRIES).await, 2, "nothing is noted where nobody was lost");
    scene.mirror_all(&replica).await;
    scene.site.run(&["trail", "verify", &scene.mirror()]).await.success();
    // What the backups' logs were given back is counted too, as is who was lost.
    tallies_are_the_trails(&connect(scene.url()).await).await;
    replica.process.end_by(Signal::SIGTERM).await;
}
