//! In which exports somebody was, as their list's log tells: nothing else keeps count.

use std::collections::HashMap;

use crate::trail::entry::{Entry, Event, Tail};

/// What bears on whether somebody was in an export: their own entries, and the list's notices and exports.
#[derive(Default)]
pub struct Marks {
    /// The person's entries, with their indexes.
    pub own: Vec<(u64, Entry)>,
    /// Entries of `notice_published`, `export_began` and `fed`, with their indexes.
    pub lists: Vec<(u64, Entry)>,
    /// Each notice's purpose, by the SHA-256 of its bytes.
    pub purposes: HashMap<[u8; 32], u32>,
}

impl Marks {
    /// The hours since the Unix epoch in which exports began that held the person, in the log's order. An export that
    /// broke off counts: the row may have been in what came out of it.
    pub fn exports(&self) -> Vec<u32> {
        self.while_exportable(Event::ExportBegan)
    }

    /// The hours by which readers of the feed had been handed people who had come or changed, while this one could have
    /// been among them: the log tells how many those were, and not who.
    pub fn readings(&self) -> Vec<u32> {
        self.while_exportable(Event::Fed)
    }

    /// The hours of the list's entries of that event that look back on the person as one who could be exported.
    fn while_exportable(&self, event: Event) -> Vec<u32> {
        let standing = self.standing();
        let entries = self.lists.iter().filter(|(_, entry)| entry.event == event);
        let held = entries.filter(|(_, entry)| match entry.tail {
            Tail::Service { tree_size, .. } => {
                let before = standing.partition_point(|(index, _)| *index < tree_size);
                before > 0 && standing[before - 1].1.is_exportable()
            }
            Tail::Commitment(_) => false,
        });
        held.map(|(_, entry)| entry.hour).collect()
    }

    /// How the person stands after each entry that changes it, with the entry's index.
    fn standing(&self) -> Vec<(u64, Standing)> {
        let notices = self.lists.iter().filter(|(_, entry)| entry.event == Event::NoticePublished);
        let mut changes: Vec<_> = self.own.iter().chain(notices).collect();
        changes.sort_by_key(|(index, _)| *index);
        let mut standing = Standing::default();
        let after = |(index, entry): &(u64, Entry)| {
            standing.change(entry.event, self.purposes.get(&entry.notice).copied());
            (*index, standing)
        };
        changes.into_iter().map(after).collect()
    }
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
