//! The rarer acts of a person who is subscribed. Each opens the seal, and closes it anew with the next commitments in
//! place, on the row that was read and no other.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::consent::address::Address;
use crate::consent::field::Profile;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::{Correction, Person, PersonError};
use crate::consent::record::{Given, record};
use crate::consent::subscription::{
    CORRECT_AGAIN, PAUSABLE, RESUMABLE, SUBSCRIBED, State, States, WITHDRAWABLE,
};
use crate::keys::KeyRing;
use crate::token::{SubscriptionId, Token};
use crate::trail::entry::{self, Event};

/// A subscription's row as it was read.
pub struct Held<'a> {
    pub list: u32,
    pub id: SubscriptionId,
    pub seal: &'a [u8],
}

/// What a person may have otherwise.
pub struct Edit {
    pub profile: Profile,
    /// Fields that are kept out of exports.
    pub withheld: BTreeSet<String>,
    /// Another language than they have.
    pub lang: Option<String>,
}

/// A yes to a list's new notice.
pub struct Yes<'a> {
    pub list: &'a List,
    pub notice: &'a Notice,
    /// The language that it was shown in.
    pub lang: &'a str,
    /// Scheme and host of the page that it was given on.
    pub origin: &'a str,
    /// When the link to that page was made.
    pub linked_at: Timestamp,
}

/// A letter that a rarer act owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// To the new address: is it yours?
    Correction,
    /// With the receipt of the last yes.
    Receipt,
}

/// Why a new address does not take the old one's place, whatever else is in the database.
#[derive(Debug, thiserror::Error)]
pub enum CannotCorrect {
    #[error("no such address waits: it has been confirmed, taken back, or another was entered since")]
    NoneWaits,
    #[error("the time to confirm it is over")]
    TooLate,
    #[error("another was entered a moment ago")]
    TooSoon,
    #[error(transparent)]
    Person(#[from] PersonError),
}

/// Why nobody agrees to a notice.
#[derive(Debug, thiserror::Error)]
pub enum CannotRenew {
    #[error("it is what they agreed to last")]
    AlreadyAgreed,
    #[error("the link was mailed to an address that they have changed since")]
    OldAddress,
    #[error(transparent)]
    Person(#[from] PersonError),
}

/// A rarer act, ready to be written.
#[derive(Clone)]
pub struct Rewrite {
    list: u32,
    id: SubscriptionId,
    read: Vec<u8>,
    from: States,
    to: Option<State>,
    seal: Vec<u8>,
    withdrawn: [u8; 32],
    correction_expires_at: Option<Timestamp>,
    confirmed_at: Option<Timestamp>,
    address_key: Option<[u8; 32]>,
    notice: Option<u32>,
    lang: Option<String>,
    entry: Option<[u8; entry::LENGTH]>,
    owed: Option<(Owed, Timestamp)>,
    shows: bool,
}

impl Rewrite {
    /// The person stays, and is on no export until they resume.
    pub fn pause(
        ring: &KeyRing,
        held: &Held<'_>,
        nonce: [u8; 24],
        at: Timestamp,
    ) -> Result<Rewrite, PersonError> {
        let rewrite = Rewrite::act(ring, held, nonce, at, Event::Paused)?;
        Ok(Rewrite { from: PAUSABLE, to: Some(State::Paused), ..rewrite })
    }

    /// The end of a pause.
    pub fn resume(
        ring: &KeyRing,
        held: &Held<'_>,
        nonce: [u8; 24],
        at: Timestamp,
    ) -> Result<Rewrite, PersonError> {
        let rewrite = Rewrite::act(ring, held, nonce, at, Event::Resumed)?;
        Ok(Rewrite { from: RESUMABLE, to: Some(State::Active), ..rewrite })
    }

