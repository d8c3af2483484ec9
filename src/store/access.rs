//! Access records: which operator looked at whose data, or had it written out.

use jiff::Timestamp;

use super::rows::number;
use super::{Store, StoreError, sql};
use crate::token::SubscriptionId;

/// What an operator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Evidence of one person's consent was asked for; of nobody's, where the address was on nobody's row.
    Evidence(Option<SubscriptionId>),
    Export,
}

impl Store {
    /// Puts an access on record. To be done before anything is shown.
    pub async fn record_access(
        &self,
        list: u32,
        operator: &str,
        access: Access,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (act, subject) = match access {
            Access::Evidence(subject) => ("evidence", subject),
            Access::Export => ("export", None),
        };
        let subject = subject.as_ref().map(|id| id.0.as_slice());
        let client = self.client().await?;
        client.execute(sql::INSERT_ACCESS_RECORD, &[&number(list), &at, &operator, &act, &subject]).await?;
        Ok(())
    }

    /// Forgets whom records are about, where there is no such subscription any more.
    pub async fn forget_subjects(&self) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::UPDATE_ACCESS_RECORDS, &[]).await?;
        Ok(())
    }

    /// Forgets the records from before `before`.
    pub async fn forget_access_records(&self, before: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::DELETE_ACCESS_RECORDS, &[&before]).await?;
        Ok(())
    }
}
