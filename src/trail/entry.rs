//! A trail entry, its commitment and the opening that ties it to a record: without the opening, an
//! entry tells of nobody.
//!
//! 70 bytes: `01 ‖ event u8 ‖ hours since the epoch u32be ‖ notice SHA-256[32] ‖ commitment[32]`.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

const VERSION: u8 = 1;
/// The bytes before the notice's hash: version, event, hour.
pub const HEAD: usize = 6;
/// An entry's whole length in bytes.
pub const LENGTH: usize = 70;
/// The notice slot, or the digest, of events that name no notice.
pub const ZEROS: [u8; 32] = [0; 32];

/// What a list's trail tells of. Persons' events are below 16, the service's own from 16 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Event {
    Confirmed = 1,
    Withdrawn = 2,
    Paused = 3,
    Resumed = 4,
    /// A withdrawal was undone.
    Restored = 5,
    /// Agreed to a new notice.
    Renewed = 6,
    /// A new address.
    Corrected = 7,
    NoticePublished = 16,
    ExportBegan = 17,
    Exported = 18,
    /// A reader of the feed was told of changes.
    Fed = 19,
    /// Confirmed people whom a restored backup no longer knew.
    Lost = 20,
}

impl Event {
    pub const ALL: [Event; 12] = [
        Event::Confirmed,
        Event::Withdrawn,
        Event::Paused,
        Event::Resumed,
        Event::Restored,
        Event::Renewed,
        Event::Corrected,
        Event::NoticePublished,
        Event::ExportBegan,
        Event::Exported,
        Event::Fed,
        Event::Lost,
    ];

    /// The event of that number, where there is one.
    pub fn of(number: u8) -> Option<Event> {
        Event::ALL.into_iter().find(|event| *event as u8 == number)
    }

    /// Whether it is a person's, with a commitment; else it is the service's own, with a tail in the clear.
    pub fn is_a_persons(self) -> bool {
        (self as u8) < Event::NoticePublished as u8
    }

    /// Whether the notice slot is filled: with the notice's SHA-256, in `Exported` with the file's.
    pub fn fills_the_slot(self) -> bool {
        matches!(self, Event::Confirmed | Event::Renewed | Event::NoticePublished | Event::Exported)
    }

    /// Whether its commitment is to a consent record; other commitments are to the event alone, so that they can be
    /// recomputed whatever was edited.
    pub fn commits_to_a_record(self) -> bool {
        matches!(self, Event::Confirmed | Event::Renewed)
    }

    /// Its name in the design.
    pub fn name(self) -> &'static str {
        match self {
            Event::Confirmed => "confirmed",
            Event::Withdrawn => "withdrawn",
            Event::Paused => "paused",
            Event::Resumed => "resumed",
            Event::Restored => "restored",
            Event::Renewed => "renewed",
            Event::Corrected => "corrected",
            Event::NoticePublished => "notice_published",
            Event::ExportBegan => "export_began",
            Event::Exported => "exported",
            Event::Fed => "fed",
            Event::Lost => "lost",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an entry's 70 bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub event: Event,
    /// Whole hours since the Unix epoch.
    pub hour: u32,
    /// The notice slot; zeros for events that do not fill it.
    pub notice: [u8; 32],
    pub tail: Tail,
}

/// An entry's last 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Of a person's event.
    Commitment([u8; 32]),
    /// Of the service's: a random id, the tree size the event looks back on, a count of rows or people.
    Service { id: [u8; 16], tree_size: u64, count: u64 },
}

/// Why some bytes are not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEntry {
    #[error("{0} bytes long instead of {LENGTH}")]
    Length(usize),
    #[error("of version {0}, which is unknown")]
    Version(u8),
    #[error("of event {0}, which is unknown")]
    Event(u8),
    #[error("a `{0}` whose notice slot is empty")]
    SlotEmpty(Event),
    #[error("a `{0}` whose notice slot is filled")]
    SlotFilled(Event),
}

