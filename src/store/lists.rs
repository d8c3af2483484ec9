//! Lists and their notices.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use super::rows::{number, state, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::list::{List, ListOptions};
use crate::consent::notice::{Notice, NoticeText};
use crate::consent::subscription::State;
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
        let Publication { bytes, sha256, entry } = Publication::of(1, 1, texts, at, random);
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::INSERT_LIST).await?;
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&slug, &Json(options), &bytes, &sha256.as_slice(), &at, &entry.as_slice()];
        let row = client.query_opt(&statement, &parameters).await?;
        row.map(|row| unsigned(&row, "list")).transpose()
    }

    /// Changes a list's options, and publishes the next version of its notice where there is one: both, or nothing.
    /// A new purpose puts everybody off exports until they agree again. `false` where somebody else was faster.
    pub async fn change_list(
        &self,
        list: &List,
        current: &Notice,
        options: &ListOptions,
        next: Option<NextNotice>,
        at: Timestamp,
        random: [u8; 16],
    ) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let (old, new) = (Json(&list.options), Json(options));
        // Else a reader of the feed would go on with people who agreed to something else, or with columns of before.
        let begins_again =
            !options.shows_as(&list.options) || next.as_ref().is_some_and(|next| next.new_purpose);
        let changed = transaction.query_opt(sql::UPDATE_LIST, &[&number(list.number), &old, &new]).await?;
        let followed = match next {
            None => true,
            Some(next) => {
                let (version, purpose) = (current.version + 1, current.purpose + u32::from(next.new_purpose));
                let Publication { bytes, sha256, entry } =
                    Publication::of(version, purpose, next.texts, at, random);
                let parameters: [&(dyn ToSql + Sync); 7] = [
                    &number(list.number),
                    &number(version),
                    &number(purpose),
                    &bytes,
                    &sha256.as_slice(),
                    &at,
                    &entry.as_slice(),
                ];
                transaction.query_opt(sql::INSERT_NOTICE, &parameters).await?.is_some()
            }
        };
        let whole = changed.is_some() && followed;
        if whole {
            if begins_again {
                transaction.execute(sql::RENEW_FEED, &[&number(list.number)]).await?;
            }
            transaction.commit().await?;
        }
        Ok(whole)
    }

    /// Ends a list: nobody can confirm any more, and no export holds anybody. What it holds of people is erased by the
    /// sweeper. `false` where it was closed before.
    pub async fn close_list(&self, list_number: u32, at: Timestamp) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(client.query_opt(sql::CLOSE_LIST, &[&number(list_number), &at]).await?.is_some())
    }

    /// One version of a list's notice, however old.
    pub async fn find_notice(&self, list_number: u32, version: u32) -> Result<Option<Notice>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_NOTICE).await?;
        // A number that no version can have.
        let Ok(version) = i32::try_from(version) else { return Ok(None) };
        let row = client.query_opt(&statement, &[&number(list_number), &version]).await?;
        row.as_ref().map(notice).transpose()
    }

    /// Every version of a list's notice with the time it was published, the newest first.
    pub async fn notice_versions(&self, list_number: u32) -> Result<Vec<(u32, Timestamp)>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::SELECT_NOTICES).await?;
        let rows = client.query(&statement, &[&number(list_number)]).await?;
        rows.iter().map(|row| Ok((unsigned(row, "version")?, row.try_get("published_at")?))).collect()
    }

    /// How many people a list has.
    pub async fn count_people(&self, list_number: u32) -> Result<Count, StoreError> {
        let client = self.client().await?;
        let mut count = Count::default();
        for row in client.query(sql::COUNT_SUBSCRIPTIONS, &[&number(list_number)]).await? {
            let (all, agreed): (i64, i64) = (row.try_get("all")?, row.try_get("agreed")?);
            match state(&row)? {
                State::Pending => count.pending = all,
                State::Active => (count.active, count.to_ask_again) = (all, all - agreed),
                State::Paused => count.paused = all,
            }
        }
        Ok(count)
    }
}

/// The next version of a notice.
pub struct NextNotice {
    pub texts: BTreeMap<String, NoticeText>,
    /// Otherwise it corrects the wording.
    pub new_purpose: bool,
}

/// How many people a list has, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub pending: i64,
    pub active: i64,
    /// Active ones who agreed to an earlier purpose, and so may not be written to.
    pub to_ask_again: i64,
    pub paused: i64,
}

/// A version of a notice, and what its publishing leaves in the trail.
struct Publication {
    bytes: Vec<u8>,
    sha256: [u8; 32],
    entry: [u8; entry::LENGTH],
}

impl Publication {
    fn of(
        version: u32,
        purpose: u32,
        texts: BTreeMap<String, NoticeText>,
        at: Timestamp,
        random: [u8; 16],
    ) -> Publication {
        let bytes = Notice::encode(version, purpose, texts);
        let sha256 = Sha256::digest(&bytes).into();
        let tail = entry::service_tail(&random, 0, 0);
        Publication { bytes, sha256, entry: entry::entry(Event::NoticePublished, at, &sha256, &tail) }
    }
}

fn list(row: &Row) -> Result<(List, Notice), StoreError> {
    let Json(options) = row.try_get("options").map_err(|_| StoreError::Malformed("a list's options"))?;
    let (number, slug, is_closed) = (unsigned(row, "list")?, row.try_get("slug")?, row.try_get("is_closed")?);
    Ok((List { number, slug, options, is_closed }, notice(row)?))
}

fn notice(row: &Row) -> Result<Notice, StoreError> {
    let notice = Notice::decode(row.try_get("bytes")?, row.try_get("published_at")?);
    notice.ok_or(StoreError::Malformed("a notice"))
}
