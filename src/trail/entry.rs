//! A trail entry, its commitment and the opening that ties it to a record: without the opening, an
//! entry tells of nobody.
//!
//! 70 bytes: `01 ‖ event u8 ‖ hours since the epoch u32be ‖ notice SHA-256[32] ‖ commitment[32]`.

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
    NoticePublished = 16,
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
/// `Confirmed` and zeros for every other event of a person, so that those can be recomputed whatever was edited.
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