impl Entry {
    /// Reads an entry's bytes; what is written by [`entry`] in one way only is read in one way only.
    pub fn read(bytes: &[u8]) -> Result<Entry, NotAnEntry> {
        let bytes: &[u8; LENGTH] = bytes.try_into().map_err(|_| NotAnEntry::Length(bytes.len()))?;
        let (&[version, number, a, b, c, d], rest) = split::<HEAD>(bytes);
        let (&notice, tail) = split::<32>(rest);
        if version != VERSION {
            return Err(NotAnEntry::Version(version));
        }
        let event = Event::of(number).ok_or(NotAnEntry::Event(number))?;
        match (event.fills_the_slot(), notice == ZEROS) {
            (true, true) => return Err(NotAnEntry::SlotEmpty(event)),
            (false, false) => return Err(NotAnEntry::SlotFilled(event)),
            _ => {}
        }
        let tail = if event.is_a_persons() { Tail::Commitment(*split(tail).0) } else { Tail::service(tail) };
        Ok(Entry { event, hour: u32::from_be_bytes([a, b, c, d]), notice, tail })
    }
}

impl Tail {
    fn service(tail: &[u8]) -> Tail {
        let (&id, numbers) = split::<16>(tail);
        let (&tree_size, count) = split::<8>(numbers);
        let (&count, _) = split::<8>(count);
        Tail::Service { id, tree_size: u64::from_be_bytes(tree_size), count: u64::from_be_bytes(count) }
    }
}

/// The first `N` bytes and the rest, of an entry whose length has been checked.
fn split<const N: usize>(bytes: &[u8]) -> (&[u8; N], &[u8]) {
    bytes.split_first_chunk().expect("an entry's length has been checked")
}

/// The first bytes of an entry: everything that an act knows before the database tells it the rest.
pub fn head(event: Event, at: Timestamp) -> [u8; HEAD] {
    let hours = u32::try_from(at.as_second().max(0) / 3600).unwrap_or(u32::MAX);
    let mut head = [VERSION, event as u8, 0, 0, 0, 0];
    head[2..].copy_from_slice(&hours.to_be_bytes());
    head
}

/// A whole entry.
pub fn entry(event: Event, at: Timestamp, notice: &[u8; 32], commitment: &[u8; 32]) -> [u8; LENGTH] {
    let mut entry = [0; LENGTH];
    entry[..HEAD].copy_from_slice(&head(event, at));
    entry[HEAD..HEAD + 32].copy_from_slice(notice);
    entry[HEAD + 32..].copy_from_slice(commitment);
    entry
}

/// `HMAC-SHA256(secret, event ‖ n u32be)`: the `n`th opening, from 0, of that event for the subscription whose
/// secret this is.
pub fn opening(secret: &[u8; 32], event: Event, n: u32) -> [u8; 32] {
    hmac(secret, &[&[event as u8], &n.to_be_bytes()])
}

/// `HMAC-SHA256("optin/v1/commit", opening ‖ list u32be ‖ event ‖ digest)`. The digest is the record's SHA-256 for
/// `Confirmed` and `Renewed`, and zeros for every other event of a person, so that those can be recomputed whatever
/// was edited.
pub fn commitment(opening: &[u8; 32], list: u32, event: Event, digest: &[u8; 32]) -> [u8; 32] {
    hmac(b"optin/v1/commit", &[opening, &list.to_be_bytes(), &[event as u8], digest])
}

