//! Two lists and their people, once as they should be and once as the database has them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use optin::app::App;
use optin::consent::address::Address;
use optin::consent::change::{
    CannotRestore, Confirm, Entered, Erase, Held as Read, Restore, Rewrite, Signup,
};
use optin::consent::field::Profile;
use optin::consent::figures::SIGNUPS;
use optin::consent::notice::Notice;
use optin::consent::person::{Acts, Person};
use optin::consent::record::{Given, record};
use optin::consent::subscription::{EraseOutcome, RewriteOutcome, Row, State};
use optin::consent::undo::Undo;
use optin::store::NextNotice;
use optin::store::outbox::LetterKind;
use optin::store::seal::Seal;
use optin::token::SubscriptionId;
use optin::trail::entry::{Event, ZEROS, entry, service_tail};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::model::{Entry, Held, Made, Published, Trace, day, orders};
use crate::doors::people::{Bench, Change, Outcome, fresh, nobody, noon, notice_texts, pass, token};

/// Acts on one person that may come together: all their orders are tried.
const MOST_AT_ONCE: usize = 4;

#[derive(Clone, Copy, Debug)]
pub enum Verb {
    SignUp,
    Confirm,
    Withdraw,
    NotMe,
    Undo,
}

#[derive(Clone, Copy, Debug)]
pub struct Act {
    pub verb: Verb,
    pub list: usize,
    pub who: usize,
    /// Which of the person's links, or pages, is used: 0 is the newest. A signup types the address in one of two ways by it.
    pub link: usize,
    /// Ten minutes after the others that come together with it, by its own clock.
    pub later: bool,
}

/// One address on one list.
type Key = (usize, usize);

pub struct World<'a> {
    bench: &'a Bench,
    pub now: Timestamp,
    lists: Vec<Published>,
    held: BTreeMap<Key, Held>,
    /// Every id that a link was made for, oldest first.
    ids: BTreeMap<Key, Vec<SubscriptionId>>,
    /// Every page that a withdrawal could be undone by, oldest first, with the row as it was.
    ways_back: BTreeMap<Key, Vec<(Undo, Held)>>,
}

