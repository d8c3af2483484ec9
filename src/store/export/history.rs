//! Which exports there were.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::store::rows::{fixed, number};
use crate::store::{Store, StoreError, sql};

/// An export that began.
#[derive(Clone, Debug)]
pub struct Made {
    /// What ties both of its entries in the trail together.
    pub export: [u8; 16],
    pub at: Timestamp,
    pub operator: String,
    /// The number of the token that its operator's program came with.
    pub token: Option<i64>,
    pub format: String,
    /// The size of the list's trail in the snapshot that the rows are read from.
    pub tree_size: u64,
    /// The trail's signed checkpoint at that size.
    pub checkpoint: String,
    /// Where the list's feed goes on from the file.
    pub feed: String,
    pub valid_until: Timestamp,
    /// What it is now that it is over; `None` for one that is under way, or broke off.
    pub whole: Option<Whole>,
}

/// A file that was handed over to its end.
#[derive(Clone, Debug)]
pub struct Whole {
    pub rows: u64,
    /// Of the file, not compressed.
    pub sha256: [u8; 32],
    pub at: Timestamp,
}

/// Where a page of the history goes on: at exports that are older than this one.
pub type Older = (Timestamp, [u8; 16]);

impl Store {
    /// One export of a list.
    pub async fn find_export(&self, list: u32, export: &[u8; 16]) -> Result<Option<Made>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_EXPORT).await?;
        let row = client.query_opt(&statement, &[&number(list), &export.as_slice()]).await?;
        row.as_ref().map(made).transpose()
    }

    /// A list's exports, the newest first: `limit` at most, and none that is not older than `than`.
    pub async fn exports(&self, list: u32, than: Option<Older>, limit: u32) -> Result<Vec<Made>, StoreError> {
        let (at, export) = than.unzip();
        let export = export.as_ref().map(<[u8; 16]>::as_slice);
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_EXPORTS).await?;
        let rows = client.query(&statement, &[&number(list), &at, &export, &i64::from(limit)]).await?;
        rows.iter().map(made).collect()
    }

    /// Forgets the exports from before `before`. Their entries in the trail stay.
    pub async fn forget_exports(&self, before: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::DELETE_EXPORTS, &[&before]).await?;
        Ok(())
    }
}

fn made(row: &Row) -> Result<Made, StoreError> {
    let count = |count: i64| u64::try_from(count).map_err(|_| StoreError::Malformed("an export's count"));
    let finished_at: Option<Timestamp> = row.try_get("finished_at")?;
    let whole = match finished_at {
        None => None,
        Some(at) => Some(Whole { rows: count(row.try_get("rows")?)?, sha256: fixed(row, "sha256")?, at }),
    };
    Ok(Made {
        export: fixed(row, "export")?,
        at: row.try_get("at")?,
        operator: row.try_get("operator")?,
        token: row.try_get("token")?,
        format: row.try_get("format")?,
        tree_size: count(row.try_get("tree_size")?)?,
        checkpoint: row.try_get("checkpoint")?,
        feed: row.try_get("feed")?,
        valid_until: row.try_get("valid_until")?,
        whole,
    })
}
