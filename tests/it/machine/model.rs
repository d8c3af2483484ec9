//! What acts should come to, by the pure functions alone.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use optin::consent::change::{Confirm, Erase, Restore, Signup};
use optin::consent::field::Profile;
use optin::consent::figures::{SIGNUPS, WAITS, waits};
use optin::consent::list::List;
use optin::consent::notice::Notice;
use optin::consent::person::Acts;
use optin::consent::subscription::{
    ConfirmOutcome, EraseOutcome, LEAVES_ENTRY, Place, RestoreOutcome, Row, SignupOutcome, State, on_confirm,
    on_erase, on_restore, on_signup,
};
use optin::store::outbox::LetterKind;
use optin::token::SubscriptionId;
use optin::trail::entry::{Event, LENGTH, ZEROS, commitment, entry, opening};
use sha2::{Digest, Sha256};

use crate::doors::people::{Change, Outcome};

pub type Entry = [u8; LENGTH];

/// A subscription as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub row: Row,
    pub id: SubscriptionId,
    pub notice: u32,
    pub lang: String,
    pub reference: [u8; 16],
    pub confirmed_at: Option<Timestamp>,
    /// What should be under the seal.
    pub address: String,
    pub profile: Profile,
    pub record: String,
    pub secret: [u8; 32],
    pub acts: Acts,
    /// By kind: since when it waits.
    pub letters: BTreeMap<i16, Timestamp>,
}

/// A signup and what it should leave, or any other change.
#[derive(Clone)]
pub enum Made {
    SignUp(Signup, Box<Held>),
    Confirm(Confirm),
    Erase(Erase, Timestamp),
    /// With the row as it was when it was erased.
    Restore(Restore, Box<Held>, Timestamp),
}

/// What acts leave behind.
#[derive(Default)]
pub struct Trace {
    pub entries: Vec<Entry>,
    /// Rows as they were when they were erased, and when that was.
    pub gone: Vec<(Held, Timestamp)>,
    /// What is counted, beside the trail: the day, and the kind.
    pub counted: Vec<(Date, i16)>,
    /// Signups that took another's place.
    pub again: i64,
}

/// A day in UTC.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A list, its notices from the first on, and what should be in its trail.
pub struct Published {
    pub list: List,
    pub notices: Vec<Notice>,
    pub entries: Vec<Entry>,
    /// How many people were counted beside it.
    pub counted: BTreeMap<(Date, i16), i64>,
    /// How many signups more that may be: one that changed nothing counts as well, unless it came in one moment with
    /// another of the same address, and was settled without the database.
    pub may_be_more: i64,
}

impl Held {
    /// The purpose that was agreed to.
    pub fn purpose(&self, notices: &[Notice]) -> u32 {
        notices[self.notice as usize - 1].purpose
    }

    /// The next entry of an event, as a receipt's holder would compute it.
    pub fn entry(&self, event: Event, at: Timestamp, list: &Published) -> Entry {
        let (notice, digest) = match event {
            Event::Confirmed => {
                (list.notices[self.notice as usize - 1].sha256, Sha256::digest(&self.record).into())
            }
            _ => (ZEROS, ZEROS),
        };
        let opening = opening(&self.secret, event, self.acts.count(event));
        entry(event, at, &notice, &commitment(&opening, list.list.number, event, &digest))
    }
}

impl Made {
    pub fn change(&self) -> Change {
        match self {
            Made::SignUp(signup, _) => Change::SignUp(signup.clone()),
            Made::Confirm(confirm) => Change::Confirm(confirm.clone()),
            Made::Erase(erase, _) => Change::Leave(erase.clone()),
            Made::Restore(restore, ..) => Change::Restore(restore.clone()),
        }
    }

    /// What should come of this, decided by the pure machine.
    pub fn apply(&self, held: &mut Option<Held>, list: &Published, trace: &mut Trace) -> Outcome {
        let current = list.notices.last().unwrap().purpose;
        if let Some(held) = held {
            held.row.purpose_is_current = held.purpose(&list.notices) == current;
        }
        match self {
            Made::SignUp(signup, made) => {
                let outcome = on_signup(held.as_ref().map(|held| &held.row), signup.at());
                match outcome {
                    SignupOutcome::Asked => trace.counted.push((day(signup.at()), SIGNUPS)),
                    _ => trace.again += 1,
                }
                match (outcome, held.as_mut()) {
                    (SignupOutcome::Asked, _) => *held = Some(Held::clone(made)),
                    (SignupOutcome::Told, Some(held)) => {
                        held.row.told_at = Some(signup.at());
                        held.letters.insert(LetterKind::AlreadySubscribed as i16, signup.at());
                    }
                    _ => {}
                }
                Outcome::SignUp(outcome)
            }
            Made::Confirm(confirm) => {
                let met = held.as_mut().filter(|held| held.id == confirm.id());
                let outcome = on_confirm(met.as_ref().map(|held| &held.row), confirm.at());
                if let (ConfirmOutcome::Confirmed, Some(held)) = (outcome, met) {
                    held.row.state = State::Active;
                    held.confirmed_at = Some(confirm.at());
                    let took = (confirm.at() - held.row.signed_up_at).total(Unit::Second).unwrap();
                    let bucket = waits().iter().filter(|limit| **limit <= took).count();
                    trace.counted.push((day(confirm.at()), WAITS + bucket as i16));
                    trace.entries.push(held.entry(Event::Confirmed, confirm.at(), list));
                    if list.list.options.welcome {
                        held.letters.insert(LetterKind::Welcome as i16, confirm.at());
                    }
                }
                Outcome::Confirm(outcome)
            }
            Made::Erase(erase, at) => {
                let met = held.as_ref().filter(|held| held.id == erase.id());
                let outcome = on_erase(met.map(|held| held.row.state), erase.from());
                if let (EraseOutcome::Erased, Some(met)) = (outcome, met) {
                    if LEAVES_ENTRY.has(met.row.state) {
                        trace.entries.push(met.entry(Event::Withdrawn, *at, list));
                    }
                    trace.gone.push((Held { letters: BTreeMap::new(), ..met.clone() }, *at));
                    *held = None;
                }
                Outcome::Erase(outcome)
            }
            Made::Restore(_, gone, at) => {
                let entry = gone.entry(Event::Restored, *at, list);
                let mut known = list.entries.iter().chain(&trace.entries);
                let place = Place {
                    is_closed: false,
                    is_back: held.as_ref().is_some_and(|held| held.id == gone.id),
                    is_used: known.any(|known| known[1] == entry[1] && known[38..] == entry[38..]),
                    is_taken: held.is_some(),
                };
                let outcome = on_restore(place);
                if outcome == RestoreOutcome::Restored {
                    let mut back = Held::clone(gone);
                    for event in [Event::Withdrawn, Event::Restored] {
                        back.acts.reach(event, back.acts.count(event) + 1);
                    }
                    *held = Some(back);
                    trace.entries.push(entry);
                }
                Outcome::Restore(outcome)
            }
        }
    }
}

/// Every order of `n` things.
pub fn orders(n: usize) -> Vec<Vec<usize>> {
    let Some(last) = n.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |order: Vec<usize>| (0..n).map(move |at| [&order[..at], &[last], &order[at..]].concat());
    orders(last).into_iter().flat_map(insert).collect()
}