/// The last 32 bytes of a service's entry, in the clear: random id\[16\] ‖ tree size u64be ‖ count u64be.
pub fn service_tail(id: &[u8; 16], tree_size: u64, count: u64) -> [u8; 32] {
    let mut tail = [0; 32];
    tail[..16].copy_from_slice(id);
    tail[16..24].copy_from_slice(&tree_size.to_be_bytes());
    tail[24..].copy_from_slice(&count.to_be_bytes());
    tail
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_laid_out_as_documented() {
        let at: Timestamp = "2026-11-02T14:59:59Z".parse().unwrap();
        let entry = entry(Event::Confirmed, at, &[0xAA; 32], &[0xBB; 32]);
        let hours = (at.as_second() / 3600) as u32;
        assert_eq!(entry[..2], [1, 1]);
        assert_eq!(entry[2..6], hours.to_be_bytes());
        assert_eq!(entry[6..38], [0xAA; 32]);
        assert_eq!(entry[38..], [0xBB; 32]);
    }

    /// A whole entry of that event, its slot as the event wants it.
    fn of(event: Event) -> [u8; LENGTH] {
        let notice = if event.fills_the_slot() { [0xAA; 32] } else { ZEROS };
        entry(event, "2026-11-02T14:59:59Z".parse().unwrap(), &notice, &service_tail(&[7; 16], 8, 9))
    }

    #[test]
    fn what_is_written_is_read() {
        for event in Event::ALL {
            let bytes = of(event);
            let read = Entry::read(&bytes).unwrap();
            assert_eq!((read.event, read.hour), (event, 498_230));
            assert_eq!(read.notice, bytes[6..38]);
            match read.tail {
                Tail::Commitment(tail) => assert!(event.is_a_persons() && tail == bytes[38..]),
                Tail::Service { id, tree_size, count } => {
                    assert!(!event.is_a_persons());
                    assert_eq!((id, tree_size, count), ([7; 16], 8, 9));
                }
            }
        }
    }

    #[test]
    fn each_event_has_its_number_and_its_name() {
        let numbers = Event::ALL.map(|event| event as u8);
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20]);
        assert_eq!(Event::ALL.map(Event::is_a_persons), numbers.map(|number| number < 16));
        let known: Vec<u8> = (0..=255).filter(|number| Event::of(*number).is_some()).collect();
        assert_eq!(known, numbers);
        let filled = Event::ALL.into_iter().filter(|event| event.fills_the_slot()).map(Event::name);
        assert_eq!(filled.collect::<Vec<_>>(), ["confirmed", "renewed", "notice_published", "exported"]);
    }

    #[test]
    fn what_is_not_an_entry_is_told_why() {
        for length in (0..200).filter(|length| *length != LENGTH) {
            assert_eq!(Entry::read(&vec![1; length]), Err(NotAnEntry::Length(length)));
        }
        let with = |event: Event, at: usize, byte: u8| {
            let mut bytes = of(event);
            bytes[at] = byte;
            Entry::read(&bytes)
        };
        assert_eq!(with(Event::Paused, 0, 2), Err(NotAnEntry::Version(2)));
        assert_eq!(with(Event::Paused, 1, 8), Err(NotAnEntry::Event(8)));
        for event in Event::ALL {
            if event.fills_the_slot() {
                let mut bytes = of(event);
                bytes[6..38].fill(0);
                assert_eq!(Entry::read(&bytes), Err(NotAnEntry::SlotEmpty(event)));
            } else {
                assert_eq!(with(event, 37, 1), Err(NotAnEntry::SlotFilled(event)));
            }
        }
    }

    #[test]
    fn commitments_differ_by_every_part() {
        let base = commitment(&opening(&[1; 32], Event::Confirmed, 0), 1, Event::Confirmed, &[2; 32]);
        let others = [
            commitment(&opening(&[9; 32], Event::Confirmed, 0), 1, Event::Confirmed, &[2; 32]),
            commitment(&opening(&[1; 32], Event::Confirmed, 1), 1, Event::Confirmed, &[2; 32]),
            commitment(&opening(&[1; 32], Event::Withdrawn, 0), 1, Event::Confirmed, &[2; 32]),
            commitment(&opening(&[1; 32], Event::Confirmed, 0), 2, Event::Confirmed, &[2; 32]),
            commitment(&opening(&[1; 32], Event::Confirmed, 0), 1, Event::Withdrawn, &[2; 32]),
            commitment(&opening(&[1; 32], Event::Confirmed, 0), 1, Event::Confirmed, &[3; 32]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    /// Test vector, computed with Python's hmac module from the documented formula.
    #[test]
    fn the_commitment_is_the_documented_formula() {
        let made = commitment(&opening(&[1; 32], Event::Withdrawn, 0), 7, Event::Withdrawn, &ZEROS);
        assert_eq!(data_encoding::HEXLOWER.encode(&made), VECTOR);
    }

    const VECTOR: &str = "3f7706628ce5f8c7f362d6a9b66da4785f6d5e31da8ef57ef68f91b6aa5bedc0";
}
