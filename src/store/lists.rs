//! Lists and their notices.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use super::rows::{number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::list::{List, ListOptions};
use crate::consent::notice::{Notice, NoticeText};
use crate::trail::entry::{self, Event};

impl Store {
    /// A list with its current notice.
    pub async fn find_list(&self, slug: &str) -> Result<Option<(List, Notice)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_LIST).await?;
        client.query_opt(&statement, &[&slug]).await?.as_ref().map(list).transpose()
    }

    /// A list with its current notice, by the number that stands in tokens.
    pub async fn find_list_by_number(&self, list_number: u32) -> Result<Option<(List, Notice)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_LIST_BY_NUMBER).await?;
        client.query_opt(&statement, &[&number(list_number)]).await?.as_ref().map(list).transpose()
    }

    /// All lists, oldest first.
    pub async fn lists(&self) -> Result<Vec<List>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_LISTS).await?;
        client.query(&statement, &[]).await?.iter().map(|row| Ok(list(row)?.0)).collect()
    }

    /// Makes a list with its first notice, and publishes that into its trail. `None` where the slug is taken.
    pub async fn create_list(
        &self,
        slug: &str,
        options: &ListOptions,
        texts: BTreeMap<String, NoticeText>,
        at: Timestamp,
        random: [u8; 16],
    ) -> Result<Option<u32>, StoreError> {
        let bytes = Notice::encode(1, 1, texts);
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::INSERT_LIST).await?;
        let entry = published(at, &sha256, random);
        let row = client
            .query_opt(
                &statement,
                &[&slug, &Json(options), &bytes, &sha256.as_slice(), &at, &entry.as_slice()],
            )
            .await?;
        row.map(|row| unsigned(&row, "list")).transpose()
    }

    /// Publishes the next version of a list's notice and notes it in the trail. A new purpose puts everybody off
    /// exports until they agree again. `false` where another version came first.
    pub async fn publish_notice(
        &self,
        list_number: u32,
        current: &Notice,
        new_purpose: bool,
        texts: BTreeMap<String, NoticeText>,
        at: Timestamp,
        random: [u8; 16],
    ) -> Result<bool, StoreError> {
        let (version, purpose) = (current.version + 1, current.purpose + u32::from(new_purpose));
        let bytes = Notice::encode(version, purpose, texts);
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::INSERT_NOTICE).await?;
        let row = client
            .query_opt(
                &statement,
                &[
                    &number(list_number),
                    &number(version),
                    &number(purpose),
                    &bytes,
                    &sha256.as_slice(),
                    &at,
                    &published(at, &sha256, random).as_slice(),
                ],
            )
            .await?;
        Ok(row.is_some())
    }
}

fn published(at: Timestamp, sha256: &[u8; 32], random: [u8; 16]) -> [u8; entry::LENGTH] {
    entry::entry(Event::NoticePublished, at, sha256, &entry::service_tail(&random, 0, 0))
}

fn list(row: &Row) -> Result<(List, Notice), StoreError> {
    let Json(options) = row.try_get("options").map_err(|_| StoreError::Malformed("a list's options"))?;
    let notice = Notice::decode(row.try_get("bytes")?, row.try_get("published_at")?);
    let notice = notice.ok_or(StoreError::Malformed("a notice"))?;
    Ok((List { number: unsigned(row, "list")?, slug: row.try_get("slug")?, options }, notice))
}
