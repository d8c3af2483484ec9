//! Reading a list's trail, as it was sealed.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::rows::number;
use super::{Store, StoreError, sql};
use crate::trail::tile::{Kind, Tile, WIDTH, write_entries};

/// Where a trail stands.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The log's name and its key's.
    pub origin: String,
    /// The newest signed checkpoint, for auditors.
    pub newest: Sealed,
    /// The one that everybody sees.
    pub public: Sealed,
    /// Whether a mirror is being replayed over the list.
    pub is_replaying: bool,
}

/// A size and the checkpoint that is signed for it.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub size: u64,
    pub checkpoint: String,
}

impl Sealed {
    /// Whether a tile of this width is within the log.
    pub fn has(&self, tile: &Tile) -> bool {
        Tile::of(tile.kind(), tile.index(), self.size).is_some_and(|whole| tile.width() <= whole.width())
    }
}

impl Store {
    /// A list's trail; `None` before its first entry is sealed.
    pub async fn trail(&self, list: u32) -> Result<Option<Trail>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_TRAIL).await?;
        let row = client.query_opt(&statement, &[&number(list), &Timestamp::UNIX_EPOCH]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Trail {
            origin: row.try_get("origin")?,
            newest: sealed(&row, "size", "checkpoint")?,
            public: sealed(&row, "public_size", "public_checkpoint")?,
            is_replaying: row.try_get("is_replaying")?,
        }))
    }

    /// The bytes of a tile, as wide as it says; `None` where the log does not reach so far. A tile that has become wider
    /// since still has its narrower ones in it.
    pub async fn tile(&self, list: u32, tile: &Tile) -> Result<Option<Vec<u8>>, StoreError> {
        match tile.kind() {
            Kind::Hashes(level) => self.hashes(list, level, tile).await,
            Kind::Entries => {
                let from = tile.index() * u64::from(WIDTH);
                let entries = self.entries(list, from, from + u64::from(tile.width())).await?;
                if entries.len() < usize::from(tile.width()) {
                    return Ok(None);
                }
                let bundle = write_entries(entries.iter().map(Vec::as_slice));
                bundle.map(Some).map_err(|_| StoreError::Malformed("a trail's entry"))
            }
        }
    }

    /// Sealed entries in their order, from one index up to another, which is not among them.
    pub async fn entries(&self, list: u32, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let (Ok(from), Ok(to)) = (i64::try_from(from), i64::try_from(to)) else { return Ok(Vec::new()) };
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_ENTRIES).await?;
        let rows = client.query(&statement, &[&number(list), &from, &to]).await?;
        rows.iter().map(|row| Ok(row.try_get("entry")?)).collect()
    }

    async fn hashes(&self, list: u32, level: u8, tile: &Tile) -> Result<Option<Vec<u8>>, StoreError> {
        let Ok(index) = i64::try_from(tile.index()) else { return Ok(None) };
        let length = i32::from(tile.width()) * 32;
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_TILE).await?;
        let row = client.query_opt(&statement, &[&number(list), &i16::from(level), &index, &length]).await?;
        let hashes: Option<Vec<u8>> = row.map(|row| row.try_get("hashes")).transpose()?;
        Ok(hashes.filter(|hashes| hashes.len() == usize::from(tile.width()) * 32))
    }
}

fn sealed(row: &Row, size: &'static str, checkpoint: &'static str) -> Result<Sealed, StoreError> {
    let number: i64 = row.try_get(size)?;
    let number = u64::try_from(number).map_err(|_| StoreError::Malformed(size))?;
    Ok(Sealed { size: number, checkpoint: row.try_get(checkpoint)? })
}
