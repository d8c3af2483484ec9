//! Access records: which operator looked at whose data, or had it written out.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::rows::{number, unsigned};
use super::{Store, StoreError, sql};
use crate::token::SubscriptionId;

/// What an operator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Evidence of one person's consent was asked for; of nobody's, where the address was on nobody's row.
    Evidence(Option<SubscriptionId>),
    Export,
    /// One person was looked for by address, and found here.
    Look(SubscriptionId),
    /// One person was looked for by address, and found nowhere.
    LookInVain,
    /// One person was erased, at their request.
    Erase(SubscriptionId),
    LogIn,
    /// The operator said that they keep personal data confidential.
    Confidentiality,
    /// Operators were added, removed, or given other roles.
    Operators,
    /// A token was made or ended.
    Token,
    /// A feed was read; once an hour and reader.
    Feed,
    /// A list's webhooks were changed.
    Webhook,
    /// A list's settings or notice were changed.
    Settings,
}

impl Access {
    /// What it is called on record, and whom it is about.
    pub(super) fn parts(self) -> (&'static str, Option<SubscriptionId>) {
        match self {
            Access::Evidence(subject) => ("evidence", subject),
            Access::Export => ("export", None),
            Access::Look(subject) => ("look", Some(subject)),
            Access::LookInVain => ("look", None),
            Access::Erase(subject) => ("erase", Some(subject)),
            Access::LogIn => ("log_in", None),
            Access::Confidentiality => ("confidentiality", None),
            Access::Operators => ("operators", None),
            Access::Token => ("token", None),
            Access::Feed => ("feed", None),
            Access::Webhook => ("webhook", None),
            Access::Settings => ("settings", None),
        }
    }
}

/// What stands on record of one access.
#[derive(Clone, Debug)]
pub struct Record {
    pub number: i64,
    /// 0 where it was about no list.
    pub list: u32,
    pub at: Timestamp,
    pub operator: String,
    pub act: String,
    /// Whether it was about somebody who is still there.
    pub is_about_somebody: bool,
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
        let (act, subject) = access.parts();
        let subject = subject.as_ref().map(|id| id.0.as_slice());
        let client = self.client().await?;
        client.execute(sql::INSERT_ACCESS_RECORD, &[&number(list), &at, &operator, &act, &subject]).await?;
        Ok(())
    }

    /// The newest records of these lists (0 for those of none), before the one numbered `before`.
    pub async fn access_records(
        &self,
        lists: &[u32],
        before: i64,
        most: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let lists: Vec<i32> = lists.iter().map(|list| number(*list)).collect();
        let client = self.client().await?;
        let rows = client.query(sql::SELECT_ACCESS_RECORDS, &[&lists, &before, &i64::from(most)]).await?;
        rows.iter().map(record).collect()
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

fn record(row: &Row) -> Result<Record, StoreError> {
    Ok(Record {
        number: row.try_get("record")?,
        list: unsigned(row, "list")?,
        at: row.try_get("at")?,
        operator: row.try_get("operator")?,
        act: row.try_get("act")?,
        is_about_somebody: row.try_get("is_about_somebody")?,
    })
}
