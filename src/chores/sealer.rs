//! The sealer: what acts have left in a list's trail becomes a part of its signed log, within a second.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::store::StoreError;
use crate::store::seal::Seal;

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
    loop {
        let seal = Seal { host: app.links.host(), seed: app.keys.trail_seed(), at: app.clock.now() };
        let lists = app.store.trails_to_seal(seal.at).await?;
        let mut moved = false;
        for list in lists {
            moved |= app.store.seal(list, &seal).await?.is_some();
        }
        if !moved {
            return Ok(());
        }
    }
}
