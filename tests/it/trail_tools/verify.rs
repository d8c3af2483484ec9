//! `optin trail verify`.

use std::fs;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::web::{Manners, Web};
use super::{Log, NAME, SIZE, faults, flip, sign, text, trail, write_whole};

const TOKEN: Manners = Manners { token: Some("auditor"), pause: std::time::Duration::ZERO, instead: None };

fn folder(size: u64) -> TempDir {
    let dir = tempdir().unwrap();
    if size == SIZE {
        write_whole(dir.path())
    } else {
        Log::of(size).write(dir.path())
    }
    dir
}

#[tokio::test]
async fn a_whole_log_is_found_whole_in_a_folder_and_on_the_web() {
    for size in [0, 1, 255, 256, 257, SIZE] {
        let dir = folder(size);
        let web = Web::over(dir.path(), Manners::default()).await;
        for source in [text(dir.path()), &web.url] {
            let said = trail(&["verify", source, "--key", &Log::of(1).key()]).await;
            let noun = if size == 1 { "entry" } else { "entries" };
            let line = format!(
                "whole: {NAME}: {size} {noun}, each as the signed root has it; events, hours and exports add up\n"
            );
            assert_eq!(said.success(), line, "{source}");
            assert_eq!(said.err, "");
        }
    }
}

#[tokio::test]
async fn a_key_that_nobody_gave_is_taken_on_trust_and_the_line_says_so() {
    let dir = folder(300);
    let said = trail(&["verify", text(dir.path())]).await;
    assert!(said.success().ends_with("add up (the source's own key was taken on trust)\n"), "{}", said.out);
    let other = Log { seed: [8; 32], ..Log::of(1) }.key();
    let said = trail(&["verify", text(dir.path()), "--key", &other]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(1), "not whole: key: it is not the key that was given\n")
    );
    fs::remove_file(dir.path().join("key")).unwrap();
    let said = trail(&["verify", text(dir.path())]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(1), "not readable: key cannot be read: it is not there\n")
    );
    let said = trail(&["verify", text(dir.path()), "--key", &Log::of(1).key()]).await;
    assert!(said.success().starts_with("whole"));
}

#[tokio::test]
async fn entries_that_only_auditors_may_read_are_told_to_be_unchecked() {
    let dir = folder(SIZE);
    // A fault that hashes do not show.
    flip(dir.path(), "tile/entries/003", 40);
    let web = Web::over(dir.path(), TOKEN).await;
    let said = trail(&["verify", &web.url]).await;
    assert!(said.success().contains("; entries were not checked: none are readable here"), "{}", said.out);
    let file = dir.path().join("token");
    fs::write(&file, "auditor\n").unwrap();
    let said = trail(&["verify", &web.url, "--token-file", text(&file)]).await;
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out, "not whole: tile/entries/003: entry 768 is not the one that the tree holds\n");
    fs::write(&file, "stranger\n").unwrap();
    let said = trail(&["verify", &web.url, "--token-file", text(&file)]).await;
    assert_eq!(said.code, Some(1));
    let line =
        "not readable: tile/entries/000 cannot be read: the source gives the entries to auditors alone";
    assert!(said.out.starts_with(line), "{}", said.out);
    assert!(!(said.out + &said.err).contains("stranger"));
}

#[tokio::test]
async fn each_fault_is_named_with_its_place() {
    for fault in faults() {
        let dir = folder(SIZE);
        (fault.make)(dir.path());
        let said = trail(&["verify", text(dir.path())]).await;
        assert_eq!(
            (said.code, said.out),
            (Some(1), format!("not whole: {}\n", fault.said)),
            "{}",
            fault.name
        );
        let web = Web::over(dir.path(), Manners::default()).await;
        let said = trail(&["verify", &web.url, "--json"]).await;
        let told: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((&told["verdict"], &told["fault"]), (&json!("not whole"), &json!(fault.said)));
        assert_eq!((said.code, &told["place"]), (Some(1), &json!(fault.place)), "{}", fault.name);
    }
}

