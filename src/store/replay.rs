//! Replaying a mirror over a restored database: the log gets its tail back in one transaction; then each row is brought
//! up to what the log tells, while nothing is signed, sent or exported for the list.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::IsolationLevel;

use super::outbox::LetterKind;
use super::rows::{id, number, state};
use super::seal::{Public, Standing, append, lock_trail, record_checkpoint, standing};
use super::{Store, StoreError, sql};
use crate::consent::subscription::{LEAVES_ENTRY, State};
use crate::token::SubscriptionId;
use crate::trail::checkpoint::Checkpoint;
use crate::trail::entry::{self, Entry, Event};
use crate::trail::growth::Growth;
use crate::trail::tree::leaf_hash;

/// Entries written by one statement.
const HANDFUL: usize = 16_384;
/// How often a replay that meets the sealer at work tries.
const TRIES: u32 = 50;

/// What the advisory lock of a list's replay is called, among all that lock anything in this database.
const LOCK: i32 = 0x7265_706c;

/// Keeps other replays of a list out until it is dropped, or its process dies: a second one would go on after the first
/// has freed the list, and erase whoever signs up then.
pub struct Alone {
    /// Its transaction holds the lock.
    _client: ClientWrapper,
}

/// What a mirror holds that a database may not.
pub struct Mirrored<'a> {
    /// Checked, as is its signature.
    pub checkpoint: &'a Checkpoint,
    /// The note as it was signed.
    pub note: &'a str,
}

/// How far the log of a database was behind its mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// It was not: whatever the mirror holds is there.
    NoMore,
    /// An earlier replay has restored the log, and did not come to its end.
    InTheMiddle,
    /// By so many entries, which are there now.
    By(u64),
}

/// Why a log was not restored.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the mirror is of another log than the list's: that is called {0}")]
    OtherLog(String),
    #[error(
        "the database's log is not the one that the mirror holds: it was signed anew since it was restored"
    )]
    Parted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A row on its way through a replay; its person is still under seal.
pub struct HeldRow {
    pub id: SubscriptionId,
    pub state: State,
    pub seal: Vec<u8>,
}

impl Store {
    /// Waits a moment for one that was just killed; `None` where another replay of the list is under way.
    pub async fn replay_alone(&self, list: u32) -> Result<Option<Alone>, StoreError> {
        let client = Object::take(self.writer().await?);
        client.batch_execute("BEGIN").await?;
        for turn in 1..=TRIES {
            if client.query_one(sql::LOCK_TRAIL, &[&LOCK, &number(list)]).await?.try_get("held")? {
                return Ok(Some(Alone { _client: client }));
            }
            tokio::time::sleep(Duration::from_millis(u64::from(turn))).await;
        }
        Ok(None)
    }

    /// Gives a list's log the entries back that only its mirror holds, drops those that wait though the mirror has them,
    /// and empties the list's outbox; from then on the list is held until [`Store::end_replay`]. `tail` gives the
    /// mirror's entries from an index on.
    ///
    /// Crash points: before the commit (nothing has happened), after it (the next run goes on with the rows).
    pub async fn restore_log<E: From<ReplayError>>(
        &self,
        list: u32,
        mirrored: &Mirrored<'_>,
        tail: impl Fn(u64) -> Result<Vec<[u8; entry::LENGTH]>, E>,
        at: Timestamp,
    ) -> Result<Behind, E> {
        let lost = |error: tokio_postgres::Error| ReplayError::Store(error.into());
        let mut client = self.writer().await.map_err(ReplayError::Store)?;
        for turn in 1..=TRIES {
            let transaction = client.transaction().await.map_err(lost)?;
            if lock_trail(&transaction, list).await.map_err(ReplayError::Store)? {
                let behind = restore(&transaction, list, mirrored, &tail, at).await?;
                transaction.commit().await.map_err(lost)?;
                return Ok(behind);
            }
            drop(transaction);
            tokio::time::sleep(Duration::from_millis(u64::from(turn))).await;
        }
        Err(ReplayError::Store(StoreError::Busy).into())
    }

