//! The only folder that speaks SQL.

pub mod cluster;
mod door;
mod error;
pub mod export;
mod fingerprints;
mod lists;
pub mod migrate;
mod operators;
pub mod outbox;
mod pool;
pub mod record;
pub mod sql;
mod subscriptions;

pub use error::StoreError;
pub use fingerprints::RingMismatch;
pub use subscriptions::Subscription;

use deadpool_postgres::{Object, Pool};

use crate::consent::change::{Confirm, Erase, Signup};
use crate::consent::subscription::{ConfirmOutcome, EraseOutcome, SignupOutcome};
use door::Door;

/// The database, as everything above this floor sees it. Share it behind an `Arc`; it keeps its own connections.
pub struct Store {
    pool: Pool,
    signups: Door<Signup>,
    confirms: Door<Confirm>,
    erasures: Door<Erase>,
}

impl Store {
    /// Opens the database at `url` (`postgresql://…`). Connects only when first asked, so a database that is down
    /// is not an error here. Needs a running Tokio runtime for the write door's tasks.
    pub fn open(url: &str) -> Result<Store, StoreError> {
        let pool = pool::open(url)?;
        Ok(Store {
            signups: Door::open(pool.clone()),
            confirms: Door::open(pool.clone()),
            erasures: Door::open(pool.clone()),
            pool,
        })
    }

    /// Writes a signup, together with others that wait. Returns after its commit.
    pub async fn sign_up(&self, signup: Signup) -> Result<SignupOutcome, StoreError> {
        self.signups.pass(signup).await
    }

    /// Writes a confirmation, together with others that wait. Returns after its commit.
    pub async fn confirm(&self, confirm: Confirm) -> Result<ConfirmOutcome, StoreError> {
        self.confirms.pass(confirm).await
    }

    /// Erases a subscription, together with others that wait. Returns after its commit.
    pub async fn erase(&self, erase: Erase) -> Result<EraseOutcome, StoreError> {
        self.erasures.pass(erase).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client().await?.batch_execute("SELECT 1").await?;
        Ok(())
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}
