//! The only door that writes a subscription: each kind of change is one statement over arrays, which writes state,
//! trail entry and letters together, or nothing.
//!
//! The rules come from `consent::subscription` as parameters; the statements apply them.

mod announce;
mod ask;
mod rewrite;

pub use announce::Handful;

use std::collections::HashMap;
use std::hash::Hash;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row as SqlRow;
use tokio_postgres::error::SqlState;

use super::outbox::LetterKind;
use super::rows::{fixed, id, machine_row, number, state, unsigned};
use super::{StoreError, sql};
use crate::consent::change::{Confirm, Erase, Restore, Signup};
use crate::consent::figures;
use crate::consent::subscription::{
    self as rules, ConfirmOutcome, EraseOutcome, Place, RestoreOutcome, Row, SignupOutcome, State,
    on_confirm, on_erase, on_restore, on_signup,
};
use crate::consent::undo::Gone;
use crate::token::SubscriptionId;

type Client = deadpool_postgres::Client;

/// What a batch came to, by key: the outcome and the row after it.
pub(super) type Applied<C> = HashMap<<C as Change>::Key, (<C as Change>::Outcome, <C as Change>::After)>;

/// A kind of change that the door applies in batches.
pub(super) trait Change: Sized + Send + Sync + 'static {
    /// What a batch may hold once only.
    type Key: Copy + Eq + Hash + Send + Sync;
    type Outcome: Send + Sync;
    /// What is known of the row after the batch.
    type After: Send + Sync;

    fn list(&self) -> u32;
    fn key(&self) -> Self::Key;

    /// Applies changes of one list, each key once. The answer may lack keys that met no row.
    fn apply(
        client: &Client,
        list: u32,
        batch: &[&Self],
    ) -> impl Future<Output = Result<Applied<Self>, StoreError>> + Send;

    /// What a further change in the same batch meets: its outcome where it changes nothing, `None` where it has
    /// to be applied after all.
    fn settle(&self, after: Option<&(Self::Outcome, Self::After)>) -> Option<Self::Outcome>;

    /// The outcome of a change whose key met no row.
    const NO_ROW: Self::Outcome;
}

impl Change for Signup {
    type Key = [u8; 32];
    type Outcome = SignupOutcome;
    type After = Row;
    const NO_ROW: SignupOutcome = SignupOutcome::Asked;

    fn list(&self) -> u32 {
        Signup::list(self)
    }

    fn key(&self) -> [u8; 32] {
        *self.address_key()
    }

    async fn apply(client: &Client, list: u32, batch: &[&Signup]) -> Result<Applied<Signup>, StoreError> {
        let statement = client.prepare_cached(sql::APPLY_SIGNUPS).await?;
        let rows = client
            .query(
                &statement,
                &[
                    &number(list),
                    &column(batch, |signup| signup.id().0.to_vec()),
                    &column(batch, |signup| signup.address_key().to_vec()),
                    &column(batch, |signup| number(signup.notice())),
                    &column(batch, |signup| signup.lang().to_owned()),
                    &column(batch, |signup| signup.seal().to_vec()),
                    &column(batch, |signup| signup.reference().to_vec()),
                    &column(batch, |signup| signup.confirmed().to_vec()),
                    &column(batch, |signup| signup.withdrawn().to_vec()),
                    &column(batch, |signup| signup.at()),
                    &column(batch, |signup| signup.expires_at()),
                    &(State::Pending as i16),
                    &rules::REPLACEABLE.bits(),
                    &seconds(rules::COOL_DOWN),
                    &rules::SUBSCRIBED.bits(),
                    &seconds(rules::TELL_AGAIN),
                    &(LetterKind::Confirmation as i16),
                    &(LetterKind::AlreadySubscribed as i16),
                    &figures::SIGNUPS,
                ],
            )
            .await?;
        rows.iter().map(signup_answer).collect()
    }

    fn settle(&self, after: Option<&(SignupOutcome, Row)>) -> Option<SignupOutcome> {
        let outcome = on_signup(after.map(|(_, row)| row), self.at());
        matches!(outcome, SignupOutcome::CoolingDown | SignupOutcome::ToldBefore).then_some(outcome)
    }
}

