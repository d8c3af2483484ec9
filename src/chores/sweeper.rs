//! The sweeper: erases what has outlived its time. Nobody is reminded of anything.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::consent::change::Erase;
use crate::store::StoreError;

/// How often. An unconfirmed signup may outlive its `pending_ttl` by so much; its links are dead at once.
const EVERY: Duration = Duration::from_secs(600);
/// Erased at a time, well below what the write door lets wait.
const HANDFUL: u32 = 256;
/// How long the mark of a letter that was given up is kept (med-11).
const DEAD_LETTERS: SignedDuration = SignedDuration::from_hours(60 * 24);

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
    loop {
        let expired = app.store.expired_signups(now, HANDFUL).await?;
        let erase = |&(list, id)| app.store.erase(Erase::expired(list, id, now));
        try_join_all(expired.iter().map(erase)).await?;
        if expired.len() < HANDFUL as usize {
            break;
        }
    }
    app.store.forget_dead_letters(now - DEAD_LETTERS).await
}
