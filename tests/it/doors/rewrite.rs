//! Rarer acts: each is done on the row that it read, from the states that it starts from, and is in the trail once.

use std::pin::pin;

use futures_util::future::join_all;
use futures_util::poll;
use jiff::{SignedDuration, Timestamp};
use optin::app::App;
use optin::consent::change::{Confirm, Held, Rewrite};
use optin::consent::person::{Person, PersonError};
use optin::consent::subscription::RewriteOutcome::{Done, NoRow, Spared, Stale};
use optin::consent::subscription::State;
use optin::keys::KeyRing;
use optin::token::SubscriptionId;
use optin::trail::entry::{Event, ZEROS, entry};

use super::people::{Bench, nobody, noon, token};

type Act = fn(&KeyRing, &Held<'_>, [u8; 24], Timestamp) -> Result<Rewrite, PersonError>;

/// An act on a row whose seal was read.
fn act(bench: &Bench, id: SubscriptionId, seal: &[u8], act: Act) -> Rewrite {
    act(&bench.ring, &Held { list: 1, id, seal }, App::random(), noon()).unwrap()
}

async fn seal(bench: &Bench, id: SubscriptionId) -> Vec<u8> {
    bench.store.find_subscription(1, id).await.unwrap().unwrap().seal
}

#[tokio::test]
async fn a_rarer_act_is_done_once_by_what_was_read_and_only_from_where_it_starts() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let signup = bench.signup(&list, "ann@example.org", noon());
    let id = signup.id();
    bench.store.sign_up(signup).await.unwrap();
    let first = seal(&bench, id).await;
    for early in [Rewrite::pause as Act, Rewrite::resume] {
        assert_eq!(bench.store.rewrite(act(&bench, id, &first, early)).await.unwrap(), Spared);
    }
    bench.store.confirm(Confirm::new(&token(1, id), noon())).await.unwrap();
    assert_eq!(bench.store.rewrite(act(&bench, id, &first, Rewrite::resume)).await.unwrap(), Spared);

    // Of four that read the same, one is done.
    let holder = bench.lock_subscriptions().await;
    let pause = || bench.store.rewrite(act(&bench, id, &first, Rewrite::pause));
    let mut early = pin!(pause());
    assert!(poll!(&mut early).is_pending());
    bench.until_waiting(1).await;
    let mut late = pin!(join_all([pause(), pause(), pause()]));
    assert!(poll!(&mut late).is_pending());
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(early.await.unwrap(), Done);
    for outcome in late.await {
        assert_eq!(outcome.unwrap(), Stale);
    }

    // Two that read the same and meet in one batch, the door being busy with nobody's.
    let paused = seal(&bench, id).await;
    let holder = bench.lock_subscriptions().await;
    let stranger = Held { list: 1, id: nobody(), seal: &paused };
    let person = Person::open(&bench.ring, 1, id, &paused).unwrap();
    let idle = Rewrite::replayed(&bench.ring, &stranger, &person, State::Active, None, App::random());
    let mut busy = pin!(bench.store.rewrite(idle));
    assert!(poll!(&mut busy).is_pending());
    bench.until_waiting(1).await;
    let resume = || bench.store.rewrite(act(&bench, id, &paused, Rewrite::resume));
    let mut both = pin!(join_all([resume(), resume()]));
    assert!(poll!(&mut both).is_pending());
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(busy.await.unwrap(), NoRow);
    let mut outcomes: Vec<_> = both.await.into_iter().map(Result::unwrap).collect();
    outcomes.sort_by_key(|outcome| *outcome == Stale);
    assert_eq!(outcomes, [Done, Stale]);

    // What a log tells of a confirmation is nothing new to a row that knows of it, and leaves no entry.
    let (active, later) = (seal(&bench, id).await, Some(noon() + SignedDuration::from_hours(1)));
    let (held, person) =
        (Held { list: 1, id, seal: &active }, Person::open(&bench.ring, 1, id, &active).unwrap());
    let told = Rewrite::replayed(&bench.ring, &held, &person, State::Active, later, App::random());
    assert_eq!(bench.store.rewrite(told).await.unwrap(), Done);

    // A second pause is another entry, and of one that is paused nothing more comes.
    let active = seal(&bench, id).await;
    assert_eq!(bench.store.rewrite(act(&bench, id, &active, Rewrite::pause)).await.unwrap(), Done);
    let again = seal(&bench, id).await;
    assert_eq!(bench.store.rewrite(act(&bench, id, &again, Rewrite::pause)).await.unwrap(), Spared);

    let kept = Person::open(&bench.ring, 1, id, &again).unwrap();
    assert_eq!((kept.acts.count(Event::Paused), kept.acts.count(Event::Resumed)), (2, 1));
    let row = bench.db.query_one("SELECT state, confirmed_at FROM subscriptions", &[]).await.unwrap();
    assert_eq!((row.get::<_, i16>("state"), row.get::<_, Timestamp>("confirmed_at")), (3, noon()));
    let of = |(event, n)| entry(event, noon(), &ZEROS, &person.commitment(1, event, n)).to_vec();
    let mut expected: Vec<_> = [(Event::Paused, 0), (Event::Resumed, 0), (Event::Paused, 1)].map(of).into();
    expected.sort();
    let stored = "SELECT entry FROM trail_entries WHERE get_byte(entry, 1) NOT IN (1, 16) ORDER BY entry";
    let rows = bench.db.query(stored, &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, Vec<u8>>(0)).collect::<Vec<_>>(), expected);
}
