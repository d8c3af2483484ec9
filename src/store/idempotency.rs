//! Idempotency keys: which request came with a key within the last day. They go with the person whom the request was
//! about, in the same statement.

use jiff::{SignedDuration, Timestamp};

use super::rows::{fixed, number};
use super::{Store, StoreError, sql};
use crate::token::SubscriptionId;

/// How long a key is known.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A key and the request that came with it, each as an HMAC.
pub struct KeyUse {
    pub key: [u8; 32],
    pub request: [u8; 32],
}

impl Store {
    /// The request that came with this key within the last day.
    pub async fn earlier_request(
        &self,
        list: u32,
        used: &KeyUse,
        at: Timestamp,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::FIND_IDEMPOTENCY_KEY).await?;
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&number(list), &used.key.as_slice(), &(at - KEPT)];
        let row = client.query_opt(&statement, &given).await?;
        row.map(|row| fixed(&row, "request")).transpose()
    }

    /// Notes that a request about this subscription came with a key.
    pub async fn note_key(
        &self,
        list: u32,
        used: &KeyUse,
        id: SubscriptionId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::INSERT_IDEMPOTENCY_KEY).await?;
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&number(list), &used.key.as_slice(), &used.request.as_slice(), &id.0.as_slice(), &at];
        client.execute(&statement, &given).await?;
        Ok(())
    }

    /// Forgets keys that are a day old, and those of whom there is no row any more: a signup was replaced, or its person
    /// left in the very moment in which the key was noted.
    pub async fn forget_keys(&self, at: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::DELETE_IDEMPOTENCY_KEYS, &[&(at - KEPT)]).await?;
        Ok(())
    }
}
