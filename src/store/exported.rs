//! What tells somebody in which exports they were.

use tokio_postgres::Row;

use super::rows::{fixed, number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::exported::{Marks, Reading};
use crate::trail::entry::{self, Entry};

/// How many exports are looked at, the newest: of one an hour, those of a year.
const EXPORTS: i64 = 10_000;

impl Store {
    /// What the log has so far of the entries with these commitments, which are one person's, and of the list's notices,
    /// exports and readings as far as they bear on that person; and what was read since. Of exports it has the ten
    /// thousand newest.
    pub async fn marks(&self, list: u32, commitments: &[[u8; 32]]) -> Result<Marks, StoreError> {
        let own = self.find_entries(list, commitments).await?;
        let own = own.into_iter().map(|(index, entry)| Ok((index, read(&entry)?)));
        let own: Vec<(u64, Entry)> = own.collect::<Result<_, StoreError>>()?;
        let indexes: Vec<_> = own.iter().map(|(index, _)| *index as i64).collect();
        // Before their first entry nobody was handed to anybody.
        let Some(first) = indexes.iter().min() else { return Ok(Marks::default()) };
        let client = self.client().await?;
        // First: what is settled meanwhile is found twice, and not missed.
        let statement = client.prepare_cached(sql::SELECT_FED).await?;
        let fed = client.query(&statement, &[&number(list)]).await?;
        let statement = client.prepare_cached(sql::SELECT_LIST_ENTRIES).await?;
        let lists = client.query(&statement, &[&number(list), &indexes, first, &EXPORTS]).await?;
        let statement = client.prepare_cached(sql::SELECT_PURPOSES).await?;
        let purposes = client.query(&statement, &[&number(list)]).await?;
        Ok(Marks {
            own,
            fed: fed.iter().map(reading).collect::<Result<_, _>>()?,
            lists: lists.iter().map(list_entry).collect::<Result<_, _>>()?,
            purposes: purposes
                .iter()
                .map(|row| Ok((fixed(row, "sha256")?, unsigned(row, "purpose")?)))
                .collect::<Result<_, StoreError>>()?,
        })
    }
}

fn reading(row: &Row) -> Result<Reading, StoreError> {
    let since = row.try_get::<_, i64>("since")?;
    let since = u64::try_from(since).map_err(|_| StoreError::Malformed("a trail's size"))?;
    Ok(Reading { hour: unsigned(row, "hour")?, since })
}

fn list_entry(row: &Row) -> Result<(u64, Entry), StoreError> {
    let index = row.try_get::<_, i64>("index")?;
    let index = u64::try_from(index).map_err(|_| StoreError::Malformed("an entry's index"))?;
    Ok((index, read(&fixed::<{ entry::LENGTH }>(row, "entry")?)?))
}

fn read(bytes: &[u8; entry::LENGTH]) -> Result<Entry, StoreError> {
    Entry::read(bytes).map_err(|_| StoreError::Malformed("a trail's entry"))
}
