//! Applying the rarer acts.

use std::collections::HashMap;

use tokio_postgres::Row as SqlRow;
use tokio_postgres::error::SqlState;

use super::{Applied, Change, Client, column};
use crate::consent::change::{Owed, Rewrite};
use crate::consent::subscription::RewriteOutcome;
use crate::store::outbox::LetterKind;
use crate::store::rows::{id, number};
use crate::store::{StoreError, sql};
use crate::token::SubscriptionId;

impl Change for Rewrite {
    type Key = SubscriptionId;
    type Outcome = RewriteOutcome;
    type After = ();
    const NO_ROW: RewriteOutcome = RewriteOutcome::NoRow;

    fn list(&self) -> u32 {
        Rewrite::list(self)
    }

    fn key(&self) -> SubscriptionId {
        self.id()
    }

    async fn apply(client: &Client, list: u32, batch: &[&Rewrite]) -> Result<Applied<Rewrite>, StoreError> {
        let statement = client.prepare_cached(sql::APPLY_REWRITES).await?;
        let rows = client
            .query(
                &statement,
                &[
                    &number(list),
                    &column(batch, |rewrite| rewrite.id().0.to_vec()),
                    &column(batch, |rewrite| rewrite.read().to_vec()),
                    &column(batch, |rewrite| rewrite.from().bits()),
                    &column(batch, |rewrite| rewrite.to().map(|state| state as i16)),
                    &column(batch, |rewrite| rewrite.seal().to_vec()),
                    &column(batch, |rewrite| rewrite.withdrawn().to_vec()),
                    &column(batch, |rewrite| rewrite.correction_expires_at()),
                    &column(batch, |rewrite| rewrite.confirmed_at()),
                    &column(batch, |rewrite| rewrite.address_key().map(|key| key.to_vec())),
                    &column(batch, |rewrite| rewrite.notice().map(number)),
                    &column(batch, |rewrite| rewrite.lang().map(str::to_owned)),
                    &column(batch, |rewrite| rewrite.entry().map(|entry| entry.to_vec())),
                    &column(batch, |rewrite| rewrite.owed().map(|(owed, _)| letter(owed) as i16)),
                    &column(batch, |rewrite| rewrite.owed().map(|(_, at)| at)),
                    &column(batch, |rewrite| rewrite.shows()),
                ],
            )
            .await;
        match (rows.map_err(StoreError::from), batch) {
            (Ok(rows), _) => rows.iter().map(rewrite_answer).collect(),
            // Only a new address can break a unique index here; in company, the door halves the batch first.
            (Err(StoreError::Refused(state)), [alone]) if state == SqlState::UNIQUE_VIOLATION.code() => {
                Ok(HashMap::from([(alone.id(), (RewriteOutcome::Taken, ()))]))
            }
            (Err(error), _) => Err(error),
        }
    }

    fn settle(&self, after: Option<&(RewriteOutcome, ())>) -> Option<RewriteOutcome> {
        match after {
            None => Some(RewriteOutcome::NoRow),
            // What came first has closed the seal anew.
            Some((RewriteOutcome::Done, ())) => Some(RewriteOutcome::Stale),
            Some(_) => None,
        }
    }
}

fn rewrite_answer(row: &SqlRow) -> Result<(SubscriptionId, (RewriteOutcome, ())), StoreError> {
    let outcome = match (row.try_get("changed")?, row.try_get("is_fresh")?) {
        (true, _) => RewriteOutcome::Done,
        (_, true) => RewriteOutcome::Spared,
        (_, false) => RewriteOutcome::Stale,
    };
    Ok((id(row, "id")?, (outcome, ())))
}

fn letter(owed: Owed) -> LetterKind {
    match owed {
        Owed::Correction => LetterKind::Correction,
        Owed::Receipt => LetterKind::Welcome,
    }
}
