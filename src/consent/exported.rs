//! In which exports somebody was, as their list's log tells: nothing else keeps count.

use std::collections::HashMap;

use crate::trail::entry::{Entry, Event, Tail};

/// What bears on whether somebody was in an export: their own entries, and the list's notices and exports.
#[derive(Default)]
pub struct Marks {
    /// The person's entries, with their indexes.
    pub own: Vec<(u64, Entry)>,
    /// Entries of `notice_published`, `export_began` and `fed`, with their indexes, in the log's order.
    pub lists: Vec<(u64, Entry)>,
    /// What readers of the feed were handed, and the log does not tell of yet.
    pub fed: Vec<Reading>,
    /// Each notice's purpose, by the SHA-256 of its bytes.
    pub purposes: HashMap<[u8; 32], u32>,
}

/// That a reader of the feed was handed rows.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// In which hour since the Unix epoch.
    pub hour: u32,
    /// The log's size before the first of them was read.
    pub since: u64,
}

impl Marks {
    /// The hours since the Unix epoch in which exports began that held the person, in the log's order. An export that
    /// broke off counts: the row may have been in what came out of it.
    pub fn exports(&self) -> Vec<u32> {
        let standing = self.standing();
        let entries = self.lists.iter().filter(|(_, entry)| entry.event == Event::ExportBegan);
        let held = entries.filter(|(_, entry)| match entry.tail {
            Tail::Service { tree_size, .. } => {
                let before = standing.partition_point(|(index, _)| *index < tree_size);
                before > 0 && standing[before - 1].1.is_exportable()
            }
            Tail::Commitment(_) => false,
        });
        held.map(|(_, entry)| entry.hour).collect()
    }

    /// The hours by which readers of the feed had been handed people who had come or changed, while this one could have
    /// been among them: nobody keeps who those were. They were read anywhere between a size of the log and the entry that
    /// tells of them, or now.
    pub fn readings(&self) -> Vec<u32> {
        let changes = self.changes();
        let told = self.lists.iter().filter_map(|(index, entry)| match (entry.event, entry.tail) {
            (Event::Fed, Tail::Service { tree_size, .. }) => Some((tree_size, *index, entry.hour)),
            _ => None,
        });
        // As the log will tell it at the earliest.
        let untold = self.fed.iter().map(|reading| (reading.since, u64::MAX, reading.hour + 1));
        let mut hours: Vec<_> = told
            .chain(untold)
            .filter(|(from, to, _)| might_be_exported(&changes, *from, *to))
            .map(|(.., hour)| hour)
            .collect();
        hours.sort_unstable();
        hours
    }

    /// How the person stands after each entry that changes it, with the entry's index.
    fn standing(&self) -> Vec<(u64, Standing)> {
        let mut standing = Standing::default();
        let after = |change: Change| {
            standing.change(change.event, change.purpose);
            (change.index, standing)
        };
        self.changes().into_iter().map(after).collect()
    }

    /// Whatever may change how the person stands, in the log's order.
    fn changes(&self) -> Vec<Change> {
        let notices = self.lists.iter().filter(|(_, entry)| entry.event == Event::NoticePublished);
        let change = |(index, entry): &(u64, Entry)| {
            let purpose = self.purposes.get(&entry.notice).copied();
            Change { index: *index, event: entry.event, purpose }
        };
        let mut changes: Vec<_> = self.own.iter().chain(notices).map(change).collect();
        changes.sort_by_key(|change| change.index);
        changes
    }
}

/// An entry that may change how somebody stands.
#[derive(Clone, Copy)]
struct Change {
    index: u64,
    event: Event,
    purpose: Option<u32>,
}

/// Whether somebody could have been exported anywhere between two sizes of the log. What stands between them may have
/// been done in any order, since entries that waited together stand in any; in doubt it is a yes.
fn might_be_exported(changes: &[Change], from: u64, to: u64) -> bool {
    let at = |size| changes.partition_point(|change| change.index < size);
    let (before, rest) = changes.split_at(at(from));
    let between = &rest[..at(to).saturating_sub(before.len())];
    let mut standing = Standing::default();
    before.iter().for_each(|change| standing.change(change.event, change.purpose));
    let (mut agreed, mut asked) = (vec![standing.agreed], vec![standing.asked]);
    for change in between {
        match change.event {
            Event::Confirmed | Event::Renewed => agreed.push(change.purpose),
            Event::NoticePublished => asked.push(change.purpose),
            Event::Restored => standing.away -= 1,
            Event::Resumed => standing.paused -= 1,
            _ => {}
        }
    }
    standing.away <= 0
        && standing.paused <= 0
        && agreed.iter().any(|purpose| purpose.is_some() && asked.contains(purpose))
}

/// How somebody stands at some size of the log. Counts alone are kept: entries that waited together stand there in any
/// order.
#[derive(Clone, Copy, Default)]
struct Standing {
    /// The purpose that was agreed to, and the list's. They only rise.
    agreed: Option<u32>,
    asked: Option<u32>,
    away: i64,
    paused: i64,
}

impl Standing {
    fn change(&mut self, event: Event, purpose: Option<u32>) {
        match event {
            Event::Confirmed | Event::Renewed => self.agreed = self.agreed.max(purpose),
            Event::NoticePublished => self.asked = self.asked.max(purpose),
            Event::Withdrawn => self.away += 1,
            Event::Restored => self.away -= 1,
            Event::Paused => self.paused += 1,
            Event::Resumed => self.paused -= 1,
            _ => {}
        }
    }

