//! The receipt: what lets its holder show, offline and without trusting the service, that a person said yes, to which
//! text and in which hour. With the subscription's secret in it, it also finds what the person did since; without, as
//! in evidence for others, it proves the one entry and nothing else.
//!
//! JSON, described in `docs/RECEIPT.md`. Its parts are checked against one another in such an order that the one that was
//! changed is named.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::list::list_of_origin;
use super::notice::Notice;
use super::person::Person;
use crate::trail::checkpoint::{Checkpoint, CheckpointError};
use crate::trail::entry::{self, Entry, Event, NotAnEntry, Tail};
use crate::trail::note::{NoteError, Verifier};
use crate::trail::proof::{Proof, ProofError};
use crate::trail::tree::leaf_hash;

/// The most bytes that a receipt may have: notices in many languages are long.
pub const MAX_BYTES: usize = 4 << 20;
/// What a receipt calls itself.
const KIND: &str = "optin-receipt/1";

/// A yes and its proof. Its `Debug` shows nothing of it.
pub struct Receipt {
    record: String,
    notice: String,
    number: u32,
    secret: Option<Zeroizing<[u8; 32]>>,
    opening: [u8; 32],
    entry: [u8; entry::LENGTH],
    proof: Proof,
    key: Verifier,
    trail: String,
}

/// The file. Bytes are base64url without padding; the record, the notice, the proof and the key are their exact texts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    record: String,
    notice: String,
    /// How many entries of this event the subscription had before this one.
    number: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
    opening: String,
    entry: String,
    proof: String,
    key: String,
    trail: String,
}

/// What the log has of a yes.
pub struct Logged {
    /// `Confirmed` or `Renewed`, and how many of them the subscription had before.
    pub event: Event,
    pub number: u32,
    pub entry: [u8; entry::LENGTH],
    pub proof: Proof,
    pub key: Verifier,
    /// The URL of the trail's pages.
    pub trail: String,
}

/// What a receipt proves, once it has been checked.
#[derive(Clone)]
pub struct Proven {
    pub list: u32,
    /// The notice's version and purpose.
    pub notice: u32,
    pub purpose: u32,
    pub event: Event,
    /// Whole hours since the Unix epoch: the only time that a log proves.
    pub hour: u32,
    /// The entry's index in its log.
    pub index: u64,
    pub checkpoint: Checkpoint,
}

/// Why a receipt is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    #[error("it is not a receipt")]
    NotAReceipt,
    #[error("it is larger than a receipt can be")]
    TooLarge,
    #[error("it is a receipt of a form that is unknown here")]
    Kind,
    #[error("its `{0}` is not readable")]
    Unreadable(&'static str),
    #[error("its key is not the key of a trail")]
    Key(NoteError),
    #[error("its proof cannot be read: {0}")]
    Proof(ProofError),
    #[error("its checkpoint is not to be trusted: {0}")]
    Checkpoint(CheckpointError),
    #[error("its proof does not lead from its entry to the checkpoint's root: one of them was changed")]
    Unproven,
    #[error("its entry fits neither its proof nor its record: it was changed")]
    Entry,
    #[error("its entry is {0}")]
    NotAnEntry(#[from] NotAnEntry),
    #[error("its entry is a `{0}`, which is no yes")]
    NoYes(Event),
    #[error("its notice is not the text that its entry names: it was changed")]
    Notice,
    #[error("its record names another notice than its entry does: it was changed")]
    OtherNotice,
    #[error(
        "its record is of list {record}, and its proof of list {trail}: it was changed, or is of another list"
    )]
    OtherList { record: u32, trail: u32 },
    #[error("its secret and number do not make its opening: one of them was changed")]
    Secret,
    #[error("its opening is not the one that its secret makes: it was changed")]
    Opening,
    #[error("its record is not the one that its entry commits to: it was changed")]
    Record,
    #[error("its entry commits to another record or opening: one of them was changed")]
    RecordOrOpening,
}

/// What is read of a file first.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// What is read of a record; there is more in it.
#[derive(Deserialize)]
struct Record {
    list: u32,
    notice: String,
}

impl Receipt {
    /// For the person: with the secret.
    pub fn for_person(person: &Person, notice: &Notice, logged: Logged) -> Receipt {
        let secret = Some(person.secret.clone());
        Receipt { secret, ..Receipt::for_others(person, notice, logged) }
    }

    /// For a regulator's question: it opens one entry, and no other of the person's.
    pub fn for_others(person: &Person, notice: &Notice, logged: Logged) -> Receipt {
        Receipt {
            record: person.record_of(logged.event).unwrap_or_default().to_owned(),
            notice: String::from_utf8_lossy(notice.bytes()).into_owned(),
            number: logged.number,
            secret: None,
            opening: entry::opening(&person.secret, logged.event, logged.number),
            entry: logged.entry,
            proof: logged.proof,
            key: logged.key,
            trail: logged.trail,
        }
    }

