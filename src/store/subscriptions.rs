//! Reading one subscription, for a page or a letter.

use super::rows::{id, machine_row, number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::notice::Notice;
use crate::consent::subscription::{Row, State};
use crate::token::SubscriptionId;
use jiff::Timestamp;
use tokio_postgres::Row as SqlRow;

/// A subscription as pages and letters need it; its person is still under seal.
#[derive(Debug)]
pub struct Subscription {
    pub row: Row,
    pub lang: String,
    pub seal: Vec<u8>,
    /// The notice that was agreed to last; of a pending one, the notice that was shown at signup.
    pub notice: Notice,
    pub confirmed_at: Option<Timestamp>,
}

impl Store {
    /// Up to `most` pending signups that have expired, as list and id; none of the lists `but`. They are still there:
    /// erasing is an act.
    pub async fn expired_signups(
        &self,
        now: Timestamp,
        but: &[u32],
        most: u32,
    ) -> Result<Vec<(u32, SubscriptionId)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_EXPIRED_SIGNUPS).await?;
        let pending = State::Pending as i16;
        let but: Vec<i32> = but.iter().copied().map(number).collect();
        let rows = client.query(&statement, &[&pending, &now, &i64::from(most), &but]).await?;
        rows.iter().map(named).collect()
    }

    /// Up to `most` subscriptions whose new address nobody confirmed in time, as list and id.
    pub async fn expired_corrections(
        &self,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<(u32, SubscriptionId)>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::SELECT_EXPIRED_CORRECTIONS).await?;
        client.query(&statement, &[&now, &i64::from(most)]).await?.iter().map(named).collect()
    }

    /// Up to `most` subscriptions of lists that were closed, as list and id.
    pub async fn rows_of_closed_lists(&self, most: u32) -> Result<Vec<(u32, SubscriptionId)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_CLOSED_ROWS).await?;
        client.query(&statement, &[&i64::from(most)]).await?.iter().map(named).collect()
    }

    /// The subscription of an address, by its key.
    pub async fn find_address(
        &self,
        list: u32,
        address_key: &[u8; 32],
    ) -> Result<Option<SubscriptionId>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_ADDRESS).await?;
        let found = client.query_opt(&statement, &[&number(list), &address_key.as_slice()]).await?;
        found.map(|found| id(&found, "id")).transpose()
    }

    /// The subscriptions of an address over several lists, by list: its key differs on each.
    pub async fn find_addresses(
        &self,
        keys: &[(u32, [u8; 32])],
    ) -> Result<Vec<(u32, SubscriptionId)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_ADDRESSES).await?;
        let lists: Vec<i32> = keys.iter().map(|(list, _)| number(*list)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(|(_, key)| key.as_slice()).collect();
        client.query(&statement, &[&lists, &keys]).await?.iter().map(named).collect()
    }

    /// Reads one subscription, by what a token names.
    pub async fn find_subscription(
        &self,
        list: u32,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_SUBSCRIPTION).await?;
        let found = client.query_opt(&statement, &[&number(list), &id.0.as_slice()]).await?;
        let Some(found) = found else { return Ok(None) };
        let notice = Notice::decode(found.try_get("notice_bytes")?, found.try_get("published_at")?);
        Ok(Some(Subscription {
            row: machine_row(&found, found.try_get("purpose_is_current")?)?,
            lang: found.try_get("lang")?,
            seal: found.try_get("seal")?,
            notice: notice.ok_or(StoreError::Malformed("a notice"))?,
            confirmed_at: found.try_get("confirmed_at")?,
        }))
    }
}

fn named(row: &SqlRow) -> Result<(u32, SubscriptionId), StoreError> {
    Ok((unsigned(row, "list")?, id(row, "id")?))
}
