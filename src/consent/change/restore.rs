//! The undoing of a withdrawal: the row as it was, with the next commitments in place.

use jiff::Timestamp;

use crate::consent::address::Address;
use crate::consent::person::{Person, PersonError};
use crate::consent::undo::{Gone, Undo};
use crate::keys::KeyRing;
use crate::token::SubscriptionId;
use crate::trail::entry::{self, Event};

/// A row that comes back under its own id and reference, and the entry that says so.
#[derive(Clone)]
pub struct Restore {
    list: u32,
    id: SubscriptionId,
    address_key: [u8; 32],
    row: Gone,
    at: Timestamp,
    withdrawn: [u8; 32],
    entry: [u8; entry::LENGTH],
}

/// Why a way back leads nowhere, whatever is in the database.
#[derive(Debug, thiserror::Error)]
pub enum CannotRestore {
    #[error("the time to undo is over")]
    TooLate,
    #[error("what the way back holds cannot be read")]
    Damaged(#[from] PersonError),
}

impl Restore {
    /// Undoes the withdrawal that `undo` was made at. The same `undo` always brings the same commitment for its entry,
    /// by which a second use is known.
    pub fn new(ring: &KeyRing, undo: Undo, nonce: [u8; 24], at: Timestamp) -> Result<Restore, CannotRestore> {
        if undo.expires_at() <= at {
            return Err(CannotRestore::TooLate);
        }
        let (list, id) = (undo.list(), undo.id());
        let mut row = undo.into_gone();
        let mut person = Person::open(ring, list, id, &row.seal)?;
        let address = Address::parse(&person.address).map_err(|_| PersonError::Malformed)?;
        // Nobody would know when it has to go.
        person.correction = None;
        let restored = person.next_commitment(list, Event::Restored);
        for event in [Event::Withdrawn, Event::Restored] {
            person.acts.reach(event, person.acts.count(event) + 1);
        }
        row.seal = person.seal(ring, nonce, list, id);
        Ok(Restore {
            list,
            id,
            address_key: ring.address_key(list, &address.dedupe_form()),
            row,
            at,
            withdrawn: person.next_commitment(list, Event::Withdrawn),
            entry: entry::entry(Event::Restored, at, &entry::ZEROS, &restored),
        })
    }

    pub fn list(&self) -> u32 {
        self.list
    }
    pub fn id(&self) -> SubscriptionId {
        self.id
    }
    pub fn address_key(&self) -> &[u8; 32] {
        &self.address_key
    }
    /// The row as it was, under a seal that counts what has happened since.
    pub fn row(&self) -> &Gone {
        &self.row
    }
    /// The commitment that the next `withdrawn` entry will carry.
    pub fn withdrawn(&self) -> &[u8; 32] {
        &self.withdrawn
    }
    pub fn at(&self) -> Timestamp {
        self.at
    }
    pub fn entry(&self) -> &[u8; entry::LENGTH] {
        &self.entry
    }
}
