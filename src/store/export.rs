//! The people of a list who may be written to, as a stream from one snapshot.

use std::pin::Pin;

use deadpool_postgres::Object;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};

use super::rows::{fixed, id, number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::subscription::EXPORTABLE;
use crate::token::SubscriptionId;

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
    _client: Object,
}

impl ExportRows {
    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<ExportRow>, StoreError> {
        self.rows.try_next().await?.as_ref().map(export_row).transpose()
    }
}

impl Store {
    /// Everybody on the list who is active and agreed to its present purpose, as of now.
    pub async fn export(&self, list: u32) -> Result<ExportRows, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::EXPORT_SUBSCRIPTIONS).await?;
        let parameters: [&(dyn ToSql + Sync); 2] = [&number(list), &EXPORTABLE.bits()];
        let rows = Box::pin(client.query_raw(&statement, parameters).await?);
        Ok(ExportRows { rows, _client: client })
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
