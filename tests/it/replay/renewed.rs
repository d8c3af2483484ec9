//! Who agreed to a new notice after the backup was made: the log tells of it, but not to whom it belongs.

use nix::sys::signal::Signal;
use optin::consent::change::{Rewrite, Yes};
use optin::consent::subscription::RewriteOutcome;

use super::{Scene, backup};
use crate::agree::Cannot;

impl Scene {
    /// Agrees to the list's present notice, as the button behind a letter's link does.
    async fn agree(&self, email: &str) {
        let (app, id) = (&self.app, self.rows().await[email].id);
        let (list, notice) = app.store.find_list("news").await.unwrap().unwrap();
        let (origin, linked_at) = ("https://optin.example", app.clock.now());
        let yes = Yes { list: &list, notice: &notice, lang: "en", origin, linked_at };
        let written = app.rewrite::<Cannot>(1, id, |held, nonce| {
            Ok(Rewrite::renew(&app.keys, held, &yes, nonce, app.clock.now())?)
        });
        assert_eq!(written.await.unwrap(), RewriteOutcome::Done);
    }
}

#[tokio::test]
async fn p_med_6_who_agreed_since_the_backup_is_off_exports_until_they_agree_again() {
    if !backup::is_possible().await {
        return;
    }
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    for email in ["ann@example.org", "ben@example.org"] {
        scene.subscribe(&replica, email).await;
    }
    scene.site.publish("Something else.", true).await;
    let file = backup::dump(&scene).await;
    scene.agree("ann@example.org").await;
    assert_eq!(scene.site.exported().await, ["ann@example.org"]);
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGTERM).await;

    scene.move_to(backup::restore(&scene, &file).await);
    scene.replay().await;
    assert!(scene.rows().await.values().all(|row| row.state == 2), "they are there, as subscribed as before");
    assert_eq!(scene.site.exported().await, [""; 0]);

    // Asked and agreed again, she is on; the log, which has two agreements of hers by now, is whole.
    let mut replica = scene.site.serve().await;
    scene.agree("ann@example.org").await;
    assert_eq!(scene.site.exported().await, ["ann@example.org"]);
    scene.mirror_all(&replica).await;
    scene.site.run(&["trail", "verify", &scene.mirror()]).await.success();
    scene.site.run(&["trail", "verify", "--list", "news"]).await.success();
    replica.process.end_by(Signal::SIGTERM).await;
}
