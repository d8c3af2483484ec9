//! Sealing: a list's waiting entries are numbered, hashed into its tree and signed for, in one transaction.
//!
//! Any number of services may try; one holds the trail's lock. Nothing is kept between transactions, so there is
//! nothing to recover: a sealer that dies has done nothing, or all of it.

use deadpool_postgres::{GenericClient as _, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::rows::{number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::list::origin;
use crate::keys::KeyRing;
use crate::trail::checkpoint::Checkpoint;
use crate::trail::growth::Growth;
use crate::trail::note::Signer;
use crate::trail::tile::Kind;
use crate::trail::tree::{Frontier, leaf_hash};

/// What an advisory lock on a list's trail is called, among all that lock anything in this database.
const LOCK: i32 = 0x7472_6c73;
/// Entries numbered by one statement.
const HANDFUL: i64 = 16_384;
/// Entries that are tallied by one statement, well within the time that one has.
const COUNTED_AT_ONCE: i64 = 262_144;

/// What an impossible state is called.
const SIZE: &str = "a trail's size";

/// Who signs, and when.
pub struct Seal<'a> {
    host: &'a str,
    /// The Ed25519 seed.
    seed: &'a [u8; 32],
    pub(super) at: Timestamp,
}

impl<'a> Seal<'a> {
    /// By the ring's key. A new trail is named after `host`: host and port that people reach the service at.
    pub fn new(host: &'a str, keys: &'a KeyRing, at: Timestamp) -> Seal<'a> {
        Seal { host, seed: keys.trail_seed(), at }
    }
}

/// What the public sees of a trail once it is sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Public {
    /// What it saw.
    AsItWas,
    /// What stood before: the interval that it was sealed in is over. An act shows at its interval's end, so that nobody
    /// learns its second by watching.
    Before,
    /// Everything: the list is new, or closed.
    Newest,
}

/// Where a trail stands within a transaction that holds its lock.
pub(super) struct Standing {
    pub origin: String,
    pub frontier: Frontier,
    /// Whether a mirror is being replayed over the list.
    pub is_replaying: bool,
    /// What the public may see after this.
    pub public: Public,
    /// Whether it sees less so far.
    pub public_is_behind: bool,
}

impl Store {
    /// The lists that the sealer has something to do for.
    pub async fn trails_to_seal(&self, now: Timestamp) -> Result<Vec<u32>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::SELECT_TRAILS_TO_SEAL).await?;
        client.query(&statement, &[&now]).await?.iter().map(|row| unsigned(row, "list")).collect()
    }

    /// Seals what waits, a handful at most, and returns the log's size; `None` where another is at it.
    ///
    /// Crash points: before the commit (nothing has happened), after it (everything has). An entry that is committed
    /// meanwhile waits for the next time.
    pub async fn seal(&self, list: u32, seal: &Seal<'_>) -> Result<Option<u64>, StoreError> {
        let mut client = self.writer().await?;
        let transaction = client.transaction().await?;
        let size = self.extend(&transaction, list, seal, 1).await?;
        transaction.commit().await?;
        Ok(size)
    }

    /// Extends a list's trail by what the transaction sees waiting, in so many handfuls at most, and returns its size;
    /// `None` where another holds its lock, and then the transaction has changed nothing.
    pub(super) async fn extend(
        &self,
        transaction: &Transaction<'_>,
        list: u32,
        seal: &Seal<'_>,
        handfuls: u32,
    ) -> Result<Option<u64>, StoreError> {
        if !lock_trail(transaction, list).await? {
            return Ok(None);
        }
        let standing = standing(transaction, list, &origin(seal.host, list), seal.at).await?;
        let before = standing.frontier.size();
        if standing.is_replaying || self.is_behind_its_mirror(list, before) {
            return Err(StoreError::Held);
        }
        let mut growth = Growth::new(standing.frontier.clone());
        for _ in 0..handfuls {
            let entries = sequence(transaction, list, growth.frontier().size()).await?;
            entries.iter().for_each(|entry| growth.push(leaf_hash(entry)));
            if entries.len() < HANDFUL as usize {
                break;
            }
        }
        let size = growth.frontier().size();
        if size > before || (standing.public != Public::AsItWas && standing.public_is_behind) {
            append(transaction, list, &growth).await?;
            sign(transaction, list, seal, &standing, growth.frontier()).await?;
        }
        Ok(Some(size))
    }
}

/// Whether the transaction may extend the list's trail; until its end nobody else may.
pub(super) async fn lock_trail(transaction: &Transaction<'_>, list: u32) -> Result<bool, StoreError> {
    let lock = transaction.prepare_cached(sql::LOCK_TRAIL).await?;
    Ok(transaction.query_one(&lock, &[&LOCK, &number(list)]).await?.try_get("held")?)
}

