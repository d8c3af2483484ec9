//! A mirror that is killed at any moment goes on as if it had not been.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::tempdir;

use super::web::{Manners, Web};
use super::{Log, SIZE, files, text, trail};
use crate::process::{Process, optin};

/// Starts a mirror, and kills it when it has asked so often, a moment later. Whether it had ended by itself.
async fn kill(copy: &Path, web: &Web, requests: u64, pause: Duration) -> bool {
    let until = web.served() + requests;
    let arguments = ["trail", "mirror", text(copy), "--from", &web.url];
    let mut process = Process::start(optin(&arguments, &BTreeMap::new()));
    while web.served() < until && process.runs() {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    tokio::time::sleep(pause).await;
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
        while !kill(copy.path(), &web, requests, Duration::ZERO).await {
            is_readable(copy.path()).await;
            requests += 1;
            assert!(requests < 100, "each run fetches what the ones before have not");
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
async fn a_mirror_that_was_killed_while_it_took_over_goes_on() {
    let (earlier, later, uninterrupted) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    Log::of(700).write(earlier.path());
    Log::of(SIZE).write(later.path());
    let begin = Web::over(earlier.path(), Manners::default()).await;
    let manners = Manners { pause: Duration::from_millis(5), ..Manners::default() };
    let web = Web::over(later.path(), manners).await;
    trail(&["mirror", text(uninterrupted.path()), "--from", &begin.url]).await.success();
    let before = web.served();
    trail(&["mirror", text(uninterrupted.path()), "--from", &web.url]).await.success();
    // After the last request it only writes.
    let requests = web.served() - before;
    let mut killed = 0;
    for n in 0..16 {
        let copy = tempdir().unwrap();
        trail(&["mirror", text(copy.path()), "--from", &begin.url]).await.success();
        let pause = Duration::from_micros(700 * n);
        killed += u32::from(!kill(copy.path(), &web, requests, pause).await);
        is_readable(copy.path()).await;
        trail(&["mirror", text(copy.path()), "--from", &web.url]).await.success();
        assert_eq!(files(copy.path()), files(uninterrupted.path()), "{n}");
    }
    assert!(killed > 0, "some were killed in time");
}
