//! A store without the rest of the house, and people who come to its write door with changes made by hand.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;
use futures_util::poll;
use jiff::Timestamp;
use optin::app::App;
use optin::consent::address::Address;
use optin::consent::change::{Confirm, Entered, Erase, Restore, Signup, SignupRandom};
use optin::consent::field::Profile;
use optin::consent::list::{List, ListOptions};
use optin::consent::notice::{Notice, NoticeText};
use optin::consent::subscription::{ConfirmOutcome, EraseOutcome, RestoreOutcome, SignupOutcome};
use optin::consent::undo::Gone;
use optin::keys::KeyRing;
use optin::store::{Store, StoreError};
use optin::token::{SubscriptionId, Token};
use zeroize::Zeroizing;

use crate::house::{connect, database, until};

/// A migrated database of its own, with two replicas' stores on it and a connection that looks on from outside.
pub struct Bench {
    pub store: Store,
    pub replica: Store,
    pub ring: KeyRing,
    pub url: String,
    pub db: tokio_postgres::Client,
}

/// A change of any kind.
#[derive(Clone)]
pub enum Change {
    SignUp(Signup),
    Confirm(Confirm),
    Erase(Erase),
    /// An erasure by somebody who wants the way back.
    Leave(Erase),
    Restore(Restore),
}

/// What a change of any kind came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    SignUp(SignupOutcome),
    Confirm(ConfirmOutcome),
    Erase(EraseOutcome),
    Leave(EraseOutcome, Option<Gone>),
    Restore(RestoreOutcome),
}

/// When the tests' people live.
pub fn noon() -> Timestamp {
    "2026-11-02T12:00:00.25Z".parse().unwrap()
}

/// A notice in English about `purpose`.
pub fn notice_texts(purpose: &str) -> BTreeMap<String, NoticeText> {
    let part = |text: &str| text.to_owned();
    let text = NoticeText {
        purpose: part(purpose),
        sender: part("Us."),
        recipients: part("Nobody else."),
        storage: part("Here."),
        retention: part("Until you leave."),
        legal_basis: part("Your consent."),
        withdrawal: part("At any time."),
    };
    [("en".to_owned(), text)].into()
}

/// What a verified token would say.
pub fn token(list: u32, id: SubscriptionId) -> Token {
    Token { list, id, expiry: 0 }
}

/// The id of a subscription that never was.
pub fn nobody() -> SubscriptionId {
    SubscriptionId(App::random())
}

/// Passes a change to its door.
pub async fn pass(store: &Store, change: Change) -> Result<Outcome, StoreError> {
    Ok(match change {
        Change::SignUp(signup) => Outcome::SignUp(store.sign_up(signup).await?),
        Change::Confirm(confirm) => Outcome::Confirm(store.confirm(confirm).await?),
        Change::Erase(erase) => Outcome::Erase(store.erase(erase).await?),
        Change::Leave(erase) => {
            let (outcome, gone) = store.erase_handing_back(erase).await?;
            Outcome::Leave(outcome, gone)
        }
        Change::Restore(restore) => Outcome::Restore(store.restore(restore).await?),
    })
}

impl Bench {
    pub async fn open() -> Bench {
        let url = database(true).await;
        let ring = KeyRing::generate(Zeroizing::new(App::random()));
        let [store, replica] = [(); 2].map(|()| Store::open(&url).unwrap());
        Bench { store, replica, ring, db: connect(&url).await, url }
    }

    /// A new list whose unconfirmed signups live `hours`, and its first notice.
    pub async fn list(&self, hours: u32) -> (List, Notice) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let slug = format!("list-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (options, texts) = (options(hours), notice_texts("News."));
        let made = self.store.create_list(&slug, &options, texts, noon(), App::random()).await;
        assert!(made.unwrap().is_some());
        self.store.find_list(&slug).await.unwrap().unwrap()
    }

