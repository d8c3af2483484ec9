//! What becomes of a row of a restored backup, once the log has told what its person did since.

use super::person::Acts;
use super::subscription::State;
use crate::trail::entry::Event;

/// What the log tells of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub is_confirmed: bool,
    /// All that was found, and at least what the row itself knows.
    pub acts: Acts,
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is as the log tells.
    Stays,
    /// Its person left, or nobody knows how to reach them any more.
    Goes,
    Becomes(State),
}

/// Decides on a row in that state, whose seal counts these acts.
pub fn fate(state: State, known: &Acts, told: &Told) -> Fate {
    let count = |event| told.acts.count(event);
    let has_left = count(Event::Withdrawn) > count(Event::Restored);
    // The address under the seal is the one from before.
    let has_moved = count(Event::Corrected) > known.count(Event::Corrected);
    // "This wasn't me" leaves no entry: whoever had not confirmed may have said so since.
    let is_unproven = state == State::Pending && !told.is_confirmed;
    let becomes = if count(Event::Paused) > count(Event::Resumed) { State::Paused } else { State::Active };
    match has_left || has_moved || is_unproven {
        true => Fate::Goes,
        false if becomes == state && told.acts == *known => Fate::Stays,
        false => Fate::Becomes(becomes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Counts = &'static [(Event, u32)];

    fn acts(counts: Counts) -> Acts {
        let mut acts = Acts::default();
        counts.iter().for_each(|(event, count)| acts.reach(*event, *count));
        acts
    }

    #[test]
    fn a_row_becomes_what_its_persons_acts_have_made_of_it() {
        use Event::{Corrected, Paused, Restored, Resumed, Withdrawn};
        use Fate::{Becomes, Goes, Stays};
        use State::{Active, Pending};
        let cases: [(State, Counts, Counts, bool, Fate); 16] = [
            (Active, &[], &[], false, Stays),
            (Active, &[], &[(Withdrawn, 1)], false, Goes),
            (Active, &[], &[(Withdrawn, 1), (Restored, 1)], false, Becomes(Active)),
            (Active, &[], &[(Withdrawn, 2), (Restored, 1)], false, Goes),
            (Active, &[(Withdrawn, 1), (Restored, 1)], &[(Withdrawn, 1), (Restored, 1)], false, Stays),
            (Active, &[], &[(Paused, 1)], false, Becomes(State::Paused)),
            (Active, &[], &[(Paused, 1), (Resumed, 1)], false, Becomes(Active)),
            (State::Paused, &[(Paused, 1)], &[(Paused, 1)], false, Stays),
            (State::Paused, &[(Paused, 1)], &[(Paused, 1), (Resumed, 1)], false, Becomes(Active)),
            (State::Paused, &[(Paused, 1)], &[(Paused, 1), (Withdrawn, 1)], false, Goes),
            (Active, &[], &[(Corrected, 1)], false, Goes),
            (Active, &[(Corrected, 1)], &[(Corrected, 1)], false, Stays),
            (Pending, &[], &[], false, Goes),
            (Pending, &[], &[], true, Becomes(Active)),
            (Pending, &[], &[(Paused, 1)], true, Becomes(State::Paused)),
            (Pending, &[], &[(Withdrawn, 1)], true, Goes),
        ];
        for (state, known, told, is_confirmed, expected) in cases {
            let told = Told { is_confirmed, acts: acts(told) };
            assert_eq!(fate(state, &acts(known), &told), expected, "{state:?}, {told:?}");
        }
    }
}
