//! Mirrors that are not replayed, each told why.

use nix::sys::signal::Signal;

use super::{Scene, backup};
use crate::house::connect;
use crate::serve::site::{Site, form};

/// A restored database that is two people behind its mirror.
pub async fn behind() -> Scene {
    let mut scene = Scene::open().await;
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "ann@example.org").await;
    let file = backup::dump(&scene).await;
    for email in ["ben@example.org", "cid@example.org"] {
        scene.subscribe(&replica, email).await;
    }
    scene.mirror_all(&replica).await;
    replica.process.end_by(Signal::SIGTERM).await;
    scene.move_to(backup::restore(&scene, &file).await);
    scene
}

#[tokio::test]
async fn a_mirror_that_is_damaged_or_another_services_or_without_entries_changes_nothing() {
    if !backup::is_possible().await {
        return;
    }
    let mut scene = behind().await;
    let replay = async |scene: &Scene| scene.site.run(&["trail", "replay", &scene.mirror()]).await;
    let file = |name: &str| format!("{}/{name}", scene.mirror());
    let dump = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM
                (SELECT s::text FROM subscriptions s UNION ALL SELECT e::text FROM trail_entries e
                 UNION ALL SELECT t::text FROM trails t) AS t";
    let db = connect(scene.url()).await;
    let held = async || db.query_one(dump, &[]).await.unwrap().get::<_, String>(0);
    let before = held().await;

    assert!(scene.site.run(&["trail", "replay", "/nowhere"]).await.refusal().contains("not there"));

    let entries = file("tile/entries/000.p/4");
    let (whole, half) = (std::fs::read(&entries).unwrap(), file("kept"));
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    std::fs::write(&entries, &damaged).unwrap();
    let said = replay(&scene).await;
    assert!(said.refusal().contains("the mirror is damaged") && said.err.contains("entry 1"), "{}", said.err);
    std::fs::write(&entries, &whole).unwrap();

    std::fs::rename(file("tile/entries"), &half).unwrap();
    assert!(replay(&scene).await.refusal().contains("auditor's token"));
    std::fs::rename(&half, file("tile/entries")).unwrap();

    let checkpoint = std::fs::read_to_string(file("checkpoint")).unwrap();
    std::fs::write(file("checkpoint"), checkpoint.replace("\n4\n", "\n3\n")).unwrap();
    assert!(replay(&scene).await.refusal().contains("not of this service"));
    std::fs::write(file("checkpoint"), &checkpoint).unwrap();

    // Of another service: its key ring is another.
    let other = Site::new(scene.url(), 1).await;
    let keys =
        std::mem::replace(scene.site.settings.get_mut("OPTIN_KEYS_FILE").unwrap(), other.path("keys.toml"));
    assert!(replay(&scene).await.refusal().contains("key"));
    scene.site.settings.insert("OPTIN_KEYS_FILE", keys);

    assert_eq!(held().await, before, "nothing was changed");
    scene.replay().await;
}

#[tokio::test]
async fn a_database_that_was_signed_anew_since_it_was_restored_is_not_written_over() {
    if !backup::is_possible().await {
        return;
    }
    let scene = behind().await;
    // Nobody told the service of the mirror.
    let mut replica = scene.site.serve().await;
    scene.subscribe(&replica, "dan@example.org").await;
    let waiting = "SELECT count(*) = 0 FROM trail_entries WHERE index IS NULL";
    let db = connect(scene.url()).await;
    crate::house::until("a sealed trail", async || db.query_one(waiting, &[]).await.unwrap().get(0)).await;
    for more in [0, 2] {
        for n in 0..more {
            scene.subscribe(&replica, &format!("person{n}@example.org")).await;
        }
        crate::house::until("a sealed trail", async || db.query_one(waiting, &[]).await.unwrap().get(0))
            .await;
        let said = scene.site.run(&["trail", "replay", &scene.mirror()]).await;
        assert!(said.refusal().contains("signed anew"), "{}", said.err);
    }
    replica.process.end_by(Signal::SIGTERM).await;
}

#[tokio::test]
async fn a_list_that_is_younger_than_the_backup_is_made_again_before_its_mirror_is_replayed() {
    if !backup::is_possible().await {
        return;
    }
    let mut scene = Scene::open().await;
    let file = backup::dump(&scene).await;
    let news = std::fs::read_to_string("examples/news.toml").unwrap();
    std::fs::write(scene.site.path("young.toml"), news.replace("slug = \"news\"", "slug = \"young\""))
        .unwrap();
    let apply = ["list", "apply", &scene.site.path("young.toml")];
    scene.site.run(&apply).await.success();
    let mut replica = scene.site.serve().await;
    assert_eq!(replica.post("/lists/young", &form("ann@example.org")).await.status(), 200);
    assert_eq!(replica.press(&scene.relay.confirm_link("ann@example.org").await).await, 200);
    scene.mirror_all_of("young", &replica).await;
    replica.process.end_by(Signal::SIGTERM).await;

    scene.move_to(backup::restore(&scene, &file).await);
    let replay = async |scene: &Scene| scene.site.run(&["trail", "replay", &scene.mirror()]).await;
    assert!(replay(&scene).await.refusal().contains("no such list"));
    scene.site.run(&apply).await.success();
    // Before it has a log of its own it is held already.
    scene.site.settings.insert("OPTIN_TRAIL_MIRROR", scene.site.path("mirrors"));
    let export = ["export", "young", "--as", "olga"];
    assert!(scene.site.run(&export).await.refusal().contains("optin trail replay"));
    let said = replay(&scene).await;
    assert!(said.success().contains("; 1 person lost, "), "{}", said.out);
    assert_eq!(scene.site.run(&export).await.success().lines().count(), 1);
    scene.site.run(&["trail", "verify", "--list", "young"]).await.success();
}