fn signup_answer(row: &SqlRow) -> Result<([u8; 32], (SignupOutcome, Row)), StoreError> {
    let after = machine_row(row, true)?;
    let outcome = match (row.try_get("asked")?, row.try_get("told")?) {
        (true, _) => SignupOutcome::Asked,
        (_, true) => SignupOutcome::Told,
        _ if rules::SUBSCRIBED.has(after.state) => SignupOutcome::ToldBefore,
        _ => SignupOutcome::CoolingDown,
    };
    Ok((fixed(row, "address_key")?, (outcome, after)))
}

impl Change for Confirm {
    type Key = SubscriptionId;
    type Outcome = ConfirmOutcome;
    type After = Row;
    const NO_ROW: ConfirmOutcome = ConfirmOutcome::NoRow;

    fn list(&self) -> u32 {
        Confirm::list(self)
    }

    fn key(&self) -> SubscriptionId {
        self.id()
    }

    async fn apply(client: &Client, list: u32, batch: &[&Confirm]) -> Result<Applied<Confirm>, StoreError> {
        let statement = client.prepare_cached(sql::APPLY_CONFIRMS).await?;
        let rows = client
            .query(
                &statement,
                &[
                    &number(list),
                    &column(batch, |confirm| confirm.id().0.to_vec()),
                    &column(batch, |confirm| confirm.at()),
                    &column(batch, |confirm| confirm.entry_head().to_vec()),
                    &rules::CONFIRMABLE.bits(),
                    &(State::Active as i16),
                    &(LetterKind::Welcome as i16),
                    &figures::WAITS,
                    &figures::waits(),
                ],
            )
            .await?;
        let times: HashMap<_, _> = batch.iter().map(|confirm| (confirm.id(), confirm.at())).collect();
        rows.iter().map(|row| confirm_answer(row, &times)).collect()
    }

    fn settle(&self, after: Option<&(ConfirmOutcome, Row)>) -> Option<ConfirmOutcome> {
        let outcome = on_confirm(after.map(|(_, row)| row), self.at());
        (outcome != ConfirmOutcome::Confirmed).then_some(outcome)
    }
}

fn confirm_answer(
    row: &SqlRow,
    times: &HashMap<SubscriptionId, Timestamp>,
) -> Result<(SubscriptionId, (ConfirmOutcome, Row)), StoreError> {
    let id = id(row, "id")?;
    let after = machine_row(row, row.try_get("purpose_is_current")?)?;
    let outcome = if row.try_get("changed")? {
        ConfirmOutcome::Confirmed
    } else {
        on_confirm(Some(&after), times.get(&id).copied().unwrap_or(after.expires_at))
    };
    Ok((id, (outcome, after)))
}

/// What an erasure met, and the row as it was where that was asked for.
pub(super) type Erased = (EraseOutcome, Option<Gone>);

impl Change for Erase {
    type Key = SubscriptionId;
    type Outcome = Erased;
    /// The state of a row that was spared.
    type After = Option<State>;
    const NO_ROW: Erased = (EraseOutcome::NoRow, None);

    fn list(&self) -> u32 {
        Erase::list(self)
    }

    fn key(&self) -> SubscriptionId {
        self.id()
    }

    async fn apply(client: &Client, list: u32, batch: &[&Erase]) -> Result<Applied<Erase>, StoreError> {
        let statement = client.prepare_cached(sql::APPLY_ERASURES).await?;
        let rows = client
            .query(
                &statement,
                &[
                    &number(list),
                    &column(batch, |erase| erase.id().0.to_vec()),
                    &column(batch, |erase| erase.from().bits()),
                    &column(batch, |erase| erase.entry_head().to_vec()),
                    &column(batch, |erase| erase.leaving().bits()),
                    &column(batch, |erase| erase.hands_back()),
                    &rules::SUBSCRIBED.bits(),
                ],
            )
            .await?;
        rows.iter().map(erase_answer).collect()
    }

    fn settle(&self, after: Option<&(Erased, Option<State>)>) -> Option<Erased> {
        let outcome = on_erase(after.and_then(|(_, state)| *state), self.from());
        (outcome != EraseOutcome::Erased).then_some((outcome, None))
    }
}

