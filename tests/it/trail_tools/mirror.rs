//! `optin trail mirror`: what it copies, and what it refuses.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::tempdir;

use super::web::{Manners, Web};
use super::{Log, NAME, SIZE, faults, files, text, trail, write_whole};
use crate::process::{Process, Said, optin};

async fn mirror(into: &Path, from: &Web) -> Said {
    trail(&["mirror", text(into), "--from", &from.url]).await
}

/// What a refusal says after saying that nothing has changed.
#[track_caller]
fn refused(said: &Said) -> &str {
    let line = said.refusal();
    line.strip_prefix("optin: the mirror is left as it was: ").expect(line)
}

#[tokio::test]
async fn a_mirror_grows_with_its_log_and_is_the_same_bytes() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let web = Web::over(source.path(), Manners::default()).await;
    let log = Log::of(SIZE);
    let mut before = 0;
    for size in [0, 1, 200, 255, 256, 300, 511, 513, 2_900, SIZE] {
        log.first(size).write(source.path());
        let said = mirror(copy.path(), &web).await;
        let noun = if size == 1 { "entry" } else { "entries" };
        let line =
            format!("{NAME}: {size} {noun}, {} of them new; 0 entries behind the source", size - before);
        assert!(said.success().starts_with(&line), "{}", said.out);
        // All that the checkpoint tells of, and nothing but that and earlier partial tiles.
        let (original, copied) = (files(source.path()), files(copy.path()));
        let alone = tempdir().unwrap();
        log.first(size).write(alone.path());
        for (path, bytes) in files(alone.path()) {
            assert_eq!(copied.get(&path), Some(&bytes), "{path} at {size}");
        }
        assert!(copied.iter().all(|(path, bytes)| original.get(path) == Some(bytes)));
        assert!(trail(&["verify", text(copy.path())]).await.success().starts_with("whole"));
        before = size;
    }
    // A partial tile stays until its full one is there: readers who came with an earlier checkpoint still need it.
    let copied = files(copy.path());
    assert!(copied.contains_key("tile/0/011.p/84") && copied.contains_key("tile/entries/011.p/184"));
    assert!(
        !copied.keys().any(|path| path.starts_with("tile/0/000.p") || path.starts_with("tile/entries/001.p"))
    );
    // Nothing new is nothing done.
    assert!(mirror(copy.path(), &web).await.success().contains("3000 entries, 0 of them new"));
    assert_eq!(files(copy.path()), copied);
}

#[tokio::test]
async fn a_mirror_is_a_source_for_the_next() {
    let (source, copy, again) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    Log::of(SIZE).write(source.path());
    mirror(copy.path(), &Web::over(source.path(), Manners::default()).await).await.success();
    mirror(again.path(), &Web::over(copy.path(), Manners::default()).await).await.success();
    assert_eq!(files(again.path()), files(source.path()));
}

#[tokio::test]
async fn a_wrong_log_is_refused_and_nothing_of_it_written() {
    for fault in faults() {
        let (source, held, fresh) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
        let web = Web::over(source.path(), Manners::default()).await;
        // A mirror that holds the beginning, which is not yet wrong.
        Log::of(600).write(source.path());
        mirror(held.path(), &web).await.success();
        let before = files(held.path());
        write_whole(source.path());
        (fault.make)(source.path());
        let fresh = fresh.path().join("mirror");
        let said = mirror(&fresh, &web).await;
        assert_eq!(refused(&said), fault.said, "{}", fault.name);
        assert!(!fresh.exists(), "{}", fault.name);
        let said = mirror(held.path(), &web).await;
        // It does not ask again for what it holds, and is right without.
        if fault.name == "an empty tile" {
            said.success();
            continue;
        }
        let line = refused(&said);
        assert!(line == fault.said || fault.name == "another log's key", "{}: {line}", fault.name);
        assert_eq!(files(held.path()), before, "{}", fault.name);
        assert!(!held.path().join(".half").exists(), "{}", fault.name);
    }
}

#[tokio::test]
async fn a_log_that_is_not_the_one_held_is_refused() {
    let log = Log::of(1_000);
    let elsewhere = super::of(optin::trail::entry::Event::Withdrawn, 700, super::digest(0));
    let other = Log::of(SIZE).with(700, elsewhere);
    let fork = |now| format!("checkpoint: a log of 1000 entries became another one of {now} entries: a fork");
    let not_ours = "key: it is not the key of the log that this mirror holds".to_owned();
    for (now, said) in [
        (log.first(999), "checkpoint: the log had 1000 entries and now has 999: it was rolled back".into()),
        (log.first(0), "checkpoint: the log had 1000 entries and now has 0: it was rolled back".into()),
        (other.clone(), fork(3_000)),
        (other.first(1_000), fork(1_000)),
        (other.first(900), fork(900)),
        (Log { seed: [8; 32], ..Log::of(SIZE) }, not_ours.clone()),
        (Log { name: "news.example/trails/2", ..Log::of(SIZE) }, not_ours),
    ] {
        let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
        log.write(source.path());
        let first = Web::over(source.path(), Manners::default()).await;
        mirror(copy.path(), &first).await.success();
        let before = files(copy.path());
        let changed = tempdir().unwrap();
        now.write(changed.path());
        let web = Web::over(changed.path(), Manners::default()).await;
        assert_eq!(refused(&mirror(copy.path(), &web).await), said);
        assert_eq!(files(copy.path()), before);
        // The log that is held goes on as before.
        Log::of(SIZE).write(source.path());
        mirror(copy.path(), &first).await.success();
    }
}

