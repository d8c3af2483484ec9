//! What one person did later, found in a log by its leaf hashes alone: whoever holds the secret knows beforehand what
//! each further entry would hash to, in whatever hour it was written.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::trail::entry::{Event, HEAD, LENGTH, ZEROS, commitment, entry, opening};
use crate::trail::tree::{Hash, leaf_hash};

/// The events that can be found: those whose commitment is to the event alone. `Renewed` commits to a record that an
/// older receipt, or a restored backup, does not hold.
pub const TRACED: [Event; 5] =
    [Event::Withdrawn, Event::Paused, Event::Resumed, Event::Restored, Event::Corrected];

/// Kinds of acts that take turns: the first, then the second, then the first again.
const TURNS: [[Event; 2]; 2] = [[Event::Withdrawn, Event::Restored], [Event::Paused, Event::Resumed]];

/// How many acts of a kind are awaited beyond the last that was found. Entries that wait together are shuffled within
/// their hour when they are numbered, so that the next act of a kind need not be the next one met. They wait for a
/// quarter of a second as a rule, and between two acts of a kind another has to come: four of a kind is more than a person
/// does meanwhile, and each more costs a quarter of the memory.
pub const AHEAD: u32 = 4;

/// What a person did, as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    pub event: Event,
    /// How many of that event came before it.
    pub n: u32,
    /// Whole hours since the Unix epoch.
    pub hour: u32,
    /// The entry's index in its log.
    pub index: u64,
}

/// Looks for one person's acts. It finds all of them, but one that stands ahead of [`AHEAD`] or more acts of its kind
/// that came before it.
///
/// To look at a leaf is to look into a table, which holds the hours' leaf hashes of [`AHEAD`] acts of each kind: 60 bytes
/// each, 100 MB for ten years, made by two million hashings.
pub struct Trace {
    secret: Zeroizing<[u8; 32]>,
    list: u32,
    /// In which acts are looked for.
    hours: RangeInclusive<u32>,
    /// By half of the leaf hash; the other half is compared when one is met.
    awaited: HashMap<[u8; 16], Awaited>,
    /// The n that is awaited next, by place in [`TRACED`].
    next: [u32; TRACED.len()],
    found: Vec<Act>,
}

#[derive(Clone, Copy)]
struct Awaited {
    event: Event,
    n: u32,
    hour: u32,
}

impl Trace {
    /// Of the person with that secret, on that list, within those hours since the Unix epoch.
    pub fn new(secret: Zeroizing<[u8; 32]>, list: u32, hours: RangeInclusive<u32>) -> Trace {
        let mut trace = Trace {
            secret,
            list,
            hours,
            awaited: HashMap::new(),
            next: [0; TRACED.len()],
            found: Vec::new(),
        };
        (0..TRACED.len()).for_each(|kind| trace.await_until(kind, AHEAD));
        trace
    }

    /// Looks at the leaf at an index of the log. Leaves come in the log's order.
    pub fn look(&mut self, index: u64, leaf: &Hash) {
        let Some(&Awaited { event, n, hour }) = self.awaited.get(half(leaf)) else { return };
        if leaf_hash(&with_hour(self.entry(event, n), hour)) != *leaf {
            return;
        }
        self.found.push(Act { event, n, hour, index });
        self.forget(event, n);
        if let Some(kind) = TRACED.iter().position(|traced| *traced == event) {
            self.await_until(kind, n.saturating_add(1 + AHEAD));
        }
    }

    /// What was found, in the log's order; but of two kinds that take turns each stands where it can have been done,
    /// since entries are shuffled within their hour.
    pub fn acts(self) -> Vec<Act> {
        let mut acts = self.found;
        for [first, second] in TURNS {
            let is_one = |act: &Act| act.event == first || act.event == second;
            let mut turns: Vec<Act> = acts.iter().copied().filter(is_one).collect();
            turns.sort_by_key(|act| (act.n, act.event == second));
            let places = acts.iter_mut().filter(|act| is_one(act));
            places.zip(turns).for_each(|(place, act)| *place = act);
        }
        acts
    }

    fn await_until(&mut self, kind: usize, end: u32) {
        let event = TRACED[kind];
        for n in self.next[kind]..end {
            let bytes = self.entry(event, n);
            for hour in self.hours.clone() {
                let leaf = leaf_hash(&with_hour(bytes, hour));
                self.awaited.insert(*half(&leaf), Awaited { event, n, hour });
            }
        }
        self.next[kind] = self.next[kind].max(end);
    }

    /// An act is done once; not to await it any longer keeps the table as small as it was.
    fn forget(&mut self, event: Event, n: u32) {
        let bytes = self.entry(event, n);
        for hour in self.hours.clone() {
            self.awaited.remove(half(&leaf_hash(&with_hour(bytes, hour))));
        }
    }

    /// The entry but for its hour.
    fn entry(&self, event: Event, n: u32) -> [u8; LENGTH] {
        let commitment = commitment(&opening(&self.secret, event, n), self.list, event, &ZEROS);
        entry(event, Timestamp::UNIX_EPOCH, &ZEROS, &commitment)
    }
}

fn with_hour(mut entry: [u8; LENGTH], hour: u32) -> [u8; LENGTH] {
    entry[HEAD - 4..HEAD].copy_from_slice(&hour.to_be_bytes());
    entry
}

fn half(hash: &Hash) -> &[u8; 16] {
    let (half, _) = hash.split_first_chunk().expect("16 bytes of 32");
    half
}

#[cfg(test)]
mod tests;