impl<'a> World<'a> {
    /// Two fresh lists and nobody on them. The second welcomes people.
    pub async fn new(bench: &'a Bench) -> World<'a> {
        let mut lists = Vec::new();
        let quiet = bench.list(72).await;
        let welcoming = bench.welcoming(bench.list(1).await).await;
        for (list, notice) in [quiet, welcoming] {
            let sql = "SELECT entry FROM trail_entries WHERE list = $1";
            let first = bench.db.query_one(sql, &[&(list.number as i32)]).await.unwrap();
            let first: Entry = first.get::<_, &[u8]>(0).try_into().unwrap();
            assert_eq!(first[..38], entry(Event::NoticePublished, noon(), &notice.sha256, &ZEROS)[..38]);
            lists.push(Published {
                list,
                notices: vec![notice],
                entries: vec![first],
                counted: BTreeMap::new(),
                may_be_more: 0,
            });
        }
        World {
            bench,
            now: noon(),
            lists,
            held: BTreeMap::new(),
            ids: BTreeMap::new(),
            ways_back: BTreeMap::new(),
        }
    }

    pub async fn publish(&mut self, list: usize, new_purpose: bool) {
        let (now, list) = (self.now, &mut self.lists[list]);
        let current = list.notices.last().unwrap();
        let texts = || notice_texts(&format!("News, version {}.", current.version + 1));
        let random: [u8; 16] = App::random();
        let (options, store) = (&list.list.options, &self.bench.store);
        let next = Some(NextNotice { texts: texts(), new_purpose });
        assert!(store.change_list(&list.list, current, options, next, now, random).await.unwrap());
        let purpose = current.purpose + u32::from(new_purpose);
        let bytes = Notice::encode(current.version + 1, purpose, texts());
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        list.entries.push(entry(Event::NoticePublished, now, &sha256, &service_tail(&random, 0, 0)));
        list.notices.push(Notice::decode(&bytes, now).unwrap());
    }

    pub async fn pause(&mut self, list: usize, who: usize) {
        let Some(held) = self.held.get_mut(&(list, who)) else { return };
        if held.row.state == State::Active {
            let published = &mut self.lists[list];
            let entry = held.entry(Event::Paused, self.now, published);
            let found =
                self.bench.store.find_subscription(published.list.number, held.id).await.unwrap().unwrap();
            let read = Read { list: published.list.number, id: held.id, seal: &found.seal };
            let pause = Rewrite::pause(&self.bench.ring, &read, App::random(), self.now).unwrap();
            assert_eq!(self.bench.store.rewrite(pause).await.unwrap(), RewriteOutcome::Done);
            published.entries.push(entry);
            held.acts.reach(Event::Paused, held.acts.count(Event::Paused) + 1);
            held.row.state = State::Paused;
        }
    }

    /// Lets acts happen at the same time, and finds an order of each person's acts that explains what came of them.
    pub async fn together(&mut self, acts: &[Act], one_batch: bool) -> Result<(), TestCaseError> {
        let mut made: Vec<(Key, Made)> = Vec::new();
        for act in acts {
            let key = (act.list, act.who);
            if made.iter().filter(|(of, _)| *of == key).count() < MOST_AT_ONCE {
                made.extend(self.make(act).map(|made| (key, made)));
            }
        }
        spare_letters_of_nobody(&mut made);
        for (key, made) in &made {
            if let Made::SignUp(signup, _) = made {
                self.ids.entry(*key).or_default().push(signup.id());
            }
        }
        let changes: Vec<Change> = made.iter().map(|(_, made)| made.change()).collect();
        let outcomes = if one_batch {
            self.bench.pass_in_one_batch(changes).await
        } else {
            let stores = [&self.bench.store, &self.bench.replica];
            let passed = changes.into_iter().enumerate().map(|(n, change)| pass(stores[n % 2], change));
            join_all(passed).await
        };
        let mut handed_back = BTreeMap::new();
        let mut told = |outcome: Outcome| match outcome {
            Outcome::Leave(outcome, gone) => {
                assert_eq!(gone.is_some(), outcome == EraseOutcome::Erased);
                // By its reference: an undone subscription is erased once among acts that come together.
                handed_back.extend(gone.map(|gone| (gone.reference, gone)));
                Outcome::Erase(outcome)
            }
            outcome => outcome,
        };
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(|outcome| told(outcome.unwrap())).collect();

        let mut people: BTreeMap<Key, Vec<(&Made, Outcome)>> = BTreeMap::new();
        for ((key, made), outcome) in made.iter().zip(&outcomes) {
            people.entry(*key).or_default().push((made, outcome.clone()));
        }
        for (key, acts) in people {
            if acts.len() > 1 && acts.iter().any(|(made, _)| !matches!(made, Made::Erase(..))) {
                self.drop_letters_of_nobody(key).await;
            }
            let stored = self.stored(key).await;
            let explained = orders(acts.len()).into_iter().find_map(|order| {
                let (mut held, mut trace) = (self.held.get(&key).cloned(), Trace::default());
                let list = &self.lists[key.0];
                let fits = order.iter().all(|n| acts[*n].0.apply(&mut held, list, &mut trace) == acts[*n].1);
                (fits && held.as_ref().map(|held| held.id) == stored).then_some((held, trace))
            });
            let outcomes: Vec<&Outcome> = acts.iter().map(|(_, outcome)| outcome).collect();
            let Some((held, trace)) = explained else {
                let before = self.held.get(&key).map(|held| held.row);
                return Err(TestCaseError::fail(format!("no order explains {outcomes:?} after {before:?}")));
            };
            for (was, at) in trace.gone {
                let gone = handed_back.remove(&was.reference).expect("whoever asked has the row");
                let undo = Undo::of(self.lists[key.0].list.number, was.id, gone, at);
                self.ways_back.entry(key).or_default().extend(undo.map(|undo| (undo, was)));
            }
            let list = &mut self.lists[key.0];
            list.entries.extend(trace.entries);
            trace.counted.into_iter().for_each(|of| *list.counted.entry(of).or_default() += 1);
            list.may_be_more += trace.again;
            match held {
                Some(held) => _ = self.held.insert(key, held),
                None => _ = self.held.remove(&key),
            }
        }
        Ok(())
    }

    /// `None` for an undo where there is no page for it, or where its time is over.
    fn make(&self, act: &Act) -> Option<Made> {
        let Published { list, notices, .. } = &self.lists[act.list];
        let at = if act.later { self.now + SignedDuration::from_mins(10) } else { self.now };
        let ids = self.ids.get(&(act.list, act.who)).map_or(&[][..], Vec::as_slice);
        let id = ids.iter().rev().nth(act.link).copied().unwrap_or_else(nobody);
        let token = token(list.number, id);
        Some(match act.verb {
            Verb::Undo => {
                let pages = self.ways_back.get(&(act.list, act.who)).map_or(&[][..], Vec::as_slice);
                let (undo, was) = pages.iter().rev().nth(act.link)?;
                match Restore::new(&self.bench.ring, undo.clone(), App::random(), at) {
                    Ok(restore) => Made::Restore(restore, Box::new(was.clone()), at),
                    Err(CannotRestore::TooLate) if undo.expires_at() <= at => return None,
                    Err(error) => panic!("{error}"),
                }
            }
            Verb::Confirm => Made::Confirm(Confirm::new(&token, at)),
            Verb::Withdraw => Made::Erase(Erase::withdraw(&token, at), at),
            Verb::NotMe => Made::Erase(Erase::not_me(&token, at), at),
            Verb::SignUp => {
                let (spelling, lang) =
                    if act.link == 0 { ("Ann{}@Example.org", "en") } else { ("aNN{}@EXAMPLE.org", "de") };
                let address = Address::parse(&spelling.replace("{}", &act.who.to_string())).unwrap();
                let profile = Profile::from([("name".to_owned(), format!("Ann the {}th", act.link))]);
                let (notice, random) = (notices.last().unwrap(), fresh());
                let origin = Some("https://www.example.org");
                let held = Held {
                    row: Row {
                        state: State::Pending,
                        signed_up_at: at,
                        expires_at: Timestamp::from_second((at + list.pending_ttl()).as_second()).unwrap(),
                        told_at: None,
                        purpose_is_current: true,
                    },
                    id: SubscriptionId(random.id),
                    notice: notice.version,
                    lang: lang.into(),
                    reference: random.reference,
                    confirmed_at: None,
                    address: address.as_typed().into(),
                    record: record(
                        &address,
                        list.number,
                        &notice.sha256,
                        lang,
                        &profile,
                        Given::BySignup { signed_up_at: at },
                        origin,
                    ),
                    profile: profile.clone(),
                    secret: *random.secret,
                    acts: Acts::default(),
                    letters: BTreeMap::from([(LetterKind::Confirmation as i16, at)]),
                };
                let origin = origin.map(str::to_owned);
                let entered = Entered { address, profile, lang: lang.into(), origin, network: None };
                let signup = Signup::new(&self.bench.ring, list, notice, entered, random, at);
                Made::SignUp(signup, Box::new(held))
            }
        })
    }

    /// An act that waits for a signup or a confirmation of the same person, in another door or replica, does not see the
    /// letter which that queues: the postman drops it when he finds nobody to send it to. Otherwise none may lie about.
    async fn drop_letters_of_nobody(&self, key: Key) {
        let ids: Vec<&[u8]> = self.ids.get(&key).into_iter().flatten().map(|id| id.0.as_slice()).collect();
        let sql = "DELETE FROM outbox o WHERE list = $1 AND subscription = ANY ($2) AND NOT EXISTS
                   (SELECT FROM subscriptions s WHERE s.list = o.list AND s.id = o.subscription)";
        let number = self.lists[key.0].list.number as i32;
        self.bench.db.execute(sql, &[&number, &ids]).await.unwrap();
    }

    fn numbers(&self) -> Vec<i32> {
        self.lists.iter().map(|list| list.list.number as i32).collect()
    }

    /// The id of the row that is stored for an address.
    async fn stored(&self, (list, who): Key) -> Option<SubscriptionId> {
        let number = self.lists[list].list.number;
        let key = self.bench.ring.address_key(number, &format!("ann{who}@example.org"));
        let sql = "SELECT id FROM subscriptions WHERE list = $1 AND address_key = $2";
        let row = self.bench.db.query_opt(sql, &[&(number as i32), &&key[..]]).await.unwrap();
        row.map(|row| SubscriptionId(row.get::<_, &[u8]>(0).try_into().unwrap()))
    }

    /// Whether rows, seals, letters and entries are all as they should be, and there are no others.
    pub async fn agrees(&self) -> Result<(), TestCaseError> {
        let mut expected: BTreeMap<(i32, SubscriptionId), Held> = BTreeMap::new();
        for ((list, _), held) in &self.held {
            let Published { list, notices, .. } = &self.lists[*list];
            let mut held = held.clone();
            held.row.purpose_is_current = held.purpose(notices) == notices.last().unwrap().purpose;
            expected.insert((list.number as i32, held.id), held);
        }
        let stored = self.read().await?;
        prop_assert_eq!(stored.len(), expected.len(), "rows");
        for (key, held) in &expected {
            prop_assert_eq!(stored.get(key), Some(held));
        }
        let letters = self.letters().await;
        let owed: usize = expected.values().map(|held| held.letters.len()).sum();
        prop_assert_eq!(letters, owed as i64, "letters, those of nobody included");
        for Published { list, entries, .. } in &self.lists {
            let sql = "SELECT entry FROM trail_entries WHERE list = $1 AND index IS NULL ORDER BY entry";
            let rows = self.bench.db.query(sql, &[&(list.number as i32)]).await.unwrap();
            let stored: Vec<&[u8]> = rows.iter().map(|row| row.get(0)).collect();
            let mut expected: Vec<&[u8]> = entries.iter().map(|entry| &entry[..]).collect();
            expected.sort();
            prop_assert_eq!(stored, expected);
        }
        Ok(())
    }

    /// Whether what was counted is what happened: beside the trail so far, and by the trail once it is sealed.
    pub async fn adds_up(&self) -> Result<(), TestCaseError> {
        for Published { list, entries, counted, may_be_more, .. } in &self.lists {
            let mut expected = counted.clone();
            for entry in entries.iter().filter(|entry| entry[1] < Event::NoticePublished as u8) {
                let hour = u32::from_be_bytes(entry[2..6].try_into().unwrap());
                let at = Timestamp::from_second(i64::from(hour) * 3600).unwrap();
                *expected.entry((day(at), i16::from(entry[1]))).or_default() += 1;
            }
            let seal = Seal::new("optin.example", &self.bench.ring, self.now);
            self.bench.store.seal(list.number, &seal).await.unwrap();
            let sql = "SELECT day, kind, count FROM tallies WHERE list = $1 AND count > 0";
            let rows = self.bench.db.query(sql, &[&(list.number as i32)]).await.unwrap();
            let mut stored: BTreeMap<(Date, i16), i64> =
                rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
            let signups = |of: &BTreeMap<(Date, i16), i64>| -> i64 {
                of.iter().filter(|((_, kind), _)| *kind == SIGNUPS).map(|(_, count)| count).sum()
            };
            let (least, told) = (signups(&expected), signups(&stored));
            prop_assert!((least..=least + may_be_more).contains(&told), "{told} signups, not {least}");
            stored.retain(|(_, kind), _| *kind != SIGNUPS);
            expected.retain(|(_, kind), _| *kind != SIGNUPS);
            prop_assert_eq!(stored, expected);
            let sql = "SELECT t.subscribers, (SELECT count(*) FROM subscriptions s WHERE s.list = t.list AND s.state > 1)
                       FROM trails t WHERE t.list = $1";
            let row = self.bench.db.query_one(sql, &[&(list.number as i32)]).await.unwrap();
            prop_assert_eq!(row.get::<_, i64>(0), row.get::<_, i64>(1), "people on the list");
        }
        Ok(())
    }

    async fn letters(&self) -> i64 {
        let sql = "SELECT count(*) FROM outbox WHERE list = ANY ($1)";
        self.bench.db.query_one(sql, &[&self.numbers()]).await.unwrap().get(0)
    }

    /// All rows with what is under their seals and the letters that wait for them.
    async fn read(&self) -> Result<BTreeMap<(i32, SubscriptionId), Held>, TestCaseError> {
        let sql = "SELECT s.*, n.purpose = l.purpose AS purpose_is_current,
                          ARRAY(SELECT kind FROM outbox o WHERE o.list = s.list AND o.subscription = s.id
                                AND o.due_at = o.queued_at AND attempts = 0 AND status IS NULL AND dead_at IS NULL
                                ORDER BY kind) AS kinds,
                          ARRAY(SELECT queued_at FROM outbox o WHERE o.list = s.list AND o.subscription = s.id
                                ORDER BY kind) AS times
                   FROM subscriptions s JOIN lists l USING (list)
                   JOIN notices n ON n.list = s.list AND n.version = s.notice
                   WHERE s.list = ANY ($1)";
        let mut found = BTreeMap::new();
        for row in self.bench.db.query(sql, &[&self.numbers()]).await.unwrap() {
            let list: i32 = row.get("list");
            let id = SubscriptionId(row.get::<_, &[u8]>("id").try_into().unwrap());
            let person = Person::open(&self.bench.ring, list as u32, id, row.get("seal"));
            let person = person.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let state = State::from_number(row.get("state")).unwrap();
            let ready: Option<&[u8]> = row.get("confirmed_commitment");
            prop_assert_eq!(ready.is_some(), state == State::Pending, "a commitment is used once");
            let kinds: Vec<i16> = row.get("kinds");
            let times: Vec<Timestamp> = row.get("times");
            prop_assert_eq!(kinds.len(), times.len(), "no letter has been touched");
            let held = Held {
                row: Row {
                    state,
                    signed_up_at: row.get("signed_up_at"),
                    expires_at: row.get("expires_at"),
                    told_at: row.get("told_at"),
                    purpose_is_current: row.get("purpose_is_current"),
                },
                id,
                notice: row.get::<_, i32>("notice") as u32,
                lang: row.get("lang"),
                reference: row.get::<_, &[u8]>("reference").try_into().unwrap(),
                confirmed_at: row.get("confirmed_at"),
                address: person.address,
                profile: person.profile,
                record: person.record,
                secret: *person.secret,
                acts: person.acts,
                letters: kinds.into_iter().zip(times).collect(),
            };
            found.insert((list, id), held);
        }
        Ok(found)
    }
}

/// Where a signup may queue a letter for a row that is erased at the same moment, no undo brings that row back at once: the
/// letter of nobody would be somebody's again.
fn spare_letters_of_nobody(made: &mut Vec<(Key, Made)>) {
    let keys_with = |is: fn(&Made) -> bool| -> BTreeSet<Key> {
        made.iter().filter(|(_, made)| is(made)).map(|(key, _)| *key).collect()
    };
    let signing = keys_with(|made| matches!(made, Made::SignUp(..)));
    let leaving = keys_with(|made| matches!(made, Made::Erase(..)));
    made.retain(|(key, made)| {
        !(matches!(made, Made::Restore(..)) && signing.contains(key) && leaving.contains(key))
    });
}