    /// The same list, once it sends welcome letters; others of the bench do not.
    pub async fn welcoming(&self, (list, notice): (List, Notice)) -> (List, Notice) {
        let options = ListOptions { welcome: true, ..list.options.clone() };
        let changed = self.store.change_list(&list, &notice, &options, None, noon(), App::random()).await;
        assert!(changed.unwrap());
        (List { options, ..list }, notice)
    }

    pub fn signup(&self, list: &(List, Notice), address: &str, at: Timestamp) -> Signup {
        self.signup_in("en", list, address, at)
    }

    /// A signup in any language, also in one that no form would let pass.
    pub fn signup_in(&self, lang: &str, list: &(List, Notice), address: &str, at: Timestamp) -> Signup {
        let (list, notice) = list;
        let address = Address::parse(address).unwrap();
        let entered =
            Entered { address, profile: Profile::new(), lang: lang.into(), origin: None, network: None };
        Signup::new(&self.ring, list, notice, entered, fresh(), at)
    }

    /// Passes changes so that those of one kind and list are sure to meet in one batch: while the table is locked
    /// each door is kept busy with a change of nobody's, and all others queue behind it.
    pub async fn pass_in_one_batch(&self, changes: Vec<Change>) -> Vec<Result<Outcome, StoreError>> {
        let holder = self.lock_subscriptions().await;
        let (list, notice) = elsewhere();
        let idle = self.signup(&(list, notice), "idle@example.org", noon());
        let its = token(idle.list(), idle.id());
        let mut first = pin!(join_all([
            pass(&self.store, Change::SignUp(idle)),
            pass(&self.store, Change::Confirm(Confirm::new(&token(ELSEWHERE, nobody()), noon()))),
            pass(&self.store, Change::Erase(Erase::withdraw(&token(ELSEWHERE, nobody()), noon()))),
        ]));
        assert!(poll!(&mut first).is_pending());
        self.until_waiting(3).await;
        let mut others = pin!(join_all(changes.into_iter().map(|change| pass(&self.store, change))));
        assert!(poll!(&mut others).is_pending());
        holder.batch_execute("COMMIT").await.unwrap();
        first.await.into_iter().for_each(|outcome| _ = outcome.unwrap());
        let outcomes = others.await;
        assert_eq!(self.store.erase(Erase::withdraw(&its, noon())).await.unwrap(), EraseOutcome::Erased);
        outcomes
    }

    /// A connection in whose transaction nobody else can use the subscriptions.
    pub async fn lock_subscriptions(&self) -> tokio_postgres::Client {
        let holder = connect(&self.url).await;
        holder.batch_execute("BEGIN; LOCK TABLE subscriptions IN ACCESS EXCLUSIVE MODE").await.unwrap();
        holder
    }

    /// Waits until so many statements of this database wait for the subscriptions.
    pub async fn until_waiting(&self, statements: i64) {
        let waiting = "SELECT count(*) FROM pg_locks
                       WHERE NOT granted AND relation = 'subscriptions'::regclass
                         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        until("waiting statements", async || self.count(waiting).await == statements).await;
    }

    pub async fn count(&self, sql: &str) -> i64 {
        self.db.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// Random bytes for one signup.
pub fn fresh() -> SignupRandom {
    SignupRandom {
        id: App::random(),
        reference: App::random(),
        secret: Zeroizing::new(App::random()),
        nonce: App::random(),
    }
}

/// The number of a list that is not there.
const ELSEWHERE: u32 = 2_000_000_000;

fn elsewhere() -> (List, Notice) {
    let options = options(1);
    let notice = Notice::decode(&Notice::encode(1, 1, notice_texts("Nothing.")), noon()).unwrap();
    (List { number: ELSEWHERE, slug: "elsewhere".into(), options, is_closed: false }, notice)
}

fn options(hours: u32) -> ListOptions {
    ListOptions { pending_ttl_hours: hours, welcome: false, ..ListOptions::titled("en", "News") }
}
