//! What was counted: of each list and day, how many people did what. Written by the sealer and by the statements of
//! signups and confirmations, in their own transactions; nothing here counts subscriptions.

use std::collections::HashMap;

use jiff::civil::Date;

use super::rows::{number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::figures::BOUNCES;

/// How many people of a list did something on a day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub list: u32,
    pub day: Date,
    /// An event's number, or one of those of `consent::figures`.
    pub kind: i16,
    pub count: u64,
}

/// A list's letters, as far as they were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letters {
    pub waiting: u64,
    /// They stay for a while, so that somebody may see why.
    pub given_up: u64,
}

impl Letters {
    /// So many are looked at: a page must not wait for millions.
    pub const MOST: u64 = 100_000;
}

impl Store {
    /// What was counted of these lists from one day to another, both included, in no order: kinds below `below`.
    pub async fn tallies(
        &self,
        lists: &[u32],
        since: Date,
        until: Date,
        below: i16,
    ) -> Result<Vec<Tally>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_TALLIES).await?;
        let rows = client.query(&statement, &[&numbers(lists), &since, &until, &BOUNCES, &below]).await?;
        rows.iter()
            .map(|row| {
                Ok(Tally {
                    list: unsigned(row, "list")?,
                    day: row.try_get("day")?,
                    kind: row.try_get("kind")?,
                    count: count(row.try_get("count")?)?,
                })
            })
            .collect()
    }

    /// How many people are on each of these lists, by their sealed logs; a list whose log has not begun is not there.
    pub async fn subscribers(&self, lists: &[u32]) -> Result<HashMap<u32, u64>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_SUBSCRIBERS).await?;
        let rows = client.query(&statement, &[&numbers(lists)]).await?;
        rows.iter().map(|row| Ok((unsigned(row, "list")?, count(row.try_get("subscribers")?)?))).collect()
    }

    /// A list's letters that have not gone out.
    pub async fn count_letters(&self, list: u32) -> Result<Letters, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::COUNT_LETTERS).await?;
        let row = client.query_one(&statement, &[&number(list), &(Letters::MOST as i64)]).await?;
        Ok(Letters { waiting: count(row.try_get("waiting")?)?, given_up: count(row.try_get("given_up")?)? })
    }
}

fn numbers(lists: &[u32]) -> Vec<i32> {
    lists.iter().map(|list| number(*list)).collect()
}

fn count(count: i64) -> Result<u64, StoreError> {
    u64::try_from(count).map_err(|_| StoreError::Malformed("a tally"))
}
