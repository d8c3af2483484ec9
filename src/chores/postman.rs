//! The postman: takes letters from the outbox, renders each from its row as it then is, and hands it to the relay.
//!
//! A letter is leased, not locked: no transaction is open while the relay takes its time, and when a postman dies
//! the lease runs out and another takes the letter. Crash points: after the lease (the letter comes due again),
//! after the relay's yes and before the row is deleted (the letter goes twice, under one Message-ID).

mod letter;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::consent::notice::Notice;
use crate::consent::subscription::{DATA_LINK_FOR, SUBSCRIBED, State};
use crate::mail::letters::Letter;
use crate::mail::mailer::{Line, SendError};
use crate::store::outbox::{Lease, LetterKind};
use crate::store::{StoreError, Subscription};
use crate::token::SubscriptionId;
use letter::{Written, write};

/// Connections to the relay.
const WORKERS: usize = 4;
/// What a postman who died was carrying comes due again after so long …
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// … so one who lives, at a relay that takes its time, renews the lease this often.
const RENEW: Duration = Duration::from_secs(20);
/// How often to look for letters that come due by themselves: retries, and what another service left behind.
const LOOK: Duration = Duration::from_millis(500);
/// A letter that was just queued goes out within this, at a random moment: whoever signs an address up and watches how
/// busy the service is next shall not learn from it whether that address got a letter.
const SPREAD: Duration = Duration::from_millis(200);
/// After so long a letter that was not delivered is given up …
const GIVE_UP: SignedDuration = SignedDuration::from_hours(24);
/// … unless it was hardly tried, as where its domain's pace made it wait.
const TRIES: u32 = 3;
/// The first retry's delay; each further one doubles it …
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(5);
/// … up to this.
const LAST_RETRY: SignedDuration = SignedDuration::from_mins(15);

/// Delivers until `shutdown`; what is under way then may end.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(work(app.clone(), shutdown.clone()));
    }
    workers.join_all().await;
}

async fn work(app: Arc<App>, shutdown: CancellationToken) {
    let mut line = app.mailer.line();
    while !shutdown.is_cancelled() {
        let now = app.clock.now();
        let leased = app.store.lease_letter(now, now + LEASE).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the outbox cannot be read");
            None
        });
        let Some(lease) = leased else {
            _ = shutdown.run_until_cancelled(nap(&app)).await;
            continue;
        };
        if let Err(error) = deliver(&app, &mut line, lease).await {
            // The lease runs out by itself, and the letter is tried again.
            tracing::warn!(%error, "what became of a letter could not be noted");
        }
    }
    line.close().await;
}

/// Waits for the next letter, or until it is time to look.
async fn nap(app: &App) {
    if tokio::time::timeout(LOOK, app.letters_wait.notified()).await.is_ok() {
        tokio::time::sleep(SPREAD * u32::from(u16::from_be_bytes(App::random())) / u32::from(u16::MAX)).await;
    }
}

async fn deliver(app: &App, line: &mut Line, mut lease: Lease) -> Result<(), StoreError> {
    let Some(subscription) = app.store.find_subscription(lease.list, lease.subscription).await? else {
        return app.store.finish_letter(&lease).await;
    };
    let Some((list, current)) = app.store.find_list_by_number(lease.list).await? else {
        return app.store.finish_letter(&lease).await;
    };
    if app.store.is_held(lease.list).await? {
        return set_aside(app, &lease, "4.3.2").await;
    }
    if list.is_closed || !is_still_owed(app, &lease, &subscription, &current) {
        return app.store.finish_letter(&lease).await;
    }
    // A panic costs this letter, and not the service: its words may be an operator's own, and its names from a file.
    let written = AssertUnwindSafe(write(app, &lease, &list, &current, &subscription)).catch_unwind().await;
    let letter = match written.unwrap_or_else(|_| Err("it panicked".into())) {
        Ok(Written::Letter(letter)) => letter,
        // A sealer is behind: the letter goes with its receipt, or not at all.
        Ok(Written::NotYet) => return set_aside(app, &lease, "4.3.2").await,
        Ok(Written::NotOwed) => return app.store.finish_letter(&lease).await,
        Err(error) => {
            tracing::error!(%error, "a letter could not be written");
            return set_aside(app, &lease, "4.3.5").await;
        }
    };
    if let Err(back_at) = app.pace.take_turn(&letter.to, app.clock.now()) {
        return app.store.postpone_letter(&lease, back_at).await;
    }
    match send(app, line, &mut lease, &letter).await {
        Ok(()) | Err(SendError::Unwanted) => app.store.finish_letter(&lease).await,
        Err(SendError::Later { status }) => set_aside(app, &lease, &status).await,
        Err(SendError::Refused { status }) => {
            tracing::warn!(status, "the relay refused a letter for good");
            app.note_bounce(lease.list, lease.subscription, &status).await?;
            app.store.bury_letter(&lease, app.clock.now(), &status).await
        }
    }
}

