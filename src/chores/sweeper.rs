//! The sweeper: erases what has outlived its time. Nobody is reminded of anything.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::acts::CorrectionError;
use crate::consent::change::{CannotCorrect, Erase, Held, Rewrite};
use crate::consent::person::Correction;
use crate::consent::subscription::RewriteOutcome;
use crate::store::{Store, StoreError};
use crate::token::SubscriptionId;

/// How often. An unconfirmed signup may outlive its `pending_ttl` by so much; its links are dead at once.
const EVERY: Duration = Duration::from_secs(600);
/// Erased at a time, well below what the write door lets wait.
const HANDFUL: u32 = 256;
/// How long the mark of a letter that was given up is kept, who had access to what, and which exports there were
/// (med-11).
const KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Sweeps until `shutdown`. Several services may sweep one database.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "not everything could be swept; the next round will");
        }
        _ = shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
}

/// One round.
pub async fn sweep(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let held = held_lists(&app.store).await?;
    loop {
        let expired = app.store.expired_signups(now, &held, HANDFUL).await?;
        if erase(&app.store, &expired, |list, id| Erase::expired(list, id, now)).await? < HANDFUL {
            break;
        }
    }
    empty_closed_lists(&app.store, now).await?;
    app.store.forget_dead_letters(now - KEPT).await?;
    app.store.forget_subjects().await?;
    app.store.forget_access_records(now - KEPT).await?;
    app.store.forget_logins(now).await?;
    app.store.forget_exports(now - KEPT).await?;
    app.store.forget_keys(now).await?;
    app.store.settle_feeds(now).await?;
    forget_news(app, &held, now).await?;
    drop_expired_corrections(app, now).await
}

/// Forgets what has left each list's feed. A list that is held begins another when it is free.
async fn forget_news(app: &App, held: &[u32], now: Timestamp) -> Result<(), StoreError> {
    for list in app.store.lists().await? {
        if !held.contains(&list.number) {
            app.store.forget_news(list.number, list.options.feed_days, now).await?;
        }
    }
    Ok(())
}

/// Lists of a restored database: who seems not to have confirmed in time may have, as their mirror knows.
async fn held_lists(store: &Store) -> Result<Vec<u32>, StoreError> {
    let mut held = Vec::new();
    for list in store.lists().await? {
        if store.is_held(list.number).await? {
            held.push(list.number);
        }
    }
    Ok(held)
}

/// Forgets new addresses that nobody confirmed in time: they may be anybody's. A row that cannot be opened keeps no other
/// from it.
async fn drop_expired_corrections(app: &App, now: Timestamp) -> Result<(), StoreError> {
    loop {
        let expired = app.store.expired_corrections(now, HANDFUL).await?;
        let mut dropped = 0;
        for (list, id) in &expired {
            dropped += u32::from(drop_correction(app, *list, *id, now).await?);
        }
        if expired.len() < HANDFUL as usize || dropped == 0 {
            return Ok(());
        }
    }
}

/// Whether an address was there to be forgotten.
async fn drop_correction(
    app: &App,
    list: u32,
    id: SubscriptionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let drop = |held: &Held<'_>, nonce| {
        let has_expired = |correction: &Correction| correction.expires_at <= now;
        Ok::<_, CorrectionError>(Rewrite::drop_correction(&app.keys, held, nonce, has_expired)?)
    };
    match app.rewrite(list, id, drop).await {
        Ok(outcome) => Ok(outcome == RewriteOutcome::Done),
        // Another address was entered meanwhile.
        Err(CorrectionError::Cannot(CannotCorrect::NoneWaits)) => Ok(false),
        Err(CorrectionError::Store(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "a new address that has expired could not be forgotten");
            Ok(false)
        }
    }
}

/// Erases whoever is on a closed list, and returns how many that were. A signup that was under way when the list was
/// closed is found by a later round.
pub async fn empty_closed_lists(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut erased = 0;
    loop {
        let rows = store.rows_of_closed_lists(HANDFUL).await?;
        let count = erase(store, &rows, |list, id| Erase::closed(list, id, now)).await?;
        erased += u64::from(count);
        if count < HANDFUL {
            return Ok(erased);
        }
    }
}

async fn erase(
    store: &Store,
    rows: &[(u32, SubscriptionId)],
    change: impl Fn(u32, SubscriptionId) -> Erase,
) -> Result<u32, StoreError> {
    let outcomes = try_join_all(rows.iter().map(|&(list, id)| store.erase(change(list, id)))).await?;
    Ok(outcomes.len() as u32)
}
