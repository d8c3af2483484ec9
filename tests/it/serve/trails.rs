//! A trail as others check it: against the running service, by the program that they would use.

use super::site::{Relay, Replica, Site, count};
use crate::house::{connect, database, until};

/// A running service with three people on its list, whose trail is sealed, and the file with an auditor's token.
async fn served() -> (Site, Relay, Replica, String) {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let replica = site.serve().await;
    for n in 0..3 {
        let email = format!("person{n}@example.org");
        replica.sign_up(&email).await;
        assert_eq!(replica.press(&relay.confirm_link(&email).await).await, 200);
    }
    let token = site.path("token");
    std::fs::write(&token, site.run(&["operator", "token", "olga"]).await.success()).unwrap();
    sealed(&url).await;
    (site, relay, replica, token)
}

async fn sealed(url: &str) {
    let waiting = "SELECT count(*) FROM trail_entries WHERE index IS NULL";
    until("a sealed trail", async || count(url, waiting).await == 0).await;
}

#[tokio::test]
async fn p_msg_6_whoever_changes_takes_out_or_swaps_what_is_on_record_is_found_out_by_anybody_who_looks() {
    let (site, _relay, replica, token) = served().await;
    let trail = format!("{}/trails/news", replica.url);
    let verify = ["trail", "verify", &trail, "--token-file", &token];
    assert!(site.run(&verify).await.success().starts_with("whole: "));

    // Without a token nobody reads an entry, and nobody reads more than the public checkpoint signs for.
    assert_eq!(replica.get("/trails/news/tile/entries/000.p/1").await.0, 403);
    assert_eq!(replica.get("/trails/news/tile/0/000.p/4").await.0, 404);

    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    for meddling in [
        "UPDATE trail_entries SET entry = set_byte(entry, 69, get_byte(entry, 69) # 1) WHERE index = 2",
        "DELETE FROM trail_entries WHERE index = 3",
        "UPDATE trail_entries SET index = CASE index WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE index END WHERE index = 1
             OR index = 2",
        "UPDATE trail_tiles SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)",
        "UPDATE trails SET checkpoint = replace(checkpoint, E'\\n4\\n', E'\\n3\\n')",
    ] {
        db.batch_execute("CREATE TABLE kept AS TABLE trail_entries; CREATE TABLE kept_tiles AS TABLE trail_tiles; CREATE TABLE kept_trails AS TABLE trails").await.unwrap();
        // In one statement where two indices change places: the constraint looks at each row.
        db.batch_execute("ALTER TABLE trail_entries DROP CONSTRAINT trail_entries_index").await.unwrap();
        assert!(db.execute(meddling, &[]).await.unwrap() > 0, "{meddling}");
        let said = site.run(&verify).await;
        assert_eq!(said.code, Some(1), "{meddling}: {}", said.out);
        db.batch_execute(
            "TRUNCATE trail_entries, trail_tiles, trails; INSERT INTO trail_entries TABLE kept;
             INSERT INTO trail_tiles TABLE kept_tiles; INSERT INTO trails TABLE kept_trails;
             DROP TABLE kept, kept_tiles, kept_trails;
             ALTER TABLE trail_entries ADD CONSTRAINT trail_entries_index UNIQUE (list, index)",
        )
        .await
        .unwrap();
    }
    assert!(site.run(&verify).await.success().starts_with("whole: "));
}

#[tokio::test]
async fn an_act_is_in_a_signed_checkpoint_soon_and_a_mirror_follows_it() {
    let (site, _relay, replica, token) = served().await;
    let (url, trail) = (&site.settings["OPTIN_DATABASE_URL"], format!("{}/trails/news", replica.url));
    let mirror = site.path("mirror");
    let follow = ["trail", "mirror", &mirror, "--from", &trail, "--token-file", &token];
    site.run(&follow).await.success();
    site.export(&[]).await.success();
    sealed(url).await;
    site.run(&follow).await.success();
    let said = site.run(&["trail", "verify", &mirror]).await;
    assert!(said.success().contains("6 entries"), "a notice, three people, an export's two: {}", said.out);
}

#[tokio::test]
async fn the_database_is_verified_too_by_the_key_of_the_settings() {
    let (site, _relay, _replica, _) = served().await;
    let verify = ["trail", "verify", "--list", "news"];
    let said = site.run(&verify).await;
    assert!(
        said.success().contains(": 4 entries, each as the signed root has it") && !said.out.contains("trust")
    );
    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    let meddling =
        "UPDATE trail_entries SET entry = set_byte(entry, 69, get_byte(entry, 69) # 1) WHERE index = 2";
    assert_eq!(db.execute(meddling, &[]).await.unwrap(), 1);
    let said = site.run(&verify).await;
    let line = "not whole: tile/entries/000.p/4: entry 2 is not the one that the tree holds\n";
    assert_eq!((said.code, said.out.as_str()), (Some(1), line));
    let said = site.run(&["trail", "verify", "--list", "nothing"]).await;
    assert!(said.refusal().contains("there is no list `nothing`"));
    assert_eq!(site.run(&["trail", "verify", "--list", "news", "--tiles", "."]).await.code, Some(2));
}
