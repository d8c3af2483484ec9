//! What the service holds of a person, and keeps under seal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::address::Address;
use super::field::Profile;
use super::record::Content;
use super::subscription::CORRECT_WITHIN;
use crate::keys::{KeyRing, SealError};
use crate::token::{SubscriptionId, Token};
use crate::trail::entry::{self, Event};

/// The content of a subscription's seal. Its `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Person {
    /// The address as typed.
    pub address: String,
    #[serde(default, skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
    /// The network that the signup came from, where the list keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Fields that the person keeps out of exports (msg-8).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub withheld: BTreeSet<String>,
    /// A new address that its mailbox has not confirmed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
    /// When the last new address that was entered expires, waiting or not. The next one is not taken until a while after:
    /// so no two expire at the same second, which is how a link tells them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_correction: Option<Timestamp>,
    /// When a new address last took the old one's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<Timestamp>,
    /// The exact bytes of the consent record that was fixed at signup.
    pub record: String,
    /// Those of the record of the last new notice that was agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<String>,
    /// Of the records of renewals before that only the SHA-256, in hexadecimal: their entries are found by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier_renewals: Vec<String>,
    /// 32 random bytes that open this subscription's entries in the trail.
    #[serde(serialize_with = "encode_secret", deserialize_with = "decode_secret")]
    pub secret: Zeroizing<[u8; 32]>,
    /// What the person has done so far, which numbers the openings of what comes next.
    #[serde(default, skip_serializing_if = "Acts::is_empty")]
    pub acts: Acts,
}

/// An address that is to take the place of the one there is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// As typed.
    pub address: String,
    /// On a whole second, as tokens count: the link that confirms it says the same, and so means this one alone.
    pub expires_at: Timestamp,
}

impl Correction {
    /// A new address that is entered at `at`.
    pub fn new(address: &Address, at: Timestamp) -> Correction {
        let expires_at = Timestamp::from_second((at + CORRECT_WITHIN).as_second()).unwrap_or(at);
        Correction { address: address.as_typed().to_owned(), expires_at }
    }

    /// Whether a link means this one.
    pub fn is_meant_by(&self, token: &Token) -> bool {
        self.expires_at.as_second() == i64::from(token.expiry)
    }
}

/// How often a person has done each thing, the confirmation aside, which happens once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Acts(BTreeMap<u8, u32>);

impl Acts {
    pub fn count(&self, event: Event) -> u32 {
        self.0.get(&(event as u8)).copied().unwrap_or_default()
    }

    /// Counts at least so many.
    pub fn reach(&mut self, event: Event, count: u32) {
        if count > self.count(event) {
            self.0.insert(event as u8, count);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a row's person cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error("what is under the seal is not a person's data")]
    Malformed,
}

impl Person {
    /// What is held of a person who has just signed up.
    pub fn new(
        address: String,
        profile: Profile,
        network: Option<String>,
        record: String,
        secret: Zeroizing<[u8; 32]>,
    ) -> Person {
        Person {
            address,
            profile,
            network,
            withheld: BTreeSet::new(),
            correction: None,
            last_correction: None,
            corrected_at: None,
            record,
            renewal: None,
            earlier_renewals: Vec::new(),
            secret,
            acts: Acts::default(),
        }
    }

    /// The last yes: its event, and how many of that came before it.
    pub fn latest_yes(&self) -> (Event, u32) {
        match self.renewal {
            None => (Event::Confirmed, 0),
            Some(_) => (Event::Renewed, self.acts.count(Event::Renewed).saturating_sub(1)),
        }
    }

    /// The record that a yes is to. Of several renewals only the last one's is kept.
    pub fn record_of(&self, yes: Event) -> Option<&str> {
        match yes {
            Event::Confirmed => Some(&self.record),
            Event::Renewed => self.renewal.as_deref(),
            _ => None,
        }
    }

    /// Agrees to a new notice, by this record.
    pub fn renew(&mut self, record: String) {
        if let Some(before) = self.renewal.replace(record) {
            self.earlier_renewals.push(data_encoding::HEXLOWER.encode(&Sha256::digest(before)));
        }
    }

    /// Whether the last yes was to the notice with this SHA-256.
    pub fn has_agreed_to(&self, notice: &[u8; 32]) -> bool {
        let (yes, _) = self.latest_yes();
        let record = self.record_of(yes).and_then(Content::read);
        record.is_some_and(|record| record.notice == data_encoding::HEXLOWER.encode(notice))
    }

    /// The commitment of the `n`th entry of that event, from 0.
    pub fn commitment(&self, list: u32, event: Event, n: u32) -> [u8; 32] {
        let earlier = self.earlier_renewals.get(n as usize).filter(|_| event == Event::Renewed);
        let earlier = earlier
            .and_then(|digest| data_encoding::HEXLOWER.decode(digest.as_bytes()).ok()?.try_into().ok());
        let latest = || self.record_of(event).map_or(entry::ZEROS, |record| Sha256::digest(record).into());
        let digest = earlier.unwrap_or_else(latest);
        entry::commitment(&entry::opening(&self.secret, event, n), list, event, &digest)
    }

    /// Whether a link of that second was mailed to another address than the present one.
    pub fn has_moved_since(&self, at: Timestamp) -> bool {
        self.corrected_at.is_some_and(|corrected| corrected.as_second() > at.as_second())
    }

    /// What identifies every entry that the person has in the log: each event with how many of it came before.
    pub fn entries(&self) -> impl Iterator<Item = (Event, u32)> {
        let own = Event::ALL.into_iter().filter(|event| event.is_a_persons() && *event != Event::Confirmed);
        let counted = own.flat_map(|event| (0..self.acts.count(event)).map(move |n| (event, n)));
        std::iter::once((Event::Confirmed, 0)).chain(counted)
    }

    /// The commitment that the next entry of that event carries.
    pub fn next_commitment(&self, list: u32, event: Event) -> [u8; 32] {
        self.commitment(list, event, self.acts.count(event))
    }

    pub fn seal(&self, ring: &KeyRing, nonce: [u8; 24], list: u32, id: SubscriptionId) -> Vec<u8> {
        let plain = Zeroizing::new(serde_json::to_vec(self).expect("texts always serialize"));
        ring.seal(nonce, list, &id.0, &plain)
    }

    pub fn open(ring: &KeyRing, list: u32, id: SubscriptionId, sealed: &[u8]) -> Result<Person, PersonError> {
        let plain = ring.open(list, &id.0, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| PersonError::Malformed)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(…)")
    }
}

impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Correction(…)")
    }
}

fn encode_secret<S: Serializer>(secret: &Zeroizing<[u8; 32]>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&Zeroizing::new(URL_SAFE_NO_PAD.encode(&secret[..])))
}

fn decode_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<[u8; 32]>, D::Error> {
    let text = Zeroizing::<String>::deserialize(from)?;
    let bytes = URL_SAFE_NO_PAD.decode(text.as_str()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| D::Error::custom("not base64url"))?;
    let secret = <[u8; 32]>::try_from(&bytes[..]).map_err(|_| D::Error::custom("not 32 bytes"))?;
    Ok(Zeroizing::new(secret))
}
