//! The sealer: what acts have left in a list's trail becomes a part of its signed log, within a second.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::seal::Seal;
use crate::store::{Store, StoreError};

/// How often to look.
const EVERY: Duration = Duration::from_millis(250);

/// Seals until `shutdown`. Several services may seal one database.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = seal(&app).await {
            // The next round tries again: all that is to be sealed waits in the database.
            tracing::warn!(%error, "a trail could not be sealed");
        }
        _ = shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
}

/// One round: seals whatever waits. A list whose turn another service has is left to it.
pub async fn seal(app: &App) -> Result<(), StoreError> {
    seal_all(&app.store, &app.keys, &app.links, app.clock.now()).await
}

/// The same, for a command that has no service.
pub async fn seal_all(store: &Store, keys: &KeyRing, links: &Links, at: Timestamp) -> Result<(), StoreError> {
    let seal = Seal { host: links.host(), seed: keys.trail_seed(), at };
    loop {
        let mut moved = false;
        for list in store.trails_to_seal(at).await? {
            moved |= store.seal(list, &seal).await?.is_some();
        }
        if !moved {
            return Ok(());
        }
    }
}
