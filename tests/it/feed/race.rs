//! Writers and readers at once, at two services: every reader ends with what the database has.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use optin::app::App;
use optin::consent::change::{Confirm, Edit, Erase, Held, Restore, Rewrite};
use optin::consent::list::List;
use optin::consent::notice::Notice;
use optin::consent::undo::{Gone, Undo};
use optin::store::Store;
use optin::store::feed::{FeedCursor, Reader};
use optin::store::seal::Seal;
use optin::token::SubscriptionId;

use super::begun;
use crate::doors::people::{Bench, noon, token};

/// How many acts in the suite, unless this variable says another number. A hundred thousand take minutes.
const ACTS: usize = 3_000;
const MORE: &str = "OPTIN_FEED_ACTS";

/// A world that everybody acts upon.
struct World {
    bench: Bench,
    list: (List, Notice),
    /// Everybody who ever confirmed: whether they are still there or not, others act on them too.
    people: Mutex<Vec<SubscriptionId>>,
    /// Who has left, as the page that undoes it has them.
    left: Mutex<Vec<(SubscriptionId, Gone)>>,
    acts: AtomicUsize,
    is_over: AtomicBool,
}

/// What is random of an act.
struct Dice(u64);

impl Dice {
    /// A number below `below`: the high bits of Knuth's generator.
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

impl World {
    fn store(&self, n: usize) -> &Store {
        if n.is_multiple_of(2) { &self.bench.store } else { &self.bench.replica }
    }

    fn anybody(&self, dice: &mut Dice) -> Option<SubscriptionId> {
        let people = self.people.lock().unwrap();
        (!people.is_empty()).then(|| people[dice.roll(people.len())])
    }

    async fn come(&self, store: &Store, name: &str) {
        let signup = self.bench.signup(&self.list, name, noon());
        let (id, list) = (signup.id(), signup.list());
        store.sign_up(signup).await.unwrap();
        store.confirm(Confirm::new(&token(list, id), noon())).await.unwrap();
        self.people.lock().unwrap().push(id);
    }

    async fn leave(&self, store: &Store, id: SubscriptionId) {
        let erase = Erase::withdraw(&token(self.list.0.number, id), noon());
        if let (_, Some(gone)) = store.erase_handing_back(erase).await.unwrap() {
            self.left.lock().unwrap().push((id, gone));
        }
    }

    async fn come_back(&self, store: &Store, dice: &mut Dice) {
        let left = {
            let mut left = self.left.lock().unwrap();
            if left.is_empty() {
                return;
            }
            let n = dice.roll(left.len());
            left.swap_remove(n)
        };
        let undo = Undo::of(self.list.0.number, left.0, left.1, noon()).unwrap();
        let restore = Restore::new(&self.bench.ring, undo, App::random(), noon()).unwrap();
        store.restore(restore).await.unwrap();
    }

    /// Pauses, goes on, or has another language; whoever comes between makes it nothing.
    async fn rewrite(&self, store: &Store, id: SubscriptionId, what: usize) {
        let list = self.list.0.number;
        let Some(found) = store.find_subscription(list, id).await.unwrap() else { return };
        let held = Held { list, id, seal: &found.seal };
        let (ring, nonce) = (&self.bench.ring, App::random());
        let rewrite = match what {
            0 => Rewrite::pause(ring, &held, nonce, noon()),
            1 => Rewrite::resume(ring, &held, nonce, noon()),
            n => Rewrite::edit(ring, &held, nonce, |edit: &mut Edit| edit.lang = Some(format!("x{n}"))),
        };
        store.rewrite(rewrite.unwrap()).await.unwrap();
    }

    async fn write(&self, lane: usize, all: usize) {
        let (store, mut dice) = (self.store(lane), Dice(lane as u64));
        loop {
            let act = self.acts.fetch_add(1, Ordering::SeqCst);
            if act >= all {
                return;
            }
            match (dice.roll(10), self.anybody(&mut dice)) {
                (0..=3, _) | (_, None) => self.come(store, &format!("p{act}@example.org")).await,
                (4 | 5, Some(id)) => self.leave(store, id).await,
                (6, _) => self.come_back(store, &mut dice).await,
                (n, Some(id)) => self.rewrite(store, id, (n - 7) + dice.roll(3)).await,
            }
        }
    }

