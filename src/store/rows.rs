//! Reading columns. A CHECK keeps each as it should be; one that is not is an error and never another value.

use tokio_postgres::Row as SqlRow;

use super::StoreError;
use crate::consent::subscription::{Row, State};
use crate::token::SubscriptionId;

/// Lists and versions are counted by PostgreSQL's `integer`: a number that does not fit belongs to no row.
pub fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(-1)
}

pub fn unsigned(row: &SqlRow, name: &'static str) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<_, i32>(name)?).map_err(|_| StoreError::Malformed(name))
}

/// A `bytea` of fixed length.
pub fn fixed<const N: usize>(row: &SqlRow, name: &'static str) -> Result<[u8; N], StoreError> {
    row.try_get::<_, &[u8]>(name)?.try_into().map_err(|_| StoreError::Malformed(name))
}

pub fn id(row: &SqlRow, name: &'static str) -> Result<SubscriptionId, StoreError> {
    fixed(row, name).map(SubscriptionId)
}

pub fn state(row: &SqlRow) -> Result<State, StoreError> {
    State::from_number(row.try_get("state")?).ok_or(StoreError::Malformed("state"))
}

/// What decisions need to know of a subscription.
pub fn machine_row(row: &SqlRow, purpose_is_current: bool) -> Result<Row, StoreError> {
    Ok(Row {
        state: state(row)?,
        signed_up_at: row.try_get("signed_up_at")?,
        expires_at: row.try_get("expires_at")?,
        told_at: row.try_get("told_at")?,
        purpose_is_current,
    })
}
