//! The people of a list who may be written to, as a stream from one snapshot.

pub mod history;

use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object, Transaction};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row, RowStream};

use super::feed::FeedCursor;
use super::pool;
use super::rows::{fixed, id, number, unsigned};
use super::seal::Seal;
use super::{Store, StoreError, sql};
use crate::consent::subscription::EXPORTABLE;
use crate::token::SubscriptionId;
use crate::trail::entry::{self, Event};
use history::{Made, Whole};

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
    rows: Pin<Box<RowStream>>,
    is_over: bool,
    /// Closed when it is dropped, which also ends its transaction.
    client: ClientWrapper,
}

impl ExportRows {
    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<ExportRow>, StoreError> {
        let row = self.rows.try_next().await?;
        self.is_over = row.is_none();
        row.as_ref().map(export_row).transpose()
    }
}

impl Drop for ExportRows {
    /// Whoever takes no more has PostgreSQL stop: it would read on to the end, for nobody, and hold its snapshot.
    fn drop(&mut self) {
        if let (false, Ok(runtime)) = (self.is_over, Handle::try_current()) {
            let stop = self.client.cancel_token();
            runtime.spawn(async move { pool::cancel(stop).await });
        }
    }
}

/// An export that is to begin.
pub struct Begun<'a> {
    /// Random: it ties the trail's entries of its beginning and of its end together.
    pub export: [u8; 16],
    pub operator: &'a str,
    /// The number of the token that a program came with.
    pub token: Option<i64>,
    pub format: &'static str,
    pub valid_until: Timestamp,
}

/// How often an export that met the sealer at work is tried.
const TRIES: u32 = 50;

impl Store {
    /// Everybody on the list who is active and agreed to its present purpose, in one snapshot: every act that it holds
    /// is in the trail at the tree size that is returned, and the trail and the history say that an export began before
    /// the first row leaves.
    pub async fn begin_export(
        &self,
        list: u32,
        seal: &Seal<'_>,
        begun: &Begun<'_>,
    ) -> Result<(Made, ExportRows), StoreError> {
        for turn in 1..=TRIES {
            match self.try_to_begin(list, seal, begun).await {
                Ok(Some(begun)) => return Ok(begun),
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
        begun: &Begun<'_>,
    ) -> Result<Option<(Made, ExportRows)>, StoreError> {
        let mut sealer = self.writer().await?;
        sealer.execute(sql::INSERT_FEED, &[&number(list)]).await?;
        let sealing =
            sealer.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
        let Some(tree_size) = self.extend(&sealing, list, seal, u32::MAX).await? else { return Ok(None) };
        let find = sealing.prepare_cached(sql::FIND_TRAIL).await?;
        let trail = sealing.query_one(&find, &[&number(list), &seal.at]).await?;
        let began = entry::service_tail(&begun.export, tree_size, 0);
        let began = entry::entry(Event::ExportBegan, seal.at, &entry::ZEROS, &began);
        sealing.execute(sql::INSERT_ENTRY, &[&number(list), &began.as_slice()]).await?;
        // What is numbered by now is in the rows; what is not, the feed tells once more.
        let feed = FeedCursor::at_end(&sealing, list).await?.to_string();
        let made = begun.made(seal.at, tree_size, trail.try_get("checkpoint")?, feed);
        insert(&sealing, list, &made).await?;
        let snapshot: String = sealing.query_one(sql::EXPORT_SNAPSHOT, &[]).await?.try_get("snapshot")?;

        let reader = Object::take(self.client().await?);
        let look =
            format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'");
        reader.batch_execute(&look).await?;
        // Before the first row is read: whoever reads the trail knows of each export that may have left.
        sealing.commit().await?;
        let parameters: [&(dyn ToSql + Sync); 2] = [&number(list), &EXPORTABLE.bits()];
        let rows = Box::pin(reader.query_raw(sql::EXPORT_SUBSCRIPTIONS, parameters).await?);
        Ok(Some((made, ExportRows { rows, is_over: false, client: reader })))
    }

    /// Notes in the trail and in the history that an export is whole.
    pub async fn finish_export(&self, list: u32, made: &Made, whole: &Whole) -> Result<(), StoreError> {
        let tail = entry::service_tail(&made.export, made.tree_size, whole.rows);
        let exported = entry::entry(Event::Exported, whole.at, &whole.sha256, &tail);
        let rows = i64::try_from(whole.rows).map_err(|_| StoreError::Malformed("an export's count"))?;
        let parameters: [&(dyn ToSql + Sync); 6] = [
            &number(list),
            &made.export.as_slice(),
            &exported.as_slice(),
            &rows,
            &whole.sha256.as_slice(),
            &whole.at,
        ];
        self.writer().await?.execute(sql::UPDATE_EXPORT, &parameters).await?;
        Ok(())
    }
}

impl Begun<'_> {
    fn made(&self, at: Timestamp, tree_size: u64, checkpoint: String, feed: String) -> Made {
        Made {
            export: self.export,
            at,
            operator: self.operator.to_owned(),
            token: self.token,
            format: self.format.to_owned(),
            tree_size,
            checkpoint,
            feed,
            valid_until: self.valid_until,
            whole: None,
        }
    }
}

async fn insert(transaction: &Transaction<'_>, list: u32, made: &Made) -> Result<(), StoreError> {
    let tree_size = i64::try_from(made.tree_size).map_err(|_| StoreError::Malformed("a trail's size"))?;
    let parameters: [&(dyn ToSql + Sync); 10] = [
        &number(list),
        &made.export.as_slice(),
        &made.at,
        &made.operator,
        &made.token,
        &made.format,
        &tree_size,
        &made.checkpoint,
        &made.feed,
        &made.valid_until,
    ];
    transaction.execute(sql::INSERT_EXPORT, &parameters).await?;
    Ok(())
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