    /// An export: languages by reference, and where the feed goes on.
    async fn export(&self, store: &Store, n: usize) -> (BTreeMap<[u8; 16], String>, FeedCursor) {
        let seal = Seal::new("optin.example", &self.bench.ring, noon());
        let begun = begun([n as u8; 16]);
        let (made, mut rows) = store.begin_export(self.list.0.number, &seal, &begun).await.unwrap();
        let mut people = BTreeMap::new();
        while let Some(row) = rows.next().await.unwrap() {
            people.insert(row.reference, row.lang);
        }
        (people, made.feed.parse().unwrap())
    }

    /// Reads until all is over and nothing is left to tell, in pages of any size, at either service; now and then it is
    /// killed, and goes on from what it had noted some pages before.
    async fn read(&self, n: usize) -> BTreeMap<[u8; 16], String> {
        let mut dice = Dice(1000 + n as u64);
        let (mut people, mut cursor) = self.export(self.store(n), n).await;
        let mut noted = cursor.clone();
        let reader = Reader { operator: "reader", token: Some(n as i64) };
        loop {
            let was_over = self.is_over.load(Ordering::SeqCst);
            let store = self.store(dice.roll(2));
            let limit = 1 + dice.roll(200) as u32;
            let page =
                store.read_feed(reader, &cursor, limit, noon()).await.unwrap().expect("a cursor that holds");
            let told = page.added.len() + page.removed.len();
            assert!(told <= limit as usize);
            page.removed.iter().for_each(|reference| _ = people.remove(reference));
            people.extend(page.added.into_iter().map(|row| (row.reference, row.lang)));
            cursor = page.next;
            match dice.roll(20) {
                0 => cursor = noted.clone(),
                1 | 2 => noted = cursor.clone(),
                _ if told == 0 && was_over => return people,
                _ => {}
            }
            if told == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_and_three_readers_agree_in_the_end() {
    let all = std::env::var(MORE).map_or(ACTS, |acts| acts.parse().unwrap());
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let world = World {
        bench,
        list,
        people: Mutex::default(),
        left: Mutex::default(),
        acts: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    let began = tokio::time::Instant::now();
    let writing = async {
        join_all((0..8).map(|lane| world.write(lane, all))).await;
        world.is_over.store(true, Ordering::SeqCst);
        began.elapsed()
    };
    // The sweeper numbers too, and forgets nothing yet.
    let sweeping = async {
        while !world.is_over.load(Ordering::SeqCst) {
            world.bench.replica.forget_news(world.list.0.number, 60, noon()).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let (wrote, (), readers) = tokio::join!(writing, sweeping, join_all((0..3).map(|n| world.read(n))));
    let (now, _) = world.export(&world.bench.store, 9).await;
    let sql = "SELECT count(*) FROM subscriptions WHERE state = 2";
    assert_eq!(world.bench.count(sql).await, now.len() as i64);
    assert!(now.len() > all / 20, "people have come and stayed: {}", now.len());
    for (n, people) in readers.into_iter().enumerate() {
        let wrong = now.iter().filter(|(reference, lang)| people.get(*reference) != Some(lang)).count();
        let stale = people.keys().filter(|reference| !now.contains_key(*reference)).count();
        assert_eq!((wrong, stale), (0, 0), "reader {n}");
    }
    // Nothing names a person who is gone.
    let named = "SELECT count(*) FROM news n WHERE subscription IS NOT NULL AND NOT EXISTS
                 (SELECT FROM subscriptions s WHERE s.list = n.list AND s.id = n.subscription)";
    assert_eq!(world.bench.count(named).await, 0);
    let news = world.bench.count("SELECT count(*) FROM news").await;
    println!("{all} acts in {wrote:?}, read by {:?}; {} people, {news} news", began.elapsed(), now.len());
}
