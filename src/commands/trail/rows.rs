//! Bringing the rows of a restored list up to its log, handful by handful.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::app::App;
use crate::clock::Clock;
use crate::consent::change::{Erase, Held, Rewrite};
use crate::consent::person::Person;
use crate::consent::replay::{Fate, Told, fate};
use crate::consent::subscription::{EraseOutcome, RewriteOutcome, State};
use crate::keys::KeyRing;
use crate::store::Store;
use crate::store::replay::HeldRow;
use crate::token::SubscriptionId;
use crate::trail::entry::Event;
use crate::trail::trace::TRACED;

/// Rows read at a time, well below what the write door lets wait.
const HANDFUL: u32 = 256;

/// What became of rows.
#[derive(Default)]
pub struct Brought {
    /// Their people had left since, or had moved to another address.
    pub erased: u64,
    /// Nobody had confirmed them.
    pub pending: u64,
    pub active: u64,
    pub paused: u64,
    /// They changed while they were looked at.
    stale: u64,
}

/// A row with what the log tells of it.
struct Looked {
    row: HeldRow,
    person: Person,
    told: Told,
    /// The hour of the confirmation, of a row that was pending.
    confirmed: Option<u32>,
}

/// Goes through all rows of a list, again and again until none has changed meanwhile.
pub async fn bring_up(store: &Store, keys: &KeyRing, list: u32) -> anyhow::Result<Brought> {
    let mut brought = Brought::default();
    loop {
        brought.stale = 0;
        let mut after = SubscriptionId([0; 14]);
        loop {
            let rows = store.rows_after(list, after, HANDFUL).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let looked = look(store, keys, list, rows).await?;
            let fates = looked.iter().map(|looked| bring(store, keys, list, looked));
            try_join_all(fates).await?.into_iter().for_each(|fate| brought.count(fate));
        }
        if brought.stale == 0 {
            return Ok(brought);
        }
    }
}

/// What became of one row.
enum Became {
    Same,
    Erased(State),
    Written(State),
    Stale,
}

impl Brought {
    fn count(&mut self, became: Became) {
        let counter = match became {
            Became::Same => return,
            Became::Erased(State::Pending) => &mut self.pending,
            Became::Erased(_) => &mut self.erased,
            Became::Written(State::Paused) => &mut self.paused,
            Became::Written(_) => &mut self.active,
            Became::Stale => &mut self.stale,
        };
        *counter += 1;
    }
}

/// Looks each row's next entries up in the log, until there are none.
async fn look(store: &Store, keys: &KeyRing, list: u32, rows: Vec<HeldRow>) -> anyhow::Result<Vec<Looked>> {
    let mut looked = Vec::with_capacity(rows.len());
    for row in rows {
        let person = Person::open(keys, list, row.id, &row.seal)?;
        let told = Told { is_confirmed: false, acts: person.acts.clone() };
        looked.push(Looked { row, person, told, confirmed: None });
    }
    let mut asked: HashMap<[u8; 32], (usize, Event)> = HashMap::new();
    for (n, looked) in looked.iter().enumerate() {
        let first = (looked.row.state == State::Pending).then_some(Event::Confirmed);
        for event in TRACED.into_iter().chain(first) {
            asked.insert(looked.next(list, event), (n, event));
        }
    }
    while !asked.is_empty() {
        let commitments: Vec<_> = asked.keys().copied().collect();
        let found = store.hours_of(list, &commitments).await?;
        let mut next = HashMap::new();
        for (commitment, hour) in found {
            let Some((n, event)) = asked.remove(&commitment) else { continue };
            looked[n].hear(event, hour);
            if event != Event::Confirmed {
                next.insert(looked[n].next(list, event), (n, event));
            }
        }
        asked = next;
    }
    Ok(looked)
}

impl Looked {
    fn next(&self, list: u32, event: Event) -> [u8; 32] {
        self.person.commitment(list, event, self.told.acts.count(event))
    }

    fn hear(&mut self, event: Event, hour: u32) {
        if event == Event::Confirmed {
            (self.told.is_confirmed, self.confirmed) = (true, Some(hour));
        } else {
            self.told.acts.reach(event, self.told.acts.count(event) + 1);
        }
    }
}

async fn bring(store: &Store, keys: &KeyRing, list: u32, looked: &Looked) -> anyhow::Result<Became> {
    let Looked { row, person, told, confirmed } = looked;
    match fate(row.state, &person.acts, told) {
        Fate::Stays => Ok(Became::Same),
        Fate::Goes => {
            let erase = Erase::replayed(list, row.id, row.state, Clock::System.now());
            Ok(match store.erase(erase).await? {
                EraseOutcome::Erased => Became::Erased(row.state),
                EraseOutcome::Spared => Became::Stale,
                EraseOutcome::NoRow => Became::Same,
            })
        }
        Fate::Becomes(state) => {
            let mut person = person.clone();
            person.acts = told.acts.clone();
            let confirmed_at = confirmed.and_then(|hour| Timestamp::from_second(i64::from(hour) * 3600).ok());
            let held = Held { list, id: row.id, seal: &row.seal };
            let rewrite = Rewrite::replayed(keys, &held, &person, state, confirmed_at, App::random());
            Ok(match store.rewrite(rewrite).await? {
                RewriteOutcome::Done => Became::Written(state),
                RewriteOutcome::Stale => Became::Stale,
                RewriteOutcome::Spared | RewriteOutcome::Taken | RewriteOutcome::NoRow => Became::Same,
            })
        }
    }
}
