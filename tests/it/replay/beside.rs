//! Another list in the database, which its own mirror tells of.

use nix::sys::signal::Signal;
use optin::app::App;
use optin::consent::list::ListOptions;
use optin::store::NextNotice;

use super::{Scene, backup};
use crate::doors::people::notice_texts;
use crate::house::connect;
use crate::serve::site::{count, form};

/// Publishes the next version of a list's notice.
async fn publish(scene: &Scene, slug: &str, text: &str) {
    let store = &scene.app.store;
    let (list, current) = store.find_list(slug).await.unwrap().unwrap();
    let next = Some(NextNotice { texts: notice_texts(text), new_purpose: false });
    let changed =
        store.change_list(&list, &current, &list.options, next, scene.app.clock.now(), App::random()).await;
    assert!(changed.unwrap());
}

#[tokio::test]
async fn a_replay_leaves_other_lists_alone_and_tells_of_notices_that_are_not_this_lists() {
    let mut scene = Scene::open().await;
    let options = ListOptions::titled("en", "Other");
    let made = scene.app.store.create_list(
        "other",
        &options,
        notice_texts("More."),
        scene.app.clock.now(),
        App::random(),
    );
    assert_eq!(made.await.unwrap(), Some(2));
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "ann@example.org").await;
    for email in ["otto@example.org", "olga@example.org"] {
        assert_eq!(replica.post("/lists/other", &form(email)).await.status(), 200);
    }
    assert_eq!(replica.press(&scene.relay.confirm_link("otto@example.org").await).await, 200);
    publish(&scene, "other", "Both have this.").await;
    scene.mirror_all(&replica).await;
    let waits = "INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
                 SELECT list, id, 2, now(), now() + interval '1 hour' FROM subscriptions WHERE state = 2";
    assert_eq!(connect(scene.url()).await.execute(waits, &[]).await.unwrap(), 2);
    let file = backup::dump(&scene).await;
    scene.subscribe(&replica, "ben@example.org").await;
    publish(&scene, "news", "Both have this.").await;
    publish(&scene, "news", "News.").await;
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGTERM).await;

    scene.move_to(backup::restore(&scene, &file).await);
    let db = connect(scene.url()).await;
    let held = async || {
        let others = "SELECT string_agg(t, ',' ORDER BY t) FROM
                      (SELECT s::text FROM subscriptions s WHERE list = 2
                       UNION ALL SELECT e::text FROM trail_entries e WHERE list = 2
                       UNION ALL SELECT r::text FROM trails r WHERE list = 2
                       UNION ALL SELECT o::text FROM outbox o WHERE list = 2) AS t (t)";
        db.query_one(others, &[]).await.unwrap().get::<_, String>(0)
    };
    let before = held().await;
    let said = scene.replay().await;
    assert!(said.contains("news: 2 notice versions published since the backup"), "{said}");
    assert!(said.contains("1 person lost"), "{said}");
    assert!(held().await == before, "the other list is as it was");
    assert_eq!(count(scene.url(), "SELECT count(*) FROM outbox").await, 1);

    // Nor does it end another's replay.
    db.execute("UPDATE trails SET is_replaying = list = 2", &[]).await.unwrap();
    scene.app.store.end_replay(1, App::random(), scene.app.clock.now()).await.unwrap();
    assert_eq!(count(scene.url(), "SELECT count(*) FROM trails WHERE list = 2 AND is_replaying").await, 1);
}
