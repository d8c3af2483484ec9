//! The people of a list who may be written to, as a stream from one snapshot.

use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row, RowStream};

use super::feed::FeedCursor;
use super::rows::{fixed, id, number, unsigned};
use super::seal::Seal;
use super::{Store, StoreError, sql};
use crate::consent::subscription::EXPORTABLE;
use crate::token::SubscriptionId;
use crate::trail::entry::{self, Event};

/// One subscription on its way out; its person is still under seal.
#[derive(Debug)]
pub struct ExportRow {
    pub id: SubscriptionId,
    pub lang: String,
    pub seal: Vec<u8>,
    pub reference: [u8; 16],
    pub confirmed_at: Timestamp,
    pub notice_version: u32,
}

/// Rows as they arrive. It holds its connection, and reads no further ahead than it is asked.
pub struct ExportRows {
    /// The size of the list's trail in the snapshot that the rows are read from.
    pub tree_size: u64,
    /// Where the list's feed goes on from these rows.
    pub feed: FeedCursor,
    rows: Pin<Box<RowStream>>,
    /// Closed when it is dropped, which also ends its transaction.
    _client: ClientWrapper,
}

impl ExportRows {
    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<ExportRow>, StoreError> {
        self.rows.try_next().await?.as_ref().map(export_row).transpose()
    }
}

/// How often an export that met the sealer at work is tried.
const TRIES: u32 = 50;

impl Store {
    /// Everybody on the list who is active and agreed to its present purpose, in one snapshot: every act that it holds
    /// is in the trail at the tree size that is returned, and the trail says that an export began before the first row
    /// leaves. `id` ties that entry to the one of [`Store::finish_export`].
    pub async fn begin_export(
        &self,
        list: u32,
        seal: &Seal<'_>,
        id: &[u8; 16],
    ) -> Result<ExportRows, StoreError> {
        for turn in 1..=TRIES {
            match self.try_to_begin(list, seal, id).await {
                Ok(Some(rows)) => return Ok(rows),
                // The sealer holds the trail, or has moved it on since the snapshot.
                Ok(None) | Err(StoreError::Collision) => {
                    tokio::time::sleep(Duration::from_millis(u64::from(turn))).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    async fn try_to_begin(
        &self,
        list: u32,
        seal: &Seal<'_>,
        id: &[u8; 16],
    ) -> Result<Option<ExportRows>, StoreError> {
        let mut sealer = self.writer().await?;
        sealer.execute(sql::INSERT_FEED, &[&number(list)]).await?;
        let sealing =
            sealer.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
        let Some(tree_size) = self.extend(&sealing, list, seal, u32::MAX).await? else { return Ok(None) };
        let began = entry::service_tail(id, tree_size, 0);
        let began = entry::entry(Event::ExportBegan, seal.at, &entry::ZEROS, &began);
        sealing.execute(sql::INSERT_ENTRY, &[&number(list), &began.as_slice()]).await?;
        // What is numbered by now is in the rows; what is not, the feed tells once more.
        let feed = FeedCursor::at_end(&sealing, list).await?;
        let snapshot: String = sealing.query_one(sql::EXPORT_SNAPSHOT, &[]).await?.try_get("snapshot")?;

        let reader = Object::take(self.client().await?);
        let look =
            format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'");
        reader.batch_execute(&look).await?;
        // Before the first row is read: whoever reads the trail knows of each export that may have left.
        sealing.commit().await?;
        let parameters: [&(dyn ToSql + Sync); 2] = [&number(list), &EXPORTABLE.bits()];
        let rows = Box::pin(reader.query_raw(sql::EXPORT_SUBSCRIPTIONS, parameters).await?);
        Ok(Some(ExportRows { tree_size, feed, rows, _client: reader }))
    }

    /// Notes in the trail that an export is whole: how many rows it has, and its SHA-256.
    pub async fn finish_export(
        &self,
        list: u32,
        id: &[u8; 16],
        tree_size: u64,
        count: u64,
        sha256: &[u8; 32],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let exported = entry::entry(Event::Exported, at, sha256, &entry::service_tail(id, tree_size, count));
        let client = self.writer().await?;
        client.execute(sql::INSERT_ENTRY, &[&number(list), &exported.as_slice()]).await?;
        Ok(())
    }
}

fn export_row(row: &Row) -> Result<ExportRow, StoreError> {
    Ok(ExportRow {
        id: id(row, "id")?,
        lang: row.try_get("lang")?,
        seal: row.try_get("seal")?,
        reference: fixed(row, "reference")?,
        confirmed_at: row.try_get("confirmed_at")?,
        notice_version: unsigned(row, "notice")?,
    })
}