#[tokio::test]
async fn without_entries_a_fault_at_the_edge_is_still_named() {
    let dir = folder(SIZE);
    fs::remove_dir_all(dir.path().join("tile/entries")).unwrap();
    assert!(trail(&["verify", text(dir.path())]).await.success().contains("not checked"));
    flip(dir.path(), "tile/0/011.p/184", 32 * 7);
    let said = trail(&["verify", text(dir.path())]).await;
    let line = "not whole: tile/0/011.p/184: it does not lead to the checkpoint's root\n";
    assert_eq!((said.code, said.out.as_str()), (Some(1), line));
}

/// A tree of three levels of tiles, the middle one with a full tile.
#[tokio::test]
async fn tiles_above_tiles_are_checked_too() {
    let dir = folder(65_541);
    fs::remove_dir_all(dir.path().join("tile/entries")).unwrap();
    assert!(trail(&["verify", text(dir.path())]).await.success().starts_with("whole: "));
    let mut last = None;
    for (file, byte, what) in [
        ("tile/1/000", 32 * 200, "it is not what tile/2/000.p/1 was made of"),
        ("tile/2/000.p/1", 31, "hash 0 is not that of tile/1/000"),
        ("tile/0/200", 5, "it is not what tile/1/000 was made of"),
    ] {
        if let Some((file, byte)) = last.replace((file, byte)) {
            flip(dir.path(), file, byte);
        }
        flip(dir.path(), file, byte);
        let said = trail(&["verify", text(dir.path())]).await;
        assert_eq!((said.code, said.out), (Some(1), format!("not whole: {file}: {what}\n")));
    }
}

#[tokio::test]
async fn hours_may_run_backwards_by_as_much_as_is_allowed() {
    let dir = folder(SIZE);
    let hour = 500_000 + 2_500 / 40;
    let entry = super::at_hour(optin::trail::entry::Event::Confirmed, hour - 2, super::digest(2_500));
    Log::of(SIZE).with(2_500, entry).write(dir.path());
    assert_eq!(trail(&["verify", text(dir.path())]).await.code, Some(1));
    assert!(trail(&["verify", text(dir.path()), "--skew-hours", "2"]).await.success().starts_with("whole"));
}

#[tokio::test]
async fn the_facts_come_as_json_too() {
    let dir = folder(SIZE);
    let log = Log::of(SIZE);
    let said = trail(&["verify", text(dir.path()), "--json"]).await;
    let root = log.checkpoint().lines().nth(2).unwrap().to_owned();
    let told: Value = serde_json::from_str(said.success()).unwrap();
    assert_eq!(
        told,
        json!({
            "verdict": "whole",
            "key": log.key(),
            "key_on_trust": true,
            "origin": NAME,
            "size": SIZE,
            "root": root,
            "entries_checked": true,
            "events": {
                "confirmed": 1950, "withdrawn": 960, "notice_published": 30, "export_began": 30, "exported": 30,
            },
        })
    );
}