    /// The list's rows after an id, in the order of their ids.
    pub async fn rows_after(
        &self,
        list: u32,
        after: SubscriptionId,
        most: u32,
    ) -> Result<Vec<HeldRow>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::SELECT_ROWS).await?;
        let rows = client.query(&statement, &[&number(list), &after.0.as_slice(), &i64::from(most)]).await?;
        rows.iter()
            .map(|row| Ok(HeldRow { id: id(row, "id")?, state: state(row)?, seal: row.try_get("seal")? }))
            .collect()
    }

    /// The hours of those commitments that a list's log has.
    pub async fn hours_of(
        &self,
        list: u32,
        commitments: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], u32>, StoreError> {
        let mut hours = HashMap::new();
        for (_, bytes) in self.find_entries(list, commitments).await? {
            let found = Entry::read(&bytes).map_err(|_| StoreError::Malformed("a trail's entry"))?;
            if let entry::Tail::Commitment(commitment) = found.tail {
                hours.insert(commitment, found.hour);
            }
        }
        Ok(hours)
    }

    /// Which of these hashes are not those of a list's notices.
    pub async fn unknown_notices(&self, list: u32, hashes: &[[u8; 32]]) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let asked: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
        Ok(client.query(sql::SELECT_UNKNOWN_NOTICES, &[&number(list), &asked]).await?.len() as u64)
    }

    /// Every row is as the log tells: confirmed people without a row are noted as lost, and the list is free again.
    /// Returns how many they are; a second time there are none.
    pub async fn end_replay(&self, list: u32, random: [u8; 16], at: Timestamp) -> Result<u64, StoreError> {
        let mut client = self.client().await?;
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
        // People may leave at any time, so one who had left may have done so once more by the row that came back.
        transaction.execute(sql::DELETE_REPEATED_ENTRIES, &[&number(list)]).await?;
        let row = transaction.query_one(sql::COUNT_LOST, &[&number(list), &LEAVES_ENTRY.bits()]).await?;
        let (size, lost): (i64, i64) = (row.try_get("size")?, row.try_get("lost")?);
        let unsigned = |number: i64| {
            u64::try_from(number)
                .map_err(|_| StoreError::Malformed("more people have rows than the log tells of"))
        };
        let (size, lost) = (unsigned(size)?, unsigned(lost)?);
        if lost > 0 {
            let tail = entry::service_tail(&random, size, lost);
            let entry = entry::entry(Event::Lost, at, &entry::ZEROS, &tail);
            transaction.execute(sql::INSERT_ENTRY, &[&number(list), &entry.as_slice()]).await?;
        }
        transaction.execute(sql::UPDATE_REPLAY, &[&number(list), &false]).await?;
        // The lost database may have handed out any cursor.
        transaction.execute(sql::RENEW_FEED, &[&number(list)]).await?;
        transaction.commit().await?;
        Ok(lost)
    }
}

async fn restore<E: From<ReplayError>>(
    transaction: &Transaction<'_>,
    list: u32,
    mirrored: &Mirrored<'_>,
    tail: &impl Fn(u64) -> Result<Vec<[u8; entry::LENGTH]>, E>,
    at: Timestamp,
) -> Result<Behind, E> {
    let origin = mirrored.checkpoint.origin();
    let standing = standing(transaction, list, origin, at).await.map_err(ReplayError::Store)?;
    // The public may have seen the newest already, and is never shown less again.
    let standing = Standing { public: Public::Newest, ..standing };
    if standing.origin != origin {
        return Err(ReplayError::OtherLog(standing.origin).into());
    }
    let size = standing.frontier.size();
    if size >= mirrored.checkpoint.size() {
        return Ok(if standing.is_replaying { Behind::InTheMiddle } else { Behind::NoMore });
    }
    let tail = tail(size)?;
    write(transaction, list, mirrored, &standing, &tail, at).await?;
    Ok(Behind::By(tail.len() as u64))
}

async fn write(
    transaction: &Transaction<'_>,
    list: u32,
    mirrored: &Mirrored<'_>,
    standing: &Standing,
    tail: &[[u8; entry::LENGTH]],
    at: Timestamp,
) -> Result<(), ReplayError> {
    let lost = |error: tokio_postgres::Error| ReplayError::Store(error.into());
    let mut frontier = standing.frontier.clone();
    for handful in tail.chunks(HANDFUL) {
        let ends: Vec<&[u8]> = handful.iter().map(|entry| &entry[entry::HEAD + 32..]).collect();
        transaction.execute(sql::DELETE_WAITING_ENTRIES, &[&number(list), &ends]).await.map_err(lost)?;
        let indices: Vec<i64> = (frontier.size() as i64..).take(handful.len()).collect();
        let entries: Vec<&[u8]> = handful.iter().map(<[u8; entry::LENGTH]>::as_slice).collect();
        transaction.execute(sql::INSERT_ENTRIES, &[&number(list), &indices, &entries]).await.map_err(lost)?;
        let mut growth = Growth::new(frontier);
        handful.iter().for_each(|entry| growth.push(leaf_hash(entry)));
        append(transaction, list, &growth).await?;
        frontier = growth.frontier().clone();
    }
    // A database whose log went another way has another right edge, which no tail leads to the mirror's root.
    let mirrored_as = (mirrored.checkpoint.size(), *mirrored.checkpoint.root());
    if (frontier.size(), frontier.root()) != mirrored_as {
        return Err(ReplayError::Parted);
    }
    record_checkpoint(transaction, list, standing, &frontier, mirrored.note, at).await?;
    let told = LetterKind::NoticeChange as i16;
    transaction.execute(sql::DELETE_LETTERS, &[&number(list), &told]).await.map_err(lost)?;
    transaction.execute(sql::UPDATE_REPLAY, &[&number(list), &true]).await.map_err(lost)?;
    Ok(())
}
