//! What tells somebody in which exports they were.

use tokio_postgres::Row;

use super::rows::{fixed, number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::exported::Marks;
use crate::trail::entry::{self, Entry};

impl Store {
    /// What the log has so far of the entries with these commitments, which are one person's, and of the list's notices
    /// and exports.
    pub async fn marks(&self, list: u32, commitments: &[[u8; 32]]) -> Result<Marks, StoreError> {
        let own = self.find_entries(list, commitments).await?;
        let own = own.into_iter().map(|(index, entry)| Ok((index, read(&entry)?)));
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::SELECT_LIST_ENTRIES).await?;
        let lists = client.query(&statement, &[&number(list)]).await?;
        let statement = client.prepare_cached(sql::SELECT_PURPOSES).await?;
        let purposes = client.query(&statement, &[&number(list)]).await?;
        Ok(Marks {
            own: own.collect::<Result<_, StoreError>>()?,
            lists: lists.iter().map(list_entry).collect::<Result<_, _>>()?,
            purposes: purposes
                .iter()
                .map(|row| Ok((fixed(row, "sha256")?, unsigned(row, "purpose")?)))
                .collect::<Result<_, StoreError>>()?,
        })
    }
}

fn list_entry(row: &Row) -> Result<(u64, Entry), StoreError> {
    let index = row.try_get::<_, i64>("index")?;
    let index = u64::try_from(index).map_err(|_| StoreError::Malformed("an entry's index"))?;
    Ok((index, read(&fixed::<{ entry::LENGTH }>(row, "entry")?)?))
}

fn read(bytes: &[u8; entry::LENGTH]) -> Result<Entry, StoreError> {
    Entry::read(bytes).map_err(|_| StoreError::Malformed("a trail's entry"))
}