    fn is_exportable(&self) -> bool {
        self.agreed.is_some() && self.agreed == self.asked && self.away <= 0 && self.paused <= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Event::{
        Confirmed, ExportBegan, Exported, Fed, NoticePublished, Paused, Renewed, Restored, Resumed, Withdrawn,
    };

    /// A log of these events, of which the service's look back on all before them; each in an hour that is its index.
    /// Beside a yes and a notice stands its purpose.
    fn marks(log: &[(Event, u32)]) -> Marks {
        let mut marks = Marks { purposes: (1..4).map(|n| ([n as u8; 32], n)).collect(), ..Marks::default() };
        for (index, (event, purpose)) in (0..).zip(log) {
            let tail = match event.is_a_persons() {
                true => Tail::Commitment([7; 32]),
                false => Tail::Service { id: [0; 16], tree_size: index, count: 1 },
            };
            let entry = Entry { event: *event, hour: index as u32, notice: [*purpose as u8; 32], tail };
            let of = if event.is_a_persons() { &mut marks.own } else { &mut marks.lists };
            of.push((index, entry));
        }
        marks
    }

    #[test]
    fn a_reading_of_the_feed_may_have_told_of_whoever_could_be_exported() {
        let log = [(NoticePublished, 1), (Fed, 0), (Confirmed, 1), (Fed, 0), (Paused, 0), (Fed, 0)];
        assert_eq!(marks(&log).readings(), [3]);
        assert!(marks(&log).exports().is_empty());
    }

    #[test]
    fn a_reading_counts_from_its_hours_first_page_to_its_entry_and_in_doubt() {
        type Log<'a> = &'a [(Event, u32)];
        let cases: [(Log<'_>, u64, bool); 8] = [
            // Read as she was, before she paused; or when she had come, or come back, meanwhile.
            (&[(NoticePublished, 1), (Confirmed, 1), (Paused, 0), (Fed, 0)], 2, true),
            (&[(NoticePublished, 1), (Confirmed, 1), (Paused, 0), (Fed, 0)], 3, false),
            (&[(NoticePublished, 1), (Confirmed, 1), (Fed, 0)], 0, true),
            (&[(NoticePublished, 1), (Confirmed, 1), (Withdrawn, 0), (Restored, 0), (Fed, 0)], 3, true),
            (&[(NoticePublished, 1), (Confirmed, 1), (NoticePublished, 2), (Fed, 0)], 2, true),
            (&[(NoticePublished, 1), (Confirmed, 1), (NoticePublished, 2), (Fed, 0)], 3, false),
            // As they may stand that waited together.
            (&[(NoticePublished, 1), (Paused, 0), (Confirmed, 1), (Fed, 0)], 1, true),
            // What came after the entry was in no page of that hour.
            (&[(NoticePublished, 1), (Fed, 0), (Confirmed, 1)], 1, false),
        ];
        for (log, since, is_told) in cases {
            let mut settled = marks(log);
            let mut hour = None;
            for (_, entry) in settled.lists.iter_mut().filter(|(_, entry)| entry.event == Fed) {
                entry.tail = Tail::Service { id: [0; 16], tree_size: since, count: 1 };
                hour = Some(entry.hour);
            }
            assert_eq!(settled.readings(), Vec::from_iter(hour.filter(|_| is_told)), "{log:?} since {since}");
        }
        // What the log does not tell of yet is told as it will be: by the end of its hour.
        let log = [(NoticePublished, 1), (Confirmed, 1), (Paused, 0)];
        for (since, told) in [(2, vec![1, 8]), (3, vec![])] {
            let fed = [7, 0].map(|hour| Reading { hour, since });
            assert_eq!(Marks { fed: fed.into(), ..marks(&log) }.readings(), told, "since {since}");
        }
    }

    #[test]
    fn an_export_counts_while_its_person_was_active_on_the_purpose_that_was_agreed_to() {
        let export = (ExportBegan, 0);
        type Log<'a> = &'a [(Event, u32)];
        let cases: [(Log<'_>, &[u32]); 8] = [
            (&[(NoticePublished, 1), export, (Confirmed, 1)], &[]),
            (&[(NoticePublished, 1), (Confirmed, 1), export, (Exported, 2), export], &[2, 4]),
            (&[(NoticePublished, 1), (Confirmed, 1), (Paused, 0), export, (Resumed, 0), export], &[5]),
            // As they may stand that waited together.
            (&[(NoticePublished, 1), (Confirmed, 1), (Resumed, 0), (Paused, 0), export], &[4]),
            (&[(NoticePublished, 1), (Confirmed, 1), (Withdrawn, 0), export, (Restored, 0), export], &[5]),
            (&[(NoticePublished, 1), (Confirmed, 1), (NoticePublished, 2), export], &[]),
            (
                &[(NoticePublished, 1), (Confirmed, 1), (NoticePublished, 2), export, (Renewed, 2), export],
                &[5],
            ),
            // A yes to a notice that nobody knows is a yes to nothing.
            (&[(NoticePublished, 1), (Confirmed, 9), export], &[]),
        ];
        for (log, hours) in cases {
            assert_eq!(marks(log).exports(), hours, "{log:?}");
            assert_eq!(marks(log).readings(), [0; 0], "{log:?}");
        }
    }
}