    /// The file's bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let file = File {
            kind: KIND.to_owned(),
            record: self.record.clone(),
            notice: self.notice.clone(),
            number: self.number,
            secret: self.secret.as_ref().map(|secret| Zeroizing::new(URL_SAFE_NO_PAD.encode(&secret[..]))),
            opening: URL_SAFE_NO_PAD.encode(self.opening),
            entry: URL_SAFE_NO_PAD.encode(self.entry),
            proof: self.proof.to_string(),
            key: self.key.to_string(),
            trail: self.trail.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("texts and numbers always serialize");
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file, checking nothing but its form.
    pub fn parse(bytes: &[u8]) -> Result<Receipt, ReceiptFault> {
        if bytes.len() > MAX_BYTES {
            return Err(ReceiptFault::TooLarge);
        }
        let Kind { kind } = serde_json::from_slice(bytes).map_err(|_| ReceiptFault::NotAReceipt)?;
        if kind != KIND {
            return Err(ReceiptFault::Kind);
        }
        let file: File = serde_json::from_slice(bytes).map_err(|_| ReceiptFault::NotAReceipt)?;
        Ok(Receipt {
            number: file.number,
            secret: match &file.secret {
                Some(text) => Some(Zeroizing::new(decoded("secret", text)?)),
                None => None,
            },
            opening: decoded("opening", &file.opening)?,
            entry: decoded("entry", &file.entry)?,
            proof: Proof::parse(file.proof.as_bytes()).map_err(ReceiptFault::Proof)?,
            key: Verifier::parse(&file.key).map_err(ReceiptFault::Key)?,
            record: file.record,
            notice: file.notice,
            trail: file.trail,
        })
    }

    /// Checks every part against the others. Whose key it is that vouches for all of it, is for the caller to know.
    pub fn check(&self) -> Result<Proven, ReceiptFault> {
        let trail = list_of_origin(self.key.name()).ok_or(ReceiptFault::Key(NoteError::Key))?;
        let named = self.check_entry(trail);
        let checkpoint = self.proof.verify(&leaf_hash(&self.entry), self.key.name(), &self.key);
        let checkpoint = checkpoint.map_err(|error| match error {
            ProofError::Checkpoint(error) => ReceiptFault::Checkpoint(error),
            // What two others do not agree with is wrong itself.
            _ if named.is_err() => ReceiptFault::Entry,
            _ => ReceiptFault::Unproven,
        })?;
        let (entry, notice) = named?;
        Ok(Proven {
            list: trail,
            notice: notice.version,
            purpose: notice.purpose,
            event: entry.event,
            hour: entry.hour,
            index: self.proof.index(),
            checkpoint,
        })
    }

    /// Checks what the entry says against what it says it of.
    fn check_entry(&self, trail: u32) -> Result<(Entry, Notice), ReceiptFault> {
        let entry = Entry::read(&self.entry)?;
        let committed = match entry.tail {
            Tail::Commitment(committed) if entry.event.commits_to_a_record() => committed,
            _ => return Err(ReceiptFault::NoYes(entry.event)),
        };
        let notice = Notice::decode(self.notice.as_bytes(), jiff::Timestamp::UNIX_EPOCH);
        let notice = notice.filter(|notice| notice.sha256 == entry.notice).ok_or(ReceiptFault::Notice)?;
        let record: Record =
            serde_json::from_str(&self.record).map_err(|_| ReceiptFault::Unreadable("record"))?;
        if record.notice != data_encoding::HEXLOWER.encode(&entry.notice) {
            return Err(ReceiptFault::OtherNotice);
        }
        if record.list != trail {
            return Err(ReceiptFault::OtherList { record: record.list, trail });
        }
        let digest = Sha256::digest(&self.record).into();
        let fits = |opening| entry::commitment(opening, record.list, entry.event, &digest) == committed;
        let made = self.secret.as_ref().map(|secret| entry::opening(secret, entry.event, self.number));
        match (made, fits(&self.opening)) {
            (None, false) => Err(ReceiptFault::RecordOrOpening),
            (Some(made), false) if made == self.opening => Err(ReceiptFault::Record),
            (Some(made), false) if fits(&made) => Err(ReceiptFault::Opening),
            (Some(made), _) if made != self.opening => Err(ReceiptFault::Secret),
            _ => Ok((entry, notice)),
        }
    }

    /// The record's exact text.
    pub fn record(&self) -> &str {
        &self.record
    }
    /// The notice's exact text.
    pub fn notice(&self) -> &str {
        &self.notice
    }
    /// What opens all of the person's entries; only the person's own receipt has it.
    pub fn secret(&self) -> Option<&[u8; 32]> {
        self.secret.as_deref()
    }
    /// Whose signature the checkpoint bears.
    pub fn key(&self) -> &Verifier {
        &self.key
    }
    /// Where the trail was to be found when the receipt was made; nobody vouches for it.
    pub fn trail(&self) -> &str {
        &self.trail
    }
}

fn decoded<const N: usize>(name: &'static str, text: &str) -> Result<[u8; N], ReceiptFault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| ReceiptFault::Unreadable(name))?;
    bytes.as_slice().try_into().map_err(|_| ReceiptFault::Unreadable(name))
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(…)")
    }
}

/// Shows nothing: hour and index tell of the person whose receipt it is.
impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proven(…)")
    }
}

#[cfg(test)]
mod tests;
