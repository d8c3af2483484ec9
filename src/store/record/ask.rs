//! Letters that are asked for by address.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row as SqlRow;

use super::{Applied, Change, Client, column, seconds};
use crate::consent::change::{Ask, Asked};
use crate::consent::subscription::{AskOutcome, on_ask};
use crate::store::outbox::LetterKind;
use crate::store::rows::{id, number};
use crate::store::{StoreError, sql};
use crate::token::SubscriptionId;

/// What was asked for, and when a letter of that kind was last owed.
type Last = (Asked, Timestamp);

impl Change for Ask {
    /// Who asks in two ways at once is served in two rounds.
    type Key = SubscriptionId;
    type Outcome = AskOutcome;
    type After = Last;
    const NO_ROW: AskOutcome = AskOutcome::NoRow;

    fn list(&self) -> u32 {
        Ask::list(self)
    }

    fn key(&self) -> SubscriptionId {
        self.id()
    }

    async fn apply(client: &Client, list: u32, batch: &[&Ask]) -> Result<Applied<Ask>, StoreError> {
        let statement = client.prepare_cached(sql::APPLY_ASKS).await?;
        let rows = client
            .query(
                &statement,
                &[
                    &number(list),
                    &column(batch, |ask| ask.id().0.to_vec()),
                    &column(batch, |ask| letter(ask.kind()) as i16),
                    &column(batch, |ask| ask.at()),
                    &(LetterKind::DataLink as i16),
                    &(LetterKind::LeaveLink as i16),
                    &column(batch, |ask| seconds(ask.kind().again())),
                ],
            )
            .await?;
        let kinds: HashMap<_, _> = batch.iter().map(|ask| (ask.id(), ask.kind())).collect();
        rows.iter().map(|row| answer(row, &kinds)).collect()
    }

    fn settle(&self, after: Option<&(AskOutcome, Last)>) -> Option<AskOutcome> {
        match after {
            None => Some(AskOutcome::NoRow),
            Some((_, (kind, asked_at))) if *kind == self.kind() => {
                let outcome = on_ask(Some(*asked_at), self.at(), self.kind().again());
                (outcome == AskOutcome::CoolingDown).then_some(outcome)
            }
            Some(_) => None,
        }
    }
}

fn answer(
    row: &SqlRow,
    kinds: &HashMap<SubscriptionId, Asked>,
) -> Result<(SubscriptionId, (AskOutcome, Last)), StoreError> {
    let id = id(row, "id")?;
    let kind = *kinds.get(&id).ok_or(StoreError::Malformed("an ask's id"))?;
    let outcome = if row.try_get("owed")? { AskOutcome::Owed } else { AskOutcome::CoolingDown };
    Ok((id, (outcome, (kind, row.try_get("asked_at")?))))
}

fn letter(kind: Asked) -> LetterKind {
    match kind {
        Asked::Data => LetterKind::DataLink,
        Asked::Leave | Asked::LeaveByMail => LetterKind::LeaveLink,
    }
}