    /// Fields and language as the person would have them. Leaves no entry: the trail tells of consent, not of data.
    pub fn edit(
        ring: &KeyRing,
        held: &Held<'_>,
        nonce: [u8; 24],
        edit: impl FnOnce(&mut Edit),
    ) -> Result<Rewrite, PersonError> {
        let mut person = Person::open(ring, held.list, held.id, held.seal)?;
        let mut own = Edit { profile: person.profile, withheld: person.withheld, lang: None };
        edit(&mut own);
        (person.profile, person.withheld) = (own.profile, own.withheld);
        Ok(Rewrite { lang: own.lang, ..Rewrite::of(ring, held, &person, nonce) })
    }

    /// A new address is to take the old one's place. One that waited before is forgotten, and its link is dead. Where it is
    /// `asked_at`, a letter asks whoever has it: once, on however many lists it is to take that place.
    pub fn ask_correction(
        ring: &KeyRing,
        held: &Held<'_>,
        correction: &Correction,
        nonce: [u8; 24],
        asked_at: Option<Timestamp>,
    ) -> Result<Rewrite, CannotCorrect> {
        let mut person = Person::open(ring, held.list, held.id, held.seal)?;
        if person.last_correction.is_some_and(|last| last + CORRECT_AGAIN > correction.expires_at) {
            return Err(CannotCorrect::TooSoon);
        }
        person.last_correction = Some(correction.expires_at);
        person.correction = Some(correction.clone());
        let owed = asked_at.map(|at| (Owed::Correction, at));
        Ok(Rewrite { owed, shows: false, ..Rewrite::of(ring, held, &person, nonce) })
    }

    /// The new address that waits is forgotten, if it is the one that is meant.
    pub fn drop_correction(
        ring: &KeyRing,
        held: &Held<'_>,
        nonce: [u8; 24],
        is_meant: impl FnOnce(&Correction) -> bool,
    ) -> Result<Rewrite, CannotCorrect> {
        let mut person = Person::open(ring, held.list, held.id, held.seal)?;
        person.correction.take().filter(is_meant).ok_or(CannotCorrect::NoneWaits)?;
        Ok(Rewrite { shows: false, ..Rewrite::of(ring, held, &person, nonce) })
    }

    /// The new address that the link means takes the old one's place. The id stays, and links
    /// to leave go on working.
    pub fn correct(
        ring: &KeyRing,
        held: &Held<'_>,
        token: &Token,
        nonce: [u8; 24],
        at: Timestamp,
    ) -> Result<Rewrite, CannotCorrect> {
        let mut person = Person::open(ring, held.list, held.id, held.seal)?;
        let meant = |correction: &Correction| correction.is_meant_by(token);
        let correction = person.correction.take().filter(meant).ok_or(CannotCorrect::NoneWaits)?;
        if correction.expires_at <= at {
            return Err(CannotCorrect::TooLate);
        }
        let address = Address::parse(&correction.address).map_err(|_| PersonError::Malformed)?;
        let entry = next_entry(&mut person, held.list, Event::Corrected, at, &entry::ZEROS);
        (person.address, person.corrected_at) = (correction.address, Some(at));
        Ok(Rewrite {
            address_key: Some(ring.address_key(held.list, &address.dedupe_form())),
            entry: Some(entry),
            ..Rewrite::of(ring, held, &person, nonce)
        })
    }

    /// The person agrees to the list's new notice. Once: a second press of the button adds nothing.
    pub fn renew(
        ring: &KeyRing,
        held: &Held<'_>,
        yes: &Yes<'_>,
        nonce: [u8; 24],
        at: Timestamp,
    ) -> Result<Rewrite, CannotRenew> {
        let mut person = Person::open(ring, held.list, held.id, held.seal)?;
        if person.has_moved_since(yes.linked_at) {
            return Err(CannotRenew::OldAddress);
        }
        let hash = &yes.notice.sha256;
        if person.has_agreed_to(hash) {
            return Err(CannotRenew::AlreadyAgreed);
        }
        let address = Address::parse(&person.address).map_err(|_| PersonError::Malformed)?;
        let (given, origin) = (Given::ByRenewal { renewed_at: at }, Some(yes.origin));
        person.renew(record(&address, held.list, hash, yes.lang, &person.profile, given, origin));
        let entry = next_entry(&mut person, held.list, Event::Renewed, at, hash);
        Ok(Rewrite {
            notice: Some(yes.notice.version),
            lang: Some(yes.lang.to_owned()),
            entry: Some(entry),
            owed: yes.list.options.welcome.then_some((Owed::Receipt, at)),
            ..Rewrite::of(ring, held, &person, nonce)
        })
    }

