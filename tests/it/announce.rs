//! `optin notice announce`: whoever agreed to an earlier text is told of the new one, once, whatever becomes of the
//! command.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::house::{connect, database, until};
use crate::process::{Process, optin};
use crate::serve::site::{Relay, Site, count};

/// How many sign up; every tenth of them does not confirm.
const PEOPLE: usize = 30;
const SUBSCRIBED: i64 = 27;

const TOLD: &str = "SELECT count(*) FROM subscriptions WHERE announced IS NOT NULL";

/// A list of many, one of whom is paused, and its relay.
async fn many() -> (Site, Relay) {
    let (url, relay) = (database(true).await, Relay::open().await);
    let site = Site::ready(&url, relay.port).await;
    site.settle(PEOPLE).await;
    let pause = "UPDATE subscriptions SET state = 3
                 WHERE ctid = (SELECT ctid FROM subscriptions WHERE state = 2 LIMIT 1)";
    assert_eq!(connect(&url).await.execute(pause, &[]).await.unwrap(), 1);
    (site, relay)
}

fn url(site: &Site) -> &str {
    &site.settings["OPTIN_DATABASE_URL"]
}

fn announce(site: &Site, rate: &str) -> Process {
    Process::start(optin(&["notice", "announce", "news", "--rate", rate], &site.settings))
}

/// Whom the letters that have come reached, in so many.
fn reached(relay: &Relay) -> (usize, BTreeSet<String>) {
    let letters = relay.letters();
    (letters.len(), letters.into_iter().map(|letter| letter.to).collect())
}

#[tokio::test]
async fn p_msg_7_everybody_is_told_of_a_new_text_once_though_the_telling_is_killed_and_begun_again() {
    let (site, relay) = many().await;
    let _replica = site.serve().await;
    site.publish("Something else.", true).await;
    let mut process = announce(&site, "10");
    until("a first handful", async || count(url(&site), TOLD).await > 0).await;
    process.end_by(Signal::SIGKILL).await;
    let told = count(url(&site), TOLD).await;
    assert!(told < SUBSCRIBED, "it was killed midway");

    let said = site.run(&["notice", "announce", "news", "--rate", "1000"]).await;
    let rest = SUBSCRIBED - told;
    let last = format!("\n{rest} people will be told: the letters go out while `optin serve` runs\n");
    assert!(said.success().ends_with(&last), "{}", said.out);
    assert!(
        said.out.starts_with(&format!("To be told of version 2 of the notice of `news`: {rest} people. ")),
        "{}",
        said.out
    );
    until("all letters", async || relay.letters().len() == SUBSCRIBED as usize).await;
    let (letters, people) = reached(&relay);
    assert_eq!((letters, people.len()), (27, 27), "each once, who is paused too");
    assert!(!people.contains("person0@example.org"), "who has not confirmed agreed to nothing");
    assert!(relay.letters()[0].subject.starts_with("Do you agree to the new text?"));
    let said = site.run(&["notice", "announce", "news"]).await;
    assert!(said.success().starts_with("There is nobody to tell: everybody on `news` has"), "{}", said.out);

    // Of the next version everybody is told anew, by two who set about it at once.
    site.publish("Something else, told better.", true).await;
    let announce = || site.run(&["notice", "announce", "news", "--rate", "1000"]);
    // Both have looked whom to tell before either has.
    let holder = connect(url(&site)).await;
    holder.batch_execute("BEGIN; SELECT FROM subscriptions FOR UPDATE").await.unwrap();
    let release = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("two that wait", async || count(url(&site), waiting).await == 2).await;
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let both = tokio::join!(announce(), announce(), release);
    let counted = |said: &str| {
        let line = said.lines().last().unwrap();
        if line.starts_with("There is nobody") { 0 } else { line.split(' ').next().unwrap().parse().unwrap() }
    };
    let (one, other): (i64, i64) = (counted(both.0.success()), counted(both.1.success()));
    assert_eq!(one + other, SUBSCRIBED);
    until("all letters", async || relay.letters().len() == 2 * SUBSCRIBED as usize).await;
    until("an empty outbox", async || count(url(&site), "SELECT count(*) FROM outbox").await == 0).await;
    assert_eq!(reached(&relay), (54, people));
}

#[tokio::test]
async fn letters_are_queued_at_their_rate_and_a_signal_ends_it_after_the_handful_under_way() {
    let (site, _relay) = many().await;
    site.publish("Something else.", true).await;
    let mut process = announce(&site, "1");
    until("a first handful", async || count(url(&site), TOLD).await > 0).await;
    let ended = process.end_by(Signal::SIGTERM).await;
    let (told, (out, err)) = (count(url(&site), TOLD).await, process.said());
    assert_eq!(ended.code(), Some(1));
    assert!(out.ends_with("At 1 letter a second that takes 27 seconds.\n"), "{out}");
    let says = format!(
        "optin: stopped when {told} of 27 people were to be told; run the same command again to go on"
    );
    assert!(err.starts_with(&says) && err.lines().count() == 1, "{err}");
    let outbox = "SELECT count(*) FROM outbox WHERE kind = 7";
    assert_eq!(count(url(&site), outbox).await, told, "who is noted as told has a letter that waits");

    // Three handfuls in ten a second: however fast the database is, it takes two seconds.
    connect(url(&site)).await.execute("UPDATE subscriptions SET announced = NULL", &[]).await.unwrap();
    let began = Instant::now();
    site.run(&["notice", "announce", "news"]).await.success();
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(
        count(url(&site), outbox).await,
        27,
        "a letter that waited is told of the newest text, and no second one"
    );
}

#[tokio::test]
async fn what_cannot_be_announced_is_refused_with_the_reason() {
    let (site, _relay) = many().await;
    let announce = async |more: &[&str]| site.run(&[&["notice", "announce"], more].concat()).await;
    assert!(announce(&["news"]).await.success().contains("has agreed to version 1 of its notice"));
    assert!(announce(&["nobodys"]).await.refusal().contains("there is no list `nobodys`"));
    site.publish("The same, told better.", false).await;
    for rate in ["0", "1001", "-1", "fast"] {
        let said = announce(&["news", &format!("--rate={rate}")]).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
        assert!(said.err.contains("--rate <N>"), "{}", said.err);
    }
    assert_eq!(count(url(&site), TOLD).await, 0);
    site.run(&["list", "close", "news", "--yes"]).await.success();
    assert!(announce(&["news"]).await.refusal().contains("`news` is closed for ever"));
}
