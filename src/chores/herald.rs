//! The herald: tells webhooks that a list's feed has news, and nothing of whom it is about. What is new, the receiver reads
//! from the feed.
//!
//! A call is leased, as letters are: any number of services make it once, and when one dies another makes it again, under
//! the same name. There is one call at a time for a webhook, however much news there is meanwhile.

mod target;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::App;
use crate::consent::webhook::{Secret, Target};
use crate::store::StoreError;
use crate::store::webhooks::{Call, open_secrets};
use target::{Outcome, post};

/// How often to look for news.
const LOOK: Duration = Duration::from_millis(400);
/// Calls at once.
const CALLS: usize = 32;
/// A call ends within fifteen seconds; what a herald who died was about to say is said after so long.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Between two calls of one webhook.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);
/// When a list is held, that is, being brought up to its mirror.
const HELD: SignedDuration = SignedDuration::from_secs(5);
/// After how many seconds a call is tried again: Standard Webhooks' schedule. After the last it is given up.
const AGAIN: [i64; 7] = [5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600];

/// Calls until `shutdown`; what is under way then may end.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let mut calls = JoinSet::new();
    while !shutdown.is_cancelled() {
        while calls.try_join_next().is_some() {}
        let now = app.clock.now();
        let leased = match calls.len() < CALLS {
            true => app.store.lease_webhook(now, now + LEASE, App::random()).await,
            false => Ok(None),
        };
        match leased {
            Ok(Some(call)) => _ = calls.spawn(make(app.clone(), call)),
            Ok(None) => _ = shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await,
            Err(error) => {
                tracing::debug!(%error, "webhooks cannot be read");
                _ = shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            }
        }
    }
    calls.join_all().await;
}

async fn make(app: Arc<App>, call: Call) {
    if let Err(error) = try_to_make(&app, &call).await {
        // The lease runs out by itself, and it is called again.
        tracing::warn!(%error, "what became of a webhook's call could not be noted");
    }
}

async fn try_to_make(app: &App, call: &Call) -> Result<(), StoreError> {
    let now = app.clock.now();
    if app.store.is_held(call.list).await? {
        return app.store.postpone_call(call, now + HELD).await;
    }
    // Looked up before the call: what comes while it is made is told by the next.
    let end = app.store.feed_end(call.list, now).await?;
    let Ok(target) = Target::parse(&call.url, &app.webhook_networks) else {
        return give_up(app, call, now, "forbidden").await;
    };
    let secrets = open_secrets(&app.keys, call);
    if secrets.is_empty() {
        return give_up(app, call, now, "no_secret").await;
    }
    let outcome = post(&target, &app.webhook_networks, headers(call, &secrets, now), body(call)).await;
    let now = app.clock.now();
    match (outcome, again(call.attempts)) {
        (Outcome::Taken, _) => app.store.finish_call(call, &end, now + PAUSE).await,
        (Outcome::Gone, _) => give_up(app, call, now, "gone").await,
        (Outcome::Failed(fault), Some(again)) => app.store.delay_call(call, now + again, &fault, None).await,
        (Outcome::Failed(fault), None) => give_up(app, call, now, &fault).await,
    }
}

/// Makes no more calls of a webhook, until its secret is another. Of its URL the log has the host alone: there may be a
/// secret in the rest.
async fn give_up(app: &App, call: &Call, now: Timestamp, fault: &str) -> Result<(), StoreError> {
    let url = Url::parse(&call.url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    tracing::warn!(host, fault, "a webhook was given up");
    app.store.delay_call(call, now, fault, Some(now)).await
}

/// How long after so many tries.
fn again(attempts: u32) -> Option<SignedDuration> {
    let tried = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
    AGAIN.get(tried).copied().map(SignedDuration::from_secs)
}

fn body(call: &Call) -> String {
    json!({ "type": "feed.news", "timestamp": call.since.to_string(), "data": { "list": call.slug } })
        .to_string()
}

/// The specification's three headers. The time is the try's, so that receivers can refuse what is old.
fn headers(call: &Call, secrets: &[Secret], now: Timestamp) -> [(&'static str, String); 3] {
    let id = format!("msg_{}", data_encoding::HEXLOWER.encode(&call.name));
    let body = body(call);
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(&id, now, &body)).collect();
    [
        ("webhook-id", id),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_tried_for_more_than_a_day_and_then_given_up() {
        let tries: Vec<_> = (1..).map_while(again).collect();
        assert_eq!((tries[0].as_secs(), tries[1].as_secs()), (5, 300));
        let all = tries.iter().fold(SignedDuration::ZERO, |sum, next| sum + *next);
        assert!((24..48).contains(&all.as_hours()), "{all}");
        assert_eq!((again(8), again(u32::MAX)), (None, None));
    }
}
