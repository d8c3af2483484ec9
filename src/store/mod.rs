//! The only folder that speaks SQL.

pub mod access;
pub mod cluster;
mod door;
mod error;
pub mod export;
mod exported;
pub mod feed;
mod fingerprints;
pub mod idempotency;
mod lists;
pub mod migrate;
pub mod mirrors;
pub mod operators;
pub mod outbox;
mod pool;
pub mod proof;
pub mod record;
pub mod replay;
mod rows;
pub mod seal;
pub mod sessions;
pub mod sql;
mod subscriptions;
pub mod tallies;
pub mod trail;
pub mod webhooks;

pub use error::StoreError;
pub use fingerprints::RingMismatch;
pub use lists::{Count, NextNotice};
pub use subscriptions::Subscription;

use std::time::Duration;

use deadpool_postgres::{Object, Pool};

use crate::consent::change::{Ask, Confirm, Erase, Restore, Rewrite, Signup};
use crate::consent::subscription::{
    AskOutcome, ConfirmOutcome, EraseOutcome, RestoreOutcome, RewriteOutcome, SignupOutcome,
};
use crate::consent::undo::Gone;
use door::Door;
use mirrors::Mirrors;
use pool::Use;

/// How often somebody else may come between one look at a row and its writing.
pub const LOOKS: u32 = 5;

/// The database, as everything above this floor sees it. Share it behind an `Arc`; it keeps its own connections.
pub struct Store {
    readers: Pool,
    writers: Pool,
    signups: Door<Signup>,
    confirms: Door<Confirm>,
    erasures: Door<Erase>,
    restores: Door<Restore>,
    rewrites: Door<Rewrite>,
    asks: Door<Ask>,
    mirrors: Option<Mirrors>,
}

impl Store {
    /// Opens the database at `url` (`postgresql://…`). Connects only when first asked, so a database that is down
    /// is not an error here. Needs a running Tokio runtime for the write door's tasks.
    pub fn open(url: &str) -> Result<Store, StoreError> {
        let writers = pool::open(url, Use::Writing)?;
        Ok(Store {
            readers: pool::open(url, Use::Reading)?,
            signups: Door::open(writers.clone()),
            confirms: Door::open(writers.clone()),
            erasures: Door::open(writers.clone()),
            restores: Door::open(writers.clone()),
            rewrites: Door::open(writers.clone()),
            asks: Door::open(writers.clone()),
            writers,
            mirrors: None,
        })
    }

    /// The same, held for lists whose log is behind its mirror.
    pub fn beside(self, mirrors: Option<Mirrors>) -> Store {
        Store { mirrors, ..self }
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
        let (outcome, _) = self.erasures.pass(erase).await?;
        Ok(outcome)
    }

    /// As [`Store::erase`], and hands back what was erased, as it was at that very moment.
    pub async fn erase_handing_back(&self, erase: Erase) -> Result<(EraseOutcome, Option<Gone>), StoreError> {
        self.erasures.pass(erase.handing_back()).await
    }

    /// Puts a row back that was erased, together with others that wait. Returns after its commit.
    pub async fn restore(&self, restore: Restore) -> Result<RestoreOutcome, StoreError> {
        for _ in 0..LOOKS {
            match self.restores.pass(restore.clone()).await? {
                RestoreOutcome::Stale => {}
                outcome => return Ok(outcome),
            }
        }
        Err(StoreError::Collision)
    }

    /// Writes a rarer act, together with others that wait. Returns after its commit.
    pub async fn rewrite(&self, rewrite: Rewrite) -> Result<RewriteOutcome, StoreError> {
        self.rewrites.pass(rewrite).await
    }

    /// Puts a letter into the outbox that was asked for by address, together with others that wait. Returns after its
    /// commit, which costs the same for an address that is not known.
    pub async fn ask(&self, ask: Ask) -> Result<AskOutcome, StoreError> {
        self.asks.pass(ask).await
    }

    /// Whether the database answers, within two seconds.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ask = async { Ok(self.client().await?.batch_execute("SELECT 1").await?) };
        tokio::time::timeout(Duration::from_secs(2), ask).await.unwrap_or(Err(StoreError::Unavailable))
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.readers.get().await?)
    }

    /// For statements that write, and go by index alone.
    async fn writer(&self) -> Result<Object, StoreError> {
        Ok(self.writers.get().await?)
    }
}