/// Hands the letter to the relay, and keeps the lease meanwhile.
async fn send(app: &App, line: &mut Line, lease: &mut Lease, letter: &Letter) -> Result<(), SendError> {
    let wanted = is_there(app, lease.list, lease.subscription);
    let mut sent = pin!(line.send(&letter.from, &letter.to, &letter.bytes, wanted));
    loop {
        match tokio::time::timeout(RENEW, &mut sent).await {
            Ok(sent) => return sent,
            // Not renewed, the letter may go twice, under one Message-ID: better than breaking off now.
            Err(_) => _ = app.store.renew_lease(lease, app.clock.now() + LEASE).await,
        }
    }
}

/// It may have waited, for the log or for the relay: whoever left meanwhile gets none.
async fn is_there(app: &App, list: u32, id: SubscriptionId) -> Result<(), SendError> {
    match app.store.find_subscription(list, id).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(SendError::Unwanted),
        Err(_) => Err(SendError::Later { status: "4.3.0".to_owned() }),
    }
}

/// A letter goes only to somebody who is still in the state that it speaks of, and only while its links work.
fn is_still_owed(app: &App, lease: &Lease, subscription: &Subscription, current: &Notice) -> bool {
    let (row, now) = (&subscription.row, app.clock.now());
    match lease.kind {
        LetterKind::Confirmation => row.state == State::Pending && row.expires_at > now,
        LetterKind::AlreadySubscribed | LetterKind::Welcome | LetterKind::Correction => {
            SUBSCRIBED.has(row.state)
        }
        LetterKind::NoticeChange => {
            SUBSCRIBED.has(row.state) && subscription.notice.version < current.version
        }
        LetterKind::DataLink => lease.queued_at + DATA_LINK_FOR > now,
        LetterKind::LeaveLink => true,
    }
}

/// Tries again later, or gives the letter up when it has waited too long.
async fn set_aside(app: &App, lease: &Lease, status: &str) -> Result<(), StoreError> {
    let now = app.clock.now();
    if now >= lease.queued_at + GIVE_UP && lease.attempts >= TRIES {
        tracing::warn!(status, "a letter was given up");
        return app.store.bury_letter(lease, now, status).await;
    }
    app.store.delay_letter(lease, now + retry_after(lease.attempts, App::random()), status).await
}

/// Doubles with each attempt, and is spread by half either way, so that letters which failed together do not all
/// come back together.
fn retry_after(attempts: u32, random: [u8; 2]) -> SignedDuration {
    let base = FIRST_RETRY.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LAST_RETRY);
    base / 2 + base * i32::from(u16::from_be_bytes(random)) / i32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_double_are_spread_and_stay_bounded() {
        let (low, high) = ([0, 0], [255, 255]);
        assert_eq!(retry_after(1, low), FIRST_RETRY / 2);
        assert_eq!(retry_after(1, high), FIRST_RETRY * 3 / 2);
        assert_eq!(retry_after(3, low), FIRST_RETRY * 2);
        assert_eq!(retry_after(u32::MAX, high), LAST_RETRY * 3 / 2);
    }
}
