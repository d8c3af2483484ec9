//! The feed: who came to a list's export and who went from it, since an export or an earlier look.
//!
//! An act's own statement leaves news of the row's reference, without a number. Numbers are given by whoever reads, under
//! a lock of the list's feed that is held until they are committed; so whoever sees a number sees all smaller ones, and
//! "what has a greater one" is exact under any number of writers, readers and services.

mod cursor;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

pub use cursor::{CursorError, FeedCursor};

use super::access::Access;
use super::export::ExportRow;
use super::rows::{fixed, id, number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::subscription::EXPORTABLE;
use crate::trail::entry::{self, Event};

/// How much news gets its number, or is forgotten, by one statement.
const HANDFUL: i64 = 10_000;
/// News that waits for its number.
const WAITS: i64 = i64::MAX;
/// After an hour's end until it is told in the trail: entries of those who were read at its very end are in there by then.
const SETTLES: SignedDuration = SignedDuration::from_mins(2);

/// Who reads a feed.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub operator: &'a str,
    /// The number of their token; `None` at a terminal.
    pub token: Option<i64>,
}

/// Where a reader is in a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At its end.
    End,
    /// There is news.
    News,
    /// Nowhere: the list's purpose is another, what came after the cursor is forgotten, or the cursor is of another list
    /// or database. The reader takes an export again.
    Gone,
}

/// What a look at a feed tells.
struct Look {
    place: Place,
    /// Whether some of the news waits for its number.
    waits: bool,
    /// How far the list's trail is.
    size: i64,
}

/// What has changed, each reference once.
#[derive(Debug)]
pub struct FeedPage {
    /// Those whom an export would hold now, whether or not the reader knows them.
    pub added: Vec<ExportRow>,
    /// Those whom it would not hold.
    pub removed: Vec<[u8; 16]>,
    /// Where to go on.
    pub next: FeedCursor,
    /// Whether there may be more at once.
    pub more: bool,
}

impl Store {
    /// Whether there is news for a reader: one statement, which looks into two indexes and reads nothing where there is
    /// none.
    pub async fn feed_place(&self, after: &FeedCursor) -> Result<Place, StoreError> {
        Ok(self.look_at_feed(after).await?.place)
    }

    /// The news after a cursor, at most `limit` references; `None` where the reader has to take an export. Counts what is
    /// handed out, and puts it on record.
    ///
    /// Crash points: after numbers are given (they stay as they are), after the count (the reader asks again, and what it
    /// gets is counted again).
    pub async fn read_feed(
        &self,
        reader: Reader<'_>,
        after: &FeedCursor,
        limit: u32,
        at: Timestamp,
    ) -> Result<Option<FeedPage>, StoreError> {
        // The trail's size is looked up before the page: whoever is on it can be exported then, or at a later size.
        let Look { place, waits, size } = self.look_at_feed(after).await?;
        match place {
            Place::Gone => return Ok(None),
            Place::End => {
                let next = after.clone();
                return Ok(Some(FeedPage { added: Vec::new(), removed: Vec::new(), next, more: false }));
            }
            Place::News => {}
        }
        if waits {
            self.number_news(after.list, at).await?;
        }
        let mut client = self.writer().await?;
        let transaction = client.transaction().await?;
        let statement = transaction.prepare_cached(sql::SELECT_NEWS).await?;
        let from = after.number()?;
        let rows = transaction
            .query(&statement, &[&number(after.list), &from, &i64::from(limit), &EXPORTABLE.bits()])
            .await?;
        let page = page(after, &rows, limit)?;
        if !rows.is_empty() {
            let (act, _) = Access::Feed.parts();
            let (token, hour) = (reader.token.unwrap_or_default(), hour(at));
            let count = page.added.len() as i64;
            let statement = transaction.prepare_cached(sql::COUNT_FED).await?;
            let given: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
                [&number(after.list), &reader.operator, &token, &hour, &count, &at, &act, &size];
            transaction.execute(&statement, &given).await?;
        }
        transaction.commit().await?;
        Ok(Some(page))
    }

