//! Whether what a log's entries say adds up (design, chapter 6): each is one that we know, hours do not run backwards,
//! and no export held more rows than there were people who had said yes and not left.

use crate::trail::entry::{Entry, Event, NotAnEntry, Tail};

/// Reads a log's entries one after another, from its first.
pub struct Audit {
    /// How many hours an entry may be dated before one ahead of it.
    skew: u32,
    latest: u32,
    counts: [u64; Event::ALL.len()],
    standing: Standing,
}

/// What is wrong with a log, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index} is {wrong}")]
pub struct Fault {
    /// From 0.
    pub index: u64,
    pub wrong: Wrong,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error(transparent)]
    Unreadable(#[from] NotAnEntry),
    #[error("a `{event}` that looks back on tree size {tree_size}, which the log had not reached")]
    Ahead { event: Event, tree_size: u64 },
    #[error(
        "an export of {rows} rows at tree size {tree_size}, where {standing} people had said yes and not left"
    )]
    Rows { rows: u64, tree_size: u64, standing: i128 },
    #[error("dated {hours} hours before one that stands ahead of it")]
    Backwards { hours: u32 },
}

impl Audit {
    /// Of a log from its first entry on, in which hours may run backwards by at most `skew`.
    pub fn new(skew: u32) -> Audit {
        Audit { skew, latest: 0, counts: Default::default(), standing: Standing::default() }
    }

    /// Takes the next entry. Whatever is wrong with it is told, the gravest first and alone, and the audit can go on; an
    /// entry that cannot be read changes no count.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Entry, Fault> {
        let index = self.size();
        self.judge(bytes, index).map_err(|wrong| Fault { index, wrong })
    }

    fn judge(&mut self, bytes: &[u8], index: u64) -> Result<Entry, Wrong> {
        let read = Entry::read(bytes);
        self.standing.push(read.as_ref().ok());
        let entry = read?;
        self.counts[place(entry.event)] += 1;
        let on_time = self.check_hour(entry.hour);
        self.check_tail(&entry, index)?;
        on_time?;
        Ok(entry)
    }

    fn check_hour(&mut self, hour: u32) -> Result<(), Wrong> {
        let hours = self.latest.saturating_sub(hour);
        self.latest = self.latest.max(hour);
        if hours > self.skew { Err(Wrong::Backwards { hours }) } else { Ok(()) }
    }

    fn check_tail(&self, entry: &Entry, index: u64) -> Result<(), Wrong> {
        let event = entry.event;
        let Tail::Service { tree_size, count: rows, .. } = entry.tail else { return Ok(()) };
        if tree_size > index {
            return Err(Wrong::Ahead { event, tree_size });
        }
        let standing = self.standing.at(tree_size);
        if event == Event::Exported && i128::from(rows) > standing {
            return Err(Wrong::Rows { rows, tree_size, standing });
        }
        Ok(())
    }

    /// The number of entries taken so far.
    pub fn size(&self) -> u64 {
        self.standing.size
    }

    /// How many of the entries so far were of that event.
    pub fn count(&self, event: Event) -> u64 {
        self.counts[place(event)]
    }
}

fn place(event: Event) -> usize {
    Event::ALL.iter().position(|other| *other == event).unwrap_or_default()
}

/// Confirmed + restored − withdrawn − lost, at every tree size so far: an export looks back on one that only it names.
/// Kept as two bits an entry and a sum every 64, 4 MB for ten million entries. A `lost` entry stands once in the life of
/// a restored backup, so each is kept by itself.
#[derive(Default)]
struct Standing {
    size: u64,
    blocks: Vec<Block>,
    /// The tree size with each `lost` entry, and how many people had been lost by then.
    lost: Vec<(u64, i128)>,
}

/// 64 entries, the first in the lowest bit.
struct Block {
    /// Confirmed + restored − withdrawn ahead of them.
    before: i64,
    came: u64,
    left: u64,
}

impl Standing {
    /// Takes the next entry, or notes that it could not be read.
    fn push(&mut self, entry: Option<&Entry>) {
        let place = self.size % 64;
        if place == 0 {
            let before = self.blocks.last().map_or(0, |block| block.after(64));
            self.blocks.push(Block { before, came: 0, left: 0 });
        }
        self.size += 1;
        let Some((entry, block)) = entry.zip(self.blocks.last_mut()) else { return };
        match (entry.event, entry.tail) {
            (Event::Confirmed | Event::Restored, _) => block.came |= 1 << place,
            (Event::Withdrawn, _) => block.left |= 1 << place,
            (Event::Lost, Tail::Service { count, .. }) => {
                let before = self.lost.last().map_or(0, |(_, people)| *people);
                self.lost.push((self.size, before + i128::from(count)));
            }
            _ => {}
        }
    }

    /// The sum over the first entries of the log, as many as that; beyond its size, over all.
    fn at(&self, size: u64) -> i128 {
        let size = size.min(self.size);
        let Some(last) = size.checked_sub(1) else { return 0 };
        let came = self.blocks.get((last / 64) as usize).map_or(0, |block| block.after(last % 64 + 1));
        let lost = self.lost.partition_point(|(with, _)| *with <= size).checked_sub(1);
        i128::from(came) - lost.map_or(0, |n| self.lost[n].1)
    }
}

impl Block {
    /// The sum after the first so many of its entries: 1 to 64.
    fn after(&self, entries: u64) -> i64 {
        let first = u64::MAX >> (64 - entries);
        self.before + i64::from((self.came & first).count_ones())
            - i64::from((self.left & first).count_ones())
    }
}

#[cfg(test)]
mod tests;
