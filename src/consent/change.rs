//! Changes: the only things that write a subscription. Their fields are private, so that only the constructors
//! here can make one, and `store::record` alone applies them: state, trail entry and letters together.

mod ask;
mod restore;
mod rewrite;

pub use ask::{Ask, Asked};
pub use restore::{CannotRestore, Restore};
pub use rewrite::{CannotCorrect, CannotRenew, Edit, Held, Owed, Rewrite, Yes};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::address::Address;
use super::field::Profile;
use super::list::List;
use super::network::Network;
use super::notice::Notice;
use super::person::Person;
use super::record::{Given, record};
use super::subscription::{DENIABLE, LEAVES_ENTRY, NONE, State, States, WITHDRAWABLE};
use crate::keys::KeyRing;
use crate::token::{SubscriptionId, Token};
use crate::trail::entry::{self, Event};

/// What a person entered, checked.
pub struct Entered {
    pub address: Address,
    pub profile: Profile,
    /// The language that the form was shown in.
    pub lang: String,
    /// Scheme and host of the page that the form stood on.
    pub origin: Option<String>,
    /// Where it came from, if the list keeps that.
    pub network: Option<Network>,
}

/// The fresh random bytes that a signup is made with.
pub struct SignupRandom {
    pub id: [u8; 14],
    pub reference: [u8; 16],
    pub secret: Zeroizing<[u8; 32]>,
    pub nonce: [u8; 24],
}

/// A signup, ready to be written: a pending row with everything that confirming and withdrawing will copy.
#[derive(Clone)]
pub struct Signup {
    list: u32,
    id: SubscriptionId,
    address_key: [u8; 32],
    notice: u32,
    lang: String,
    seal: Vec<u8>,
    reference: [u8; 16],
    confirmed: [u8; 32],
    withdrawn: [u8; 32],
    at: Timestamp,
    expires_at: Timestamp,
}

impl Signup {
    pub fn new(
        ring: &KeyRing,
        list: &List,
        notice: &Notice,
        entered: Entered,
        random: SignupRandom,
        at: Timestamp,
    ) -> Signup {
        let Entered { address, profile, lang, origin, network } = entered;
        let id = SubscriptionId(random.id);
        let given = Given::BySignup { signed_up_at: at };
        let record = record(&address, list.number, &notice.sha256, &lang, &profile, given, origin.as_deref());
        let address_key = ring.address_key(list.number, &address.dedupe_form());
        let network = network.map(|network| network.to_string());
        let person = Person::new(address.as_typed().to_owned(), profile, network, record, random.secret);
        Signup {
            list: list.number,
            id,
            address_key,
            notice: notice.version,
            lang,
            seal: person.seal(ring, random.nonce, list.number, id),
            reference: random.reference,
            confirmed: person.next_commitment(list.number, Event::Confirmed),
            withdrawn: person.next_commitment(list.number, Event::Withdrawn),
            at,
            expires_at: whole_second(at + list.pending_ttl()),
        }
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
    pub fn notice(&self) -> u32 {
        self.notice
    }
    pub fn lang(&self) -> &str {
        &self.lang
    }
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }
    /// The opaque reference that exports will show.
    pub fn reference(&self) -> &[u8; 16] {
        &self.reference
    }
    /// The commitment that the `confirmed` entry will carry.
    pub fn confirmed(&self) -> &[u8; 32] {
        &self.confirmed
    }
    /// The commitment that the next `withdrawn` entry will carry.
    pub fn withdrawn(&self) -> &[u8; 32] {
        &self.withdrawn
    }
    pub fn at(&self) -> Timestamp {
        self.at
    }
    /// When the signup dies unless it is confirmed; on a whole second, as tokens count.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// A confirmation, by a verified token.
#[derive(Clone)]
pub struct Confirm {
    list: u32,
    id: SubscriptionId,
    at: Timestamp,
}

impl Confirm {
    pub fn new(token: &Token, at: Timestamp) -> Confirm {
        Confirm { list: token.list, id: token.id, at }
    }

    pub fn list(&self) -> u32 {
        self.list
    }
    pub fn id(&self) -> SubscriptionId {
        self.id
    }
    pub fn at(&self) -> Timestamp {
        self.at
    }
    /// The entry's bytes before the notice's hash and the row's commitment.
    pub fn entry_head(&self) -> [u8; entry::HEAD] {
        entry::head(Event::Confirmed, self.at)
    }
}

/// An erasure: everything personal goes, at once.
#[derive(Clone)]
pub struct Erase {
    list: u32,
    id: SubscriptionId,
    at: Timestamp,
    from: States,
    leaving: States,
    hands_back: bool,
}

impl Erase {
    /// A withdrawal, by a verified unsubscribe token.
    pub fn withdraw(token: &Token, at: Timestamp) -> Erase {
        Erase::of(token.list, token.id, at, WITHDRAWABLE)
    }

    /// "This wasn't me", by a verified token.
    pub fn not_me(token: &Token, at: Timestamp) -> Erase {
        Erase::of(token.list, token.id, at, DENIABLE)
    }

    /// The end of a signup that nobody confirmed in time.
    pub fn expired(list: u32, id: SubscriptionId, at: Timestamp) -> Erase {
        Erase::of(list, id, at, DENIABLE)
    }

    /// The end of a signup of an address where nobody is.
    pub fn undeliverable(list: u32, id: SubscriptionId, at: Timestamp) -> Erase {
        Erase::of(list, id, at, DENIABLE)
    }

    /// What a log tells of that a restored backup does not know: its entry is there, or can have none. Whoever has
    /// acted since they were seen in that state is spared.
    pub fn replayed(list: u32, id: SubscriptionId, state: State, at: Timestamp) -> Erase {
        Erase { leaving: NONE, ..Erase::of(list, id, at, States::only(state)) }
    }

    /// The end of a list: whoever is on it is forgotten.
    pub fn closed(list: u32, id: SubscriptionId, at: Timestamp) -> Erase {
        Erase::of(list, id, at, WITHDRAWABLE)
    }

    fn of(list: u32, id: SubscriptionId, at: Timestamp, from: States) -> Erase {
        Erase { list, id, at, from, leaving: LEAVES_ENTRY, hands_back: false }
    }

    /// The same, and whoever asks gets the row as it was: with the erasure nobody else has it any more.
    pub fn handing_back(self) -> Erase {
        Erase { hands_back: true, ..self }
    }

    pub fn list(&self) -> u32 {
        self.list
    }
    pub fn id(&self) -> SubscriptionId {
        self.id
    }
    /// The states that this erasure may touch.
    pub fn from(&self) -> States {
        self.from
    }
    /// The states from which it leaves an entry.
    pub fn leaving(&self) -> States {
        self.leaving
    }
    /// Whether the row as it was is handed to whoever asked.
    pub fn hands_back(&self) -> bool {
        self.hands_back
    }
    /// The entry's bytes before the row's commitment; a withdrawal names no notice.
    pub fn entry_head(&self) -> [u8; entry::HEAD + 32] {
        let mut head = [0; entry::HEAD + 32];
        head[..entry::HEAD].copy_from_slice(&entry::head(Event::Withdrawn, self.at));
        head
    }
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
