//! `optin export`: in whose name, of what, and a file only when it is whole.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::site::{Relay, Site};
use optin::consent::operator::Role;

use crate::house::{connect, database, until};
use crate::process::{OPTIN, Process, optin, program, run};

#[tokio::test]
async fn an_export_is_made_in_the_name_of_an_operator_on_a_list_that_exists() {
    let site = Site::ready(&database(true).await, 1).await;
    let said = site.run(&["export", "nosuch", "--as", "olga"]).await;
    assert!(said.refusal().contains("no list `nosuch`"), "{}", said.err);
    let said = site.run(&["export", "news", "--as", "igor"]).await;
    assert!(said.refusal().contains("no operator `igor`"), "{}", said.err);
    for bad in ["Igor", "", "-igor", "igor smith"] {
        site.run(&["operator", "add", "--", bad]).await.refusal();
    }
    for (more, told) in [
        (&[][..], "igor is an operator: marketer on every list\n"),
        (&["--role", "auditor", "--list", "news"], "igor is an operator already: auditor on news\n"),
        // Whoever repeats a command takes nothing away.
        (&[], "igor is an operator already\n"),
    ] {
        let said = site.run(&[&["operator", "add", "igor"], more].concat()).await;
        assert_eq!(said.success(), told);
    }
    let app = site.app();
    let igor = app.store.operator("igor").await.unwrap().unwrap();
    assert_eq!(igor.grants, [(0, Role::Marketer), (1, Role::Auditor)]);
    site.run(&["operator", "revoke", "igor"]).await.success();
    let igor = app.store.operator("igor").await.unwrap().unwrap();
    assert_eq!(igor.grants, [(1, Role::Auditor)]);
    site.run(&["operator", "token", "igor", "--may", "look"]).await.refusal();
    site.run(&["operator", "remove", "igor"]).await.success();
    assert!(app.store.operator("igor").await.unwrap().is_none());
    site.run(&["operator", "remove", "igor"]).await.refusal();
    site.run(&["operator", "add", "igor", "--role", "auditor"]).await.success();
    let said = site.run(&["export", "news", "--as", "igor"]).await;
    assert!(said.refusal().contains("may not do that"), "{}", said.err);
    site.run(&["operator", "add", "igor", "--role", "marketer"]).await.success();
    site.run(&["export", "news", "--as", "igor"]).await.success();

    // Nobody is subscribed: a header line alone, and in JSON lines nothing.
    let said = site.export(&[]).await;
    assert_eq!((said.success().lines().count(), said.err.as_str()), (1, "0 rows exported\n"));
    assert!(said.out.starts_with("email,lang,confirmed_at,"));
    assert_eq!(site.export(&["--format", "jsonl"]).await.success(), "");
}

#[tokio::test]
async fn an_exports_file_appears_only_when_it_is_whole() {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    let replica = site.serve().await;
    for n in 0..3 {
        let email = format!("person{n}@example.org");
        assert_eq!(replica.sign_up(&email).await.status(), 200);
        assert_eq!(replica.press(&relay.confirm_link(&email).await).await, 200);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("news.csv");
    let out = ["--out", file.to_str().unwrap()];
    let names = || -> Vec<_> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };

    // As long as the rows do not come, nothing has the file's name.
    let db = connect(&url).await;
    db.batch_execute("BEGIN; LOCK TABLE subscriptions").await.unwrap();
    let arguments = [&["export", "news", "--as", "olga"], &out[..]].concat();
    let mut export = Process::start(optin(&arguments, &site.settings));
    until("a half file", async || names().iter().any(|name| name.ends_with(".half"))).await;
    assert!(!file.exists());
    db.batch_execute("COMMIT").await.unwrap();
    assert_eq!(export.end().await.code(), Some(0), "{}", export.said().1);
    assert_eq!(export.said(), (String::new(), "3 rows exported\n".into()));
    let both = ["news.csv", "news.csv.manifest.json"].map(str::to_owned);
    assert_eq!(names(), both);
    let whole = std::fs::read_to_string(&file).unwrap();
    assert_eq!(whole, site.export(&[]).await.success());
    assert_eq!((whole.lines().count(), whole.matches("@example.org").count()), (4, 3));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600, "it holds addresses");

    // Beside it stands what it is.
    let read = || std::fs::read(folder.path().join("news.csv.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&read()).unwrap();
    assert_eq!((&manifest["rows"], &manifest["finished"]), (&json!(3), &json!(true)));
    assert_eq!(manifest["sha256"], data_encoding::HEXLOWER.encode(&Sha256::digest(&whole)));
    let checkpoint = manifest["checkpoint"].as_str().unwrap();
    assert_eq!(checkpoint.lines().nth(1), Some(manifest["tree_size"].to_string().as_str()));
    let before = read();

    // One that breaks in the middle leaves the last good one alone, and nothing beside it.
    let broken =
        "UPDATE subscriptions SET seal = '\\x00' WHERE id = (SELECT max(id::text)::bytea FROM subscriptions)";
    assert_eq!(db.execute(broken, &[]).await.unwrap(), 1);
    let said = site.export(&out).await;
    assert!(said.refusal().contains("a row could not be opened: "), "{}", said.err);
    assert_eq!(names(), both);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), whole);

    assert_eq!(read(), before, "the manifest of the file that stands there");

    // Nor is the half file what somebody hears of who named a folder that is not there.
    let nowhere = folder.path().join("nowhere/news.csv").display().to_string();
    let said = site.export(&["--out", &nowhere]).await;
    let line = said.refusal();
    assert!(line.contains(&format!("{nowhere} cannot be written: ")) && !line.contains(".half"), "{line}");
}

#[tokio::test]
async fn an_export_that_finds_no_room_says_so() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    }
    let site = Site::ready(&database(true).await, 1).await;
    let mut shell = program("sh");
    shell.args(["-c", "exec \"$0\" export news --as olga >/dev/full", OPTIN]).envs(&site.settings);
    let said = run(shell).await;
    assert!(said.refusal().contains("the export could not be written: "), "{}", said.err);
}
