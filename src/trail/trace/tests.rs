use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::trail::entry::service_tail;

const LIST: u32 = 7;
const SECRET: [u8; 32] = [5; 32];

fn trace(hours: RangeInclusive<u32>) -> Trace {
    Trace::new(Zeroizing::new(SECRET), LIST, hours)
}

/// The leaf of somebody's entry, made as the service makes it.
fn leaf(secret: &[u8; 32], list: u32, event: Event, n: u32, hour: u32) -> Hash {
    let at = Timestamp::from_second(i64::from(hour) * 3600 + 1_234).unwrap();
    leaf_hash(&entry(event, at, &ZEROS, &commitment(&opening(secret, event, n), list, event, &ZEROS)))
}

/// An act before it stands anywhere: its event, its n, its hour.
type Done = (Event, u32, u32);

/// What is found in a log of these leaves.
fn found(mut trace: Trace, log: &[Hash]) -> Vec<Act> {
    (0..).zip(log).for_each(|(index, leaf)| trace.look(index, leaf));
    trace.acts()
}

/// A stranger's leaf: of another secret, of another list, or of no person.
fn strangers() -> impl Strategy<Value = Hash> {
    let of = prop::sample::select(TRACED.to_vec());
    (of, 0..4_u32, 500_000..500_048_u32, 0..4, any::<[u8; 32]>()).prop_map(|(event, n, hour, who, other)| {
        match who {
            0 => leaf(&other, LIST, event, n, hour),
            1 => leaf(&SECRET, LIST + 1, event, n, hour),
            2 => leaf_hash(&entry(Event::Fed, Timestamp::UNIX_EPOCH, &ZEROS, &service_tail(&[1; 16], 1, 1))),
            _ => other,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// As many acts as one likes, of each kind in any order within a handful, among strangers.
    #[test]
    fn exactly_the_persons_acts_are_found_wherever_they_stand(
        counts in vec(0..7_u32, TRACED.len()),
        hours in vec(500_000..500_048_u32, 35),
        order in vec(any::<u32>(), 35),
        places in vec(any::<Index>(), 35),
        strangers in vec(strangers(), 0..40),
    ) {
        let mut log: Vec<(Hash, Option<Done>)> = strangers.into_iter().map(|leaf| (leaf, None)).collect();
        let mut at = 0;
        for (event, count) in TRACED.into_iter().zip(counts) {
            let mut acts: Vec<_> = (0..count).map(|n| (n, hours[at + n as usize], order[at + n as usize])).collect();
            at += count as usize;
            // A handful is numbered in any order.
            acts.chunks_mut(AHEAD as usize).for_each(|handful| handful.sort_by_key(|(_, _, order)| *order));
            let mut from = 0;
            for (n, hour, _) in acts {
                from += places[at - 1 - n as usize].index(log.len() - from + 1);
                log.insert(from, (leaf(&SECRET, LIST, event, n, hour), Some((event, n, hour))));
                from += 1;
            }
        }
        let leaves: Vec<Hash> = log.iter().map(|(leaf, _)| *leaf).collect();
        let mut found = found(trace(500_000..=500_047), &leaves);
        found.sort_by_key(|act| act.index);
        let put = (0..).zip(&log).filter_map(|(index, (_, act))| {
            act.map(|(event, n, hour)| Act { event, n, hour, index })
        });
        prop_assert_eq!(found, put.collect::<Vec<_>>());
    }
}

#[test]
fn an_act_is_found_ahead_of_all_but_too_many_earlier_ones() {
    let found_of = |order: &[u32]| -> Vec<u32> {
        let leaves: Vec<Hash> =
            order.iter().map(|n| leaf(&SECRET, LIST, Event::Paused, *n, 500_000)).collect();
        let mut found: Vec<u32> = found(trace(500_000..=500_000), &leaves).iter().map(|act| act.n).collect();
        found.sort();
        found
    };
    assert_eq!(found_of(&[3, 2, 1, 0]), [0, 1, 2, 3]);
    assert_eq!(found_of(&[0, 4, 3, 2, 1, 8, 7, 6, 5]), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(found_of(&[4, 3, 2, 1, 0]), [0, 1, 2, 3], "the fifth stands ahead of all four");
    assert_eq!(found_of(&[0, 5, 1, 2, 3, 4]), [0, 1, 2, 3, 4], "and so does the sixth, of four");
}

#[test]
fn only_the_hours_that_were_asked_for_are_looked_at() {
    for (hour, is_found) in [(499_999, false), (500_000, true), (500_009, true), (500_010, false)] {
        let log = [leaf(&SECRET, LIST, Event::Withdrawn, 0, hour)];
        assert_eq!(found(trace(500_000..=500_009), &log).len(), usize::from(is_found), "{hour}");
    }
}

#[test]
fn half_a_hash_is_not_enough() {
    let mut leaf = leaf(&SECRET, LIST, Event::Withdrawn, 0, 500_000);
    leaf[31] ^= 1;
    assert_eq!(found(trace(500_000..=500_000), &[leaf]), []);
}

#[test]
fn no_event_is_found_whose_entry_names_a_record() {
    let log = [Event::Confirmed, Event::Renewed].map(|event| leaf(&SECRET, LIST, event, 0, 500_000));
    assert_eq!(found(trace(500_000..=500_000), &log), []);
    let persons = Event::ALL.into_iter().filter(|event| event.is_a_persons() && !event.commits_to_a_record());
    assert_eq!(persons.collect::<Vec<_>>(), TRACED);
}

/// A withdrawal and its undoing that were sealed together may stand in the log the other way round.
#[test]
fn what_takes_turns_is_told_in_turns() {
    let done = [
        (Event::Restored, 0, 500_001),
        (Event::Corrected, 0, 500_001),
        (Event::Withdrawn, 0, 500_001),
        (Event::Resumed, 0, 500_002),
        (Event::Withdrawn, 1, 500_002),
        (Event::Paused, 1, 500_002),
        (Event::Paused, 0, 500_002),
    ];
    let log = done.map(|(event, n, hour)| leaf(&SECRET, LIST, event, n, hour));
    let told: Vec<_> =
        found(trace(500_000..=500_009), &log).into_iter().map(|act| (act.event, act.n, act.index)).collect();
    assert_eq!(
        told,
        [
            (Event::Withdrawn, 0, 2),
            (Event::Corrected, 0, 1),
            (Event::Restored, 0, 0),
            (Event::Paused, 0, 6),
            (Event::Withdrawn, 1, 4),
            (Event::Resumed, 0, 3),
            (Event::Paused, 1, 5),
        ]
    );
}

/// However much a person does, the table does not grow.
#[test]
fn what_was_found_is_awaited_no_longer() {
    let mut trace = trace(500_000..=500_099);
    let size = trace.awaited.len();
    assert_eq!(size, TRACED.len() * AHEAD as usize * 100);
    for n in 0..20 {
        trace.look(n.into(), &leaf(&SECRET, LIST, Event::Paused, n, 500_050));
        assert_eq!(trace.awaited.len(), size);
    }
    trace.look(20, &leaf(&SECRET, LIST, Event::Paused, 3, 500_050));
    assert_eq!(trace.acts().len(), 20);
}
