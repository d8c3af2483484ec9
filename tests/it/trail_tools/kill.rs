//! A mirror that is killed at any moment goes on as if it had not been.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::{TempDir, tempdir};

use super::web::{Manners, Web};
use super::{Log, SIZE, files, text, trail, write_whole};
use crate::process::{Process, optin};

/// Starts a mirror, and kills it when it has asked so often. Whether it had ended by itself.
async fn kill(copy: &Path, web: &Web, requests: u64) -> bool {
    let until = web.served() + requests;
    let arguments = ["trail", "mirror", text(copy), "--from", &web.url];
    let mut process = Process::start(optin(&arguments, &BTreeMap::new()));
    while web.served() < until && process.runs() {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    let had_ended = !process.runs();
    if !had_ended {
        process.end_by(Signal::SIGKILL).await;
    }
    had_ended
}

/// What a reader of the mirror finds after a crash: nothing yet, or a whole log.
async fn is_readable(copy: &Path) {
    if copy.join("checkpoint").exists() {
        let said = trail(&["verify", text(copy)]).await;
        assert!(said.success().starts_with("whole"), "{}", said.out);
    }
}

#[tokio::test]
async fn a_mirror_that_was_killed_while_it_fetched_goes_on() {
    let (source, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let manners = Manners { pause: Duration::from_millis(2), ..Manners::default() };
    let web = Web::over(source.path(), manners).await;
    let log = Log::of(SIZE);
    for size in [700, SIZE] {
        log.first(size).write(source.path());
        // At the first request, the second, and so on, until it is through.
        let mut requests = 1;
        while !kill(copy.path(), &web, requests).await {
            is_readable(copy.path()).await;
            requests += 1;
            assert!(requests < 100, "a run has an end");
        }
        trail(&["mirror", text(copy.path()), "--from", &web.url]).await.success();
    }
    let uninterrupted = tempdir().unwrap();
    for size in [700, SIZE] {
        log.first(size).write(source.path());
        trail(&["mirror", text(uninterrupted.path()), "--from", &web.url]).await.success();
    }
    assert_eq!(files(copy.path()), files(uninterrupted.path()));
}

#[tokio::test]
async fn what_was_fetched_before_a_kill_is_not_fetched_again() {
    let source = tempdir().unwrap();
    write_whole(source.path());
    let web =
        Web::over(source.path(), Manners { pause: Duration::from_millis(2), ..Manners::default() }).await;
    let whole = async |copy: &Path| {
        let before = web.served();
        trail(&["mirror", text(copy), "--from", &web.url]).await.success();
        web.served() - before
    };
    let (copy, other) = (tempdir().unwrap(), tempdir().unwrap());
    let requests = whole(other.path()).await;
    assert!(!kill(copy.path(), &web, requests - 1).await);
    // Of the last that were asked for, some may not have come.
    let again = whole(copy.path()).await;
    assert!(again + 5 < requests, "{again} after {requests}");
}

/// A source of 700 entries and one of all.
struct Sources {
    earlier: Web,
    whole: Web,
    _dirs: [TempDir; 2],
}

impl Sources {
    async fn open() -> Sources {
        let dirs = [tempdir().unwrap(), tempdir().unwrap()];
        Log::of(700).write(dirs[0].path());
        write_whole(dirs[1].path());
        let earlier = Web::over(dirs[0].path(), Manners::default()).await;
        Sources { earlier, whole: Web::over(dirs[1].path(), Manners::default()).await, _dirs: dirs }
    }

    /// A mirror of the earlier.
    async fn mirrored(&self) -> TempDir {
        let copy = tempdir().unwrap();
        trail(&["mirror", text(copy.path()), "--from", &self.earlier.url]).await.success();
        copy
    }

    async fn finish(&self, copy: &Path) -> BTreeMap<String, Vec<u8>> {
        trail(&["mirror", text(copy), "--from", &self.whole.url]).await.success();
        files(copy)
    }
}

#[tokio::test]
async fn a_mirror_that_was_killed_while_it_took_over_goes_on() {
    let sources = Sources::open().await;
    let expected = sources.finish(sources.mirrored().await.path()).await;
    // From the first that is taken over to the last.
    for last in
        ["tile/0/002", "tile/entries/004", "tile/0/009", "tile/0/011.p/184", "tile/1/000.p/11", "checkpoint"]
    {
        let copy = sources.mirrored().await;
        let (path, before) = (copy.path().join(last), fs::read(copy.path().join("checkpoint")).unwrap());
        let arguments = ["trail", "mirror", text(copy.path()), "--from", &sources.whole.url];
        let mut process = Process::start(optin(&arguments, &BTreeMap::new()));
        // Without a pause, so as not to be late.
        while fs::read(&path).is_ok_and(|now| now == before) || !path.exists() {
            if !process.runs() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if process.runs() {
            process.end_by(Signal::SIGKILL).await;
        }
        is_readable(copy.path()).await;
        assert_eq!(sources.finish(copy.path()).await, expected, "{last}");
    }
}

#[tokio::test]
async fn what_cannot_be_taken_over_whole_leaves_the_log_that_is_held() {
    let sources = Sources::open().await;
    let expected = sources.finish(sources.mirrored().await.path()).await;
    let copy = sources.mirrored().await;
    let (obstacle, checkpoint) = (copy.path().join("tile/0/011.p"), files(copy.path())["checkpoint"].clone());
    fs::write(&obstacle, "no folder").unwrap();
    let said = trail(&["mirror", text(copy.path()), "--from", &sources.whole.url]).await;
    assert!(said.refusal().contains("tile/0/011.p/184 cannot be written: "), "{}", said.err);
    assert!(copy.path().join("tile/0/010").exists(), "others have been taken over");
    assert_eq!(files(copy.path())["checkpoint"], checkpoint);
    assert!(trail(&["verify", text(copy.path())]).await.success().contains(": 700 entries"));
    fs::remove_file(&obstacle).unwrap();
    assert_eq!(sources.finish(copy.path()).await, expected);
}

#[tokio::test]
async fn what_waits_is_checked_again_and_fetched_again_if_it_is_not_right() {
    let sources = Sources::open().await;
    let expected = sources.finish(sources.mirrored().await.path()).await;
    for (name, bytes) in
        [("tile/0/005", &[][..]), ("tile/0/005", &[1; 8_192]), ("tile/entries/006", &[0; 100])]
    {
        let copy = sources.mirrored().await;
        let path = copy.path().join(".half").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        assert_eq!(sources.finish(copy.path()).await, expected, "{name}");
    }
}