    async fn look_at_feed(&self, after: &FeedCursor) -> Result<Look, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::FIND_FEED).await?;
        let from = after.number()?;
        let Some(row) = client.query_opt(&statement, &[&number(after.list), &from]).await? else {
            return Ok(Look { place: Place::Gone, waits: false, size: 0 });
        };
        let size: i64 = row.try_get("size")?;
        let sealed = u64::try_from(size).map_err(|_| StoreError::Malformed("a trail's size"))?;
        if row.try_get("is_replaying")? || self.is_behind_its_mirror(after.list, sealed) {
            return Err(StoreError::Held);
        }
        let epoch: [u8; 16] = fixed(&row, "epoch")?;
        let (last, floor): (i64, i64) = (row.try_get("last")?, row.try_get("floor")?);
        if epoch != after.epoch || !(floor..=last).contains(&from) {
            return Ok(Look { place: Place::Gone, waits: false, size });
        }
        let newest: Option<i64> = row.try_get("newest")?;
        let place = if newest.is_some() { Place::News } else { Place::End };
        Ok(Look { place, waits: newest == Some(WAITS), size })
    }

    /// Gives news that waits its number, a handful at most.
    pub(super) async fn number_news(&self, list: u32, at: Timestamp) -> Result<(), StoreError> {
        let mut client = self.writer().await?;
        let transaction = client.transaction().await?;
        let lock = transaction.prepare_cached(sql::LOCK_FEED).await?;
        transaction.query(&lock, &[&number(list)]).await?;
        // A statement of its own: what others have committed until the lock was had is to be seen.
        let statement = transaction.prepare_cached(sql::SEQUENCE_NEWS).await?;
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        transaction.execute(&statement, &[&number(list), &HANDFUL, &day]).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Has everybody who reads a list's feed begin again, by an export.
    pub async fn renew_feed(&self, list: u32) -> Result<(), StoreError> {
        self.writer().await?.execute(sql::RENEW_FEED, &[&number(list)]).await?;
        Ok(())
    }

    /// Forgets a list's news of more than so many days. What waits gets its number first, so that it is forgotten in its
    /// turn, whether anybody reads or not.
    pub async fn forget_news(&self, list: u32, days: u32, at: Timestamp) -> Result<(), StoreError> {
        let client = self.writer().await?;
        client.execute(sql::INSERT_FEED, &[&number(list)]).await?;
        drop(client);
        while self.news_waits(list).await? {
            self.number_news(list, at).await?;
        }
        let before = at - SignedDuration::from_hours(24 * i64::from(days));
        let day = before.to_zoned(jiff::tz::TimeZone::UTC).date();
        loop {
            let mut client = self.writer().await?;
            let transaction = client.transaction().await?;
            transaction.query(sql::LOCK_FEED, &[&number(list)]).await?;
            let row = transaction.query_one(sql::DELETE_NEWS, &[&number(list), &day, &HANDFUL]).await?;
            transaction.commit().await?;
            if row.try_get::<_, i64>("news")? < HANDFUL {
                return Ok(());
            }
        }
    }

    async fn news_waits(&self, list: u32) -> Result<bool, StoreError> {
        let client = self.writer().await?;
        let row = client.query_opt(sql::FIND_FEED, &[&number(list), &(WAITS - 1)]).await?;
        Ok(row.is_some_and(|row| matches!(row.try_get("newest"), Ok(Some(WAITS)))))
    }

    /// Tells in the trails how many rows readers of feeds were handed in the hours that are over, and returns in how many
    /// entries. Each looks back on the trail's size when the first rows of its hour were read: whoever could be exported
    /// anywhere between that size and the entry itself may have been handed out.
    pub async fn settle_feeds(&self, at: Timestamp) -> Result<usize, StoreError> {
        let mut client = self.writer().await?;
        let transaction = client.transaction().await?;
        let mut entries = 0;
        for row in transaction.query(sql::DELETE_FED, &[&hour(at - SETTLES)]).await? {
            let unsigned_of = |name| {
                let value: i64 = row.try_get(name)?;
                u64::try_from(value).map_err(|_| StoreError::Malformed(name))
            };
            let (list, rows, since) = (unsigned(&row, "list")?, unsigned_of("rows")?, unsigned_of("since")?);
            // Nobody's address was in what was handed out.
            if rows == 0 {
                continue;
            }
            let tail = entry::service_tail(&fixed(&row, "id")?, since, rows);
            let entry = entry::entry(Event::Fed, at, &entry::ZEROS, &tail);
            transaction.execute(sql::INSERT_ENTRY, &[&number(list), &entry.as_slice()]).await?;
            entries += 1;
        }
        transaction.commit().await?;
        Ok(entries)
    }
}

fn page(after: &FeedCursor, rows: &[Row], limit: u32) -> Result<FeedPage, StoreError> {
    let mut page = FeedPage {
        added: Vec::new(),
        removed: Vec::new(),
        next: after.clone(),
        more: rows.len() == limit as usize,
    };
    for row in rows {
        let reference = fixed(row, "reference")?;
        match row.try_get::<_, Option<&[u8]>>("id")? {
            None => page.removed.push(reference),
            Some(_) => page.added.push(ExportRow {
                id: id(row, "id")?,
                lang: row.try_get("lang")?,
                seal: row.try_get("seal")?,
                reference,
                confirmed_at: row.try_get("confirmed_at")?,
                notice_version: unsigned(row, "notice")?,
            }),
        }
    }
    if let Some(last) = rows.last() {
        let n: i64 = last.try_get("n")?;
        page.next.n = u64::try_from(n).map_err(|_| StoreError::Malformed("the number of news"))?;
    }
    Ok(page)
}

/// Hours since the Unix epoch.
fn hour(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(3600)).unwrap_or_default()
}
