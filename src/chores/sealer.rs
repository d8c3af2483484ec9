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
    let seal = Seal::new(links.host(), keys, at);
    for list in store.trails_to_seal(at).await? {
        match seal_one(store, list, &seal).await {
            // Told when the service began; a list that waits for its replay would fill the log.
            Err(StoreError::Held) => tracing::debug!(list, "held"),
            // One bad trail keeps no other from being sealed.
            Err(error) => tracing::error!(%error, list, "a trail could not be sealed"),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Handful by handful, until the trail grows no more.
async fn seal_one(store: &Store, list: u32, seal: &Seal<'_>) -> Result<(), StoreError> {
    let mut before = None;
    while let Some(size) = store.seal(list, seal).await?.filter(|size| before != Some(*size)) {
        before = Some(size);
    }
    Ok(())
}
