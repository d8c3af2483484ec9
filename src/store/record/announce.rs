//! Announcing a list's new notice: who is told of it is noted in the statement that queues the letter.

use jiff::Timestamp;

use super::Client;
use crate::consent::subscription::SUBSCRIBED;
use crate::store::outbox::LetterKind;
use crate::store::rows::{id, number};
use crate::store::{LOOKS, Store, StoreError, sql};
use crate::token::SubscriptionId;

/// How many rows one statement looks at: after a run that was broken off, most of a large list is passed over, and no
/// statement may take long.
const ROWS: i64 = 10_000;

/// What came of one handful.
#[derive(Clone, Copy, Debug)]
pub struct Handful {
    /// How many people are told.
    pub people: u32,
    /// Where the next begins; `None` after the last.
    pub last: Option<SubscriptionId>,
}

impl Store {
    /// How many of a list's people agreed to an earlier notice and have not been told of the present one.
    pub async fn count_unannounced(&self, list: u32) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::COUNT_UNANNOUNCED).await?;
        Ok(client.query_one(&statement, &[&number(list), &SUBSCRIBED.bits()]).await?.try_get("people")?)
    }

    /// Queues the letter about the list's present notice for up to `most` of its people after an id, in the order of
    /// their ids: of those whom [`Store::count_unannounced`] counts, each once for this version, whoever else tells them.
    pub async fn announce_notice(
        &self,
        list: u32,
        after: SubscriptionId,
        most: u32,
        at: Timestamp,
    ) -> Result<Handful, StoreError> {
        let mut told = Err(StoreError::Collision);
        for _ in 0..LOOKS {
            told = announce(&self.writer().await?, list, after, most, at).await;
            if !matches!(told, Err(StoreError::Collision)) {
                break;
            }
        }
        told
    }
}

async fn announce(
    client: &Client,
    list: u32,
    after: SubscriptionId,
    most: u32,
    at: Timestamp,
) -> Result<Handful, StoreError> {
    let statement = client.prepare_cached(sql::ANNOUNCE_NOTICE).await?;
    let (after, most, kind) = (after.0.as_slice(), i64::from(most), LetterKind::NoticeChange as i16);
    let row = client
        .query_one(&statement, &[&number(list), &after, &ROWS, &most, &SUBSCRIBED.bits(), &kind, &at])
        .await?;
    let last = match row.try_get::<_, Option<&[u8]>>("last")? {
        None => None,
        Some(_) => Some(id(&row, "last")?),
    };
    let people: i64 = row.try_get("people")?;
    let people = u32::try_from(people).map_err(|_| StoreError::Malformed("a handful"))?;
    Ok(Handful { people, last })
}