    /// Brings a row of a restored backup up to what the log tells: `person` with the acts that it tells of, in the
    /// state that follows from them. Leaves no entry: the log has it.
    pub fn replayed(
        ring: &KeyRing,
        held: &Held<'_>,
        person: &Person,
        to: State,
        confirmed_at: Option<Timestamp>,
        nonce: [u8; 24],
    ) -> Rewrite {
        let rewrite = Rewrite::of(ring, held, person, nonce);
        Rewrite { from: WITHDRAWABLE, to: Some(to), confirmed_at, ..rewrite }
    }

    fn act(
        ring: &KeyRing,
        held: &Held<'_>,
        nonce: [u8; 24],
        at: Timestamp,
        event: Event,
    ) -> Result<Rewrite, PersonError> {
        let mut person = Person::open(ring, held.list, held.id, held.seal)?;
        let entry = next_entry(&mut person, held.list, event, at, &entry::ZEROS);
        Ok(Rewrite { entry: Some(entry), ..Rewrite::of(ring, held, &person, nonce) })
    }

    /// The person under a new seal, and all else as it is.
    fn of(ring: &KeyRing, held: &Held<'_>, person: &Person, nonce: [u8; 24]) -> Rewrite {
        Rewrite {
            list: held.list,
            id: held.id,
            read: held.seal.to_vec(),
            from: SUBSCRIBED,
            to: None,
            seal: person.seal(ring, nonce, held.list, held.id),
            withdrawn: person.next_commitment(held.list, Event::Withdrawn),
            correction_expires_at: person.correction.as_ref().map(|correction| correction.expires_at),
            confirmed_at: None,
            address_key: None,
            notice: None,
            lang: None,
            entry: None,
            owed: None,
            shows: true,
        }
    }

    pub fn list(&self) -> u32 {
        self.list
    }
    pub fn id(&self) -> SubscriptionId {
        self.id
    }
    /// The seal that was read: where the row has another by now, nothing happens.
    pub fn read(&self) -> &[u8] {
        &self.read
    }
    /// The states that this act may start from.
    pub fn from(&self) -> States {
        self.from
    }
    /// The state that it leads to; `None` where it stays.
    pub fn to(&self) -> Option<State> {
        self.to
    }
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }
    /// The commitment that the next `withdrawn` entry will carry.
    pub fn withdrawn(&self) -> &[u8; 32] {
        &self.withdrawn
    }
    /// When the new address under the seal is to go, if one waits there.
    pub fn correction_expires_at(&self) -> Option<Timestamp> {
        self.correction_expires_at
    }
    /// When a row that was pending was confirmed.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed_at
    }
    /// The key of a new address.
    pub fn address_key(&self) -> Option<&[u8; 32]> {
        self.address_key.as_ref()
    }
    /// The version of a notice that was agreed to.
    pub fn notice(&self) -> Option<u32> {
        self.notice
    }
    /// A new language.
    pub fn lang(&self) -> Option<&str> {
        self.lang.as_deref()
    }
    pub fn entry(&self) -> Option<&[u8; entry::LENGTH]> {
        self.entry.as_ref()
    }
    /// The letter that goes with it, and since when it waits.
    pub fn owed(&self) -> Option<(Owed, Timestamp)> {
        self.owed
    }
    /// Whether exports show what is changed, so that readers of the feed have to be told.
    pub fn shows(&self) -> bool {
        self.shows
    }
}

/// The entry of one more act of that kind, which from then on counts.
fn next_entry(
    person: &mut Person,
    list: u32,
    event: Event,
    at: Timestamp,
    notice: &[u8; 32],
) -> [u8; entry::LENGTH] {
    let entry = entry::entry(event, at, notice, &person.next_commitment(list, event));
    person.acts.reach(event, person.acts.count(event) + 1);
    entry
}