/// Where a list's trail stands; before its first entry it is called `origin`.
pub(super) async fn standing(
    transaction: &Transaction<'_>,
    list: u32,
    origin: &str,
    at: Timestamp,
) -> Result<Standing, StoreError> {
    let find = transaction.prepare_cached(sql::FIND_TRAIL).await?;
    let Some(row) = transaction.query_opt(&find, &[&number(list), &at]).await? else {
        return Ok(Standing {
            origin: origin.to_owned(),
            is_replaying: false,
            frontier: Frontier::default(),
            public: Public::Newest,
            public_is_behind: true,
        });
    };
    let frontier =
        Frontier::from_bytes(row.try_get("frontier")?).ok_or(StoreError::Malformed("a frontier"))?;
    let (size, public_size): (i64, i64) = (row.try_get("size")?, row.try_get("public_size")?);
    if u64::try_from(size) != Ok(frontier.size()) {
        return Err(StoreError::Malformed(SIZE));
    }
    Ok(Standing {
        origin: row.try_get("origin")?,
        frontier,
        is_replaying: row.try_get("is_replaying")?,
        public: match (row.try_get("is_closed")?, row.try_get("public_is_due")?) {
            (true, _) => Public::Newest,
            (_, true) => Public::Before,
            _ => Public::AsItWas,
        },
        public_is_behind: public_size < size,
    })
}

/// Numbers entries that wait, and returns them in their order.
async fn sequence(transaction: &Transaction<'_>, list: u32, from: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let statement = transaction.prepare_cached(sql::SEQUENCE_ENTRIES).await?;
    let from = i64::try_from(from).map_err(|_| StoreError::Malformed(SIZE))?;
    let rows = transaction.query(&statement, &[&number(list), &from, &HANDFUL]).await?;
    let read = |row: Row| Ok((row.try_get("index")?, row.try_get("entry")?));
    let mut entries: Vec<(i64, Vec<u8>)> = rows.into_iter().map(read).collect::<Result<_, StoreError>>()?;
    entries.sort_unstable_by_key(|(index, _)| *index);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

/// Adds to the tiles what a growth has made.
pub(super) async fn append(
    transaction: &Transaction<'_>,
    list: u32,
    growth: &Growth,
) -> Result<(), StoreError> {
    let (mut levels, mut indices, mut hashes, mut widths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for addition in growth.additions() {
        let Kind::Hashes(level) = addition.tile.kind() else { continue };
        levels.push(i16::from(level));
        indices.push(addition.tile.index() as i64);
        hashes.push(addition.hashes);
        widths.push(i32::from(addition.tile.width()));
    }
    let statement = transaction.prepare_cached(sql::APPEND_TILES).await?;
    let rows = transaction.query(&statement, &[&number(list), &levels, &indices, &hashes]).await?;
    for row in rows {
        let place: (i16, i64) = (row.try_get("level")?, row.try_get("index")?);
        let width = (0..levels.len()).find(|&n| (levels[n], indices[n]) == place).map(|n| widths[n] * 32);
        if width != Some(row.try_get("length")?) {
            return Err(StoreError::Malformed("a trail's tile"));
        }
    }
    Ok(())
}

async fn sign(
    transaction: &Transaction<'_>,
    list: u32,
    seal: &Seal<'_>,
    standing: &Standing,
    frontier: &Frontier,
) -> Result<(), StoreError> {
    let signed = Checkpoint::new(&standing.origin, frontier.size(), frontier.root())
        .ok()
        .zip(Signer::new(&standing.origin, seal.seed).ok())
        .and_then(|(checkpoint, signer)| checkpoint.sign(&signer).ok());
    let signed = signed.ok_or(StoreError::Malformed("a trail's origin"))?.to_string();
    record_checkpoint(transaction, list, standing, frontier, &signed, seal.at).await
}

/// Moves the trail on to a signed checkpoint, and counts what it has come to hold.
pub(super) async fn record_checkpoint(
    transaction: &Transaction<'_>,
    list: u32,
    standing: &Standing,
    frontier: &Frontier,
    signed: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let statement = transaction.prepare_cached(sql::UPDATE_TRAIL).await?;
    let (before, size) = (standing.frontier.size() as i64, frontier.size() as i64);
    let moved = transaction
        .query_opt(
            &statement,
            &[
                &number(list),
                &standing.origin,
                &before,
                &size,
                &frontier.to_bytes(),
                &signed,
                &at,
                &(standing.public == Public::Before),
                &(standing.public == Public::Newest),
            ],
        )
        .await?;
    // The lock keeps others out: were it not so, nothing of this may stand.
    moved.ok_or(StoreError::Malformed(SIZE))?;
    let count = transaction.prepare_cached(sql::COUNT_ACTS).await?;
    while transaction.query_one(&count, &[&number(list), &COUNTED_AT_ONCE]).await?.try_get("is_more")? {}
    Ok(())
}