fn erase_answer(row: &SqlRow) -> Result<(SubscriptionId, (Erased, Option<State>)), StoreError> {
    let id = id(row, "id")?;
    let state = state(row)?;
    let gone = if row.try_get("handed_back")? { Some(gone(row, state)?) } else { None };
    let answer = if row.try_get("erased")? {
        ((EraseOutcome::Erased, gone), None)
    } else {
        ((EraseOutcome::Spared, None), Some(state))
    };
    Ok((id, answer))
}

fn gone(row: &SqlRow, state: State) -> Result<Gone, StoreError> {
    Ok(Gone {
        state,
        notice: unsigned(row, "notice")?,
        lang: row.try_get("lang")?,
        seal: row.try_get("seal")?,
        reference: fixed(row, "reference")?,
        signed_up_at: row.try_get("signed_up_at")?,
        expires_at: row.try_get("expires_at")?,
        confirmed_at: row.try_get("confirmed_at")?,
        told_at: row.try_get("told_at")?,
    })
}

impl Change for Restore {
    type Key = SubscriptionId;
    type Outcome = RestoreOutcome;
    type After = ();
    const NO_ROW: RestoreOutcome = RestoreOutcome::Closed;

    fn list(&self) -> u32 {
        Restore::list(self)
    }

    fn key(&self) -> SubscriptionId {
        self.id()
    }

    async fn apply(client: &Client, list: u32, batch: &[&Restore]) -> Result<Applied<Restore>, StoreError> {
        let statement = client.prepare_cached(sql::APPLY_RESTORES).await?;
        let rows = client
            .query(
                &statement,
                &[
                    &number(list),
                    &column(batch, |restore| restore.id().0.to_vec()),
                    &column(batch, |restore| restore.address_key().to_vec()),
                    &column(batch, |restore| restore.row().state as i16),
                    &column(batch, |restore| number(restore.row().notice)),
                    &column(batch, |restore| restore.row().lang.clone()),
                    &column(batch, |restore| restore.row().seal.clone()),
                    &column(batch, |restore| restore.row().reference.to_vec()),
                    &column(batch, |restore| restore.withdrawn().to_vec()),
                    &column(batch, |restore| restore.row().signed_up_at),
                    &column(batch, |restore| restore.row().expires_at),
                    &column(batch, |restore| restore.row().confirmed_at),
                    &column(batch, |restore| restore.row().told_at),
                    &column(batch, |restore| restore.entry().to_vec()),
                    &column(batch, |restore| restore.at()),
                ],
            )
            .await;
        match (rows.map_err(StoreError::from), batch) {
            (Ok(rows), _) => rows.iter().map(restore_answer).collect(),
            // Only a second use can break a unique index here; in company, the door halves the batch first.
            (Err(StoreError::Refused(state)), [alone]) if state == SqlState::UNIQUE_VIOLATION.code() => {
                Ok(HashMap::from([(alone.id(), (RestoreOutcome::Used, ()))]))
            }
            (Err(error), _) => Err(error),
        }
    }

    fn settle(&self, after: Option<&(RestoreOutcome, ())>) -> Option<RestoreOutcome> {
        match after {
            None | Some((RestoreOutcome::Closed, ())) => Some(RestoreOutcome::Closed),
            Some((RestoreOutcome::Restored | RestoreOutcome::AlreadyRestored, ())) => {
                Some(RestoreOutcome::AlreadyRestored)
            }
            // Another page of the same subscription may still do.
            Some(_) => None,
        }
    }
}

fn restore_answer(row: &SqlRow) -> Result<(SubscriptionId, (RestoreOutcome, ())), StoreError> {
    let place = Place {
        is_closed: row.try_get("is_closed")?,
        is_back: row.try_get("is_back")?,
        is_used: row.try_get("is_used")?,
        is_taken: row.try_get("is_taken")?,
    };
    let outcome = match (row.try_get("written")?, on_restore(place)) {
        (true, _) => RestoreOutcome::Restored,
        (false, RestoreOutcome::Restored) => RestoreOutcome::Stale,
        (false, outcome) => outcome,
    };
    Ok((id(row, "id")?, (outcome, ())))
}

fn column<C, V>(batch: &[&C], value: impl Fn(&C) -> V) -> Vec<V> {
    batch.iter().map(|change| value(change)).collect()
}

fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64()
}