#[tokio::test]
async fn another_key_than_the_given_is_refused() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    Log::of(300).write(source.path());
    let web = Web::over(source.path(), Manners::default()).await;
    let other = Log { seed: [8; 32], ..Log::of(1) }.key();
    let arguments = ["mirror", text(copy.path()), "--from", &web.url, "--key", &other];
    assert_eq!(refused(&trail(&arguments).await), "key: it is not the key that was given");
    assert!(files(copy.path()).is_empty());
    mirror(copy.path(), &web).await.success();
    assert!(refused(&trail(&arguments).await).starts_with("the mirror itself is damaged: key: "));
}

#[tokio::test]
async fn what_is_damaged_in_a_mirror_is_named_and_fetched_again_once_it_is_deleted() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    Log::of(SIZE).write(source.path());
    let web = Web::over(source.path(), Manners::default()).await;
    mirror(copy.path(), &web).await.success();
    for file in ["tile/0/003", "tile/entries/005", "tile/1/000.p/11", "tile/0/011.p/184", "checkpoint"] {
        super::flip(copy.path(), file, 100);
        let said = mirror(copy.path(), &web).await;
        let line = refused(&said);
        assert!(line.starts_with(&format!("the mirror itself is damaged: {file}: ")), "{line}");
        fs::remove_file(copy.path().join(file)).unwrap();
        mirror(copy.path(), &web).await.success();
        assert_eq!(files(copy.path()), files(source.path()));
    }
}

#[tokio::test]
async fn entries_are_mirrored_for_auditors_and_never_given_up_again() {
    let (source, copy, secret) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    Log::of(600).write(source.path());
    let web = Web::over(source.path(), Manners { token: Some("auditor"), ..Manners::default() }).await;
    let said = mirror(copy.path(), &web).await;
    assert!(said.success().contains("600 entries, by their hashes alone, 600 of them new"), "{}", said.out);
    assert!(!copy.path().join("tile/entries").exists());
    let token = secret.path().join("token");
    fs::write(&token, "auditor\n").unwrap();
    let with_token = ["mirror", text(copy.path()), "--from", &web.url, "--token-file", text(&token)];
    assert!(trail(&with_token).await.success().contains("600 entries, 0 of them new"));
    assert_eq!(files(copy.path()), files(source.path()));
    Log::of(SIZE).write(source.path());
    let said = mirror(copy.path(), &web).await;
    assert!(refused(&said).contains("see --token-file"), "{}", said.err);
    trail(&with_token).await.success();
    assert_eq!(files(copy.path())["checkpoint"], files(source.path())["checkpoint"]);
}

#[tokio::test]
async fn two_mirrors_do_not_share_a_folder() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let web = Web::over(source.path(), Manners::default()).await;
    let _other = fs::File::open(copy.path()).unwrap();
    _other.lock().unwrap();
    let said = mirror(copy.path(), &web).await;
    assert!(said.refusal().contains("another mirror is at work in "));
}

#[tokio::test]
async fn a_mirror_that_follows_says_what_it_does_and_ends_when_told_to() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let log = Log::of(SIZE);
    log.first(300).write(source.path());
    let web = Web::over(source.path(), Manners::default()).await;
    let command = optin(
        &["trail", "mirror", text(copy.path()), "--from", &web.url, "--follow"],
        &std::collections::BTreeMap::new(),
    );
    let mut follower = Process::start(command);
    let says = async |follower: &mut Process, what: &str| {
        let mut said = false;
        for _ in 0..3_000 {
            said = follower.said().0.contains(what);
            if said {
                break;
            }
            assert!(follower.runs(), "{:?}", follower.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(said, "{what}: {:?}", follower.said());
    };
    says(&mut follower, "300 entries, 300 of them new; 0 entries behind the source").await;
    // The newest log, of which a tile is not to be had just now.
    log.write(source.path());
    let (tile, away) = (source.path().join("tile/0/007"), source.path().join("away"));
    fs::rename(&tile, &away).unwrap();
    fs::create_dir(&tile).unwrap();
    says(&mut follower, "300 entries; 2700 entries behind the source, not level with it for 0 h: tile/0/007")
        .await;
    fs::remove_dir(&tile).unwrap();
    fs::rename(&away, &tile).unwrap();
    says(&mut follower, "3000 entries, 2700 of them new; 0 entries behind the source").await;
    assert!(follower.end_by(Signal::SIGTERM).await.success());
    assert_eq!(follower.said().0.lines().count(), 3);
    assert_eq!(follower.said().1, "");
    assert!(trail(&["verify", text(copy.path())]).await.success().starts_with("whole"));
}

#[tokio::test]
async fn a_mirror_that_follows_ends_with_1_when_the_log_turns_bad() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    Log::of(300).write(source.path());
    let web = Web::over(source.path(), Manners::default()).await;
    mirror(copy.path(), &web).await.success();
    let before = files(copy.path());
    Log::of(200).write(source.path());
    let said = trail(&["mirror", text(copy.path()), "--from", &web.url, "--follow"]).await;
    assert!(refused(&said).ends_with("it was rolled back"));
    assert_eq!(files(copy.path()), before);
}