#[tokio::test]
async fn two_checkpoints_of_one_log_go_on_from_one_another() {
    let dir = tempdir().unwrap();
    let log = Log::of(SIZE);
    log.write(dir.path());
    let key = log.key();
    let put = |name: &str, note: String| {
        fs::write(dir.path().join(name), note).unwrap();
        dir.path().join(name).to_str().unwrap().to_owned()
    };
    let newest = put("newest", log.checkpoint());
    for size in [0, 1, 256, 700, 2_816, 2_999, 3_000] {
        let older = put("older", log.first(size).checkpoint());
        for (one, other) in [(&older, &newest), (&newest, &older)] {
            let said = trail(&["verify", one, other, "--tiles", text(dir.path()), "--key", &key]).await;
            let line = format!(
                "whole: {NAME}: 3000 entries, which go on from the {size} of the earlier checkpoint\n"
            );
            assert_eq!(said.success(), line);
        }
        let forked = put("forked", sign(NAME, size, [1; 32], &log.signer()));
        let said = trail(&["verify", &forked, &newest, "--tiles", text(dir.path()), "--key", &key]).await;
        let line = format!(
            "not whole: checkpoint: a log of {size} entries became another one of 3000 entries: a fork\n"
        );
        assert_eq!((said.code, said.out), (Some(1), line));
    }
    // Both are older than the tiles.
    let (one, other) =
        (put("one", log.first(1_000).checkpoint()), put("other", log.first(2_900).checkpoint()));
    let said = trail(&["verify", &one, &other, "--tiles", text(dir.path())]).await;
    assert!(said.success().contains("2900 entries, which go on from the 1000"), "{}", said.out);
    // One alone, with its tiles, is a whole log.
    let said = trail(&["verify", &other, "--tiles", text(dir.path()), "--key", &key]).await;
    assert!(said.success().contains("2900 entries, each as the signed root has it"), "{}", said.out);
    // Of one size they need no tiles.
    assert!(trail(&["verify", &one, &one, "--key", &key]).await.success().starts_with("whole"));
    let forked = put("forked", sign(NAME, 1_000, [1; 32], &log.signer()));
    assert_eq!(trail(&["verify", &one, &forked, "--key", &key]).await.code, Some(1));
}

#[tokio::test]
async fn what_makes_no_sense_is_wrong_usage() {
    let dir = folder(300);
    let file = dir.path().join("checkpoint");
    let older = dir.path().join("older");
    fs::write(&older, Log::of(200).checkpoint()).unwrap();
    let (folder, file, older, key) = (text(dir.path()), text(&file), text(&older), Log::of(1).key());
    for arguments in [
        &["verify"][..],
        &["verify", file],
        &["verify", file, "--key", &key],
        &["verify", file, older],
        &["verify", file, older, "--key", &key],
        &["verify", folder, file],
        &["verify", folder, "--tiles", folder],
        &["verify", folder, "--key", "nonsense"],
        &["verify", folder, "--token-file", "/nowhere"],
        &["verify", "http://optin.example/trails/news"],
        &["verify", "https://user:secret@optin.example/trails/news"],
        &["mirror", folder, "--from", folder],
        &["mirror", folder],
    ] {
        let said = trail(arguments).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {}", said.err);
        assert!(!said.err.is_empty());
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_not_called_wrong() {
    let dir = tempdir().unwrap();
    let key = Log::of(1).key();
    let unreadable = async |source: &str, why: &str| {
        let said = trail(&["verify", source, "--key", &key]).await;
        assert_eq!((said.code, said.err.as_str()), (Some(1), ""));
        let line = said.out.strip_prefix("not readable: ").expect(&said.out);
        assert!(line.contains(why) && !line.contains("127.0.0.1"), "{line}");
    };
    unreadable(text(dir.path()), "checkpoint cannot be read: it is not there").await;
    unreadable(text(&dir.path().join("nothing")), "checkpoint cannot be read: it is not there").await;
    let web = Web::over(dir.path(), Manners::default()).await;
    unreadable(&web.url, "checkpoint cannot be read: it is not there").await;
    let url = web.url.clone();
    drop(web);
    unreadable(&url, "key cannot be read: ").await;
    for (instead, why) in [
        ("302 Found\r\nlocation: /elsewhere", "the answer is a redirect, and none is followed"),
        ("503 Service Unavailable", "the answer is HTTP status 503"),
    ] {
        let web = Web::over(dir.path(), Manners { instead: Some(instead), ..Manners::default() }).await;
        unreadable(&web.url, why).await;
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let dir = tempdir().unwrap();
    let manners = Manners { instead: Some("200 OK"), ..Manners::default() };
    let web = Web::over(dir.path(), manners).await;
    let said = trail(&["verify", &web.url]).await;
    let line = "not whole: key: larger than the 1024 bytes that it may have\n";
    assert_eq!((said.code, said.out.as_str()), (Some(1), line));
}
