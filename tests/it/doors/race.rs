//! A signup whose batch looked before another replica's rows were there, and locks after.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use optin::consent::change::{Confirm, Signup};
use optin::consent::subscription::{ConfirmOutcome, SignupOutcome};

use super::people::{Bench, noon, token};
use crate::house::{connect, until};

/// A connection in whose transaction nobody else can touch this one row.
async fn hold(bench: &Bench, signup: &Signup) -> tokio_postgres::Client {
    let holder = connect(&bench.url).await;
    holder.batch_execute("BEGIN").await.unwrap();
    let lock = "SELECT FROM subscriptions WHERE list = $1 AND id = $2 FOR UPDATE";
    let list = i32::try_from(signup.list()).unwrap();
    holder.execute(lock, &[&list, &signup.id().0.as_slice()]).await.unwrap();
    holder
}

#[tokio::test]
async fn whoever_subscribes_between_a_batchs_look_and_its_lock_is_still_told() {
    let bench = Bench::open().await;
    let list = bench.list(72).await;
    let signup = |address: &str| bench.signup(&list, address, noon());
    let (ann, carl, eve) = (signup("ann@example.org"), signup("carl@example.org"), signup("eve@example.org"));
    bench.store.sign_up(ann.clone()).await.unwrap();
    bench.store.sign_up(carl.clone()).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";

    // The door is kept busy with Ann, so that Carl and Eve are sure to meet in the next batch …
    let (anns, carls) = (hold(&bench, &ann).await, hold(&bench, &carl).await);
    let mut first = pin!(bench.store.sign_up(signup("ann@example.org")));
    assert!(poll!(&mut first).is_pending());
    until("the first batch", async || bench.count(waiting).await == 1).await;
    let mut carl_again = pin!(bench.store.sign_up(signup("carl@example.org")));
    let mut eve_again = pin!(bench.store.sign_up(bench.signup(
        &list,
        "eve@example.org",
        noon() + SignedDuration::from_secs(1)
    )));
    assert!(poll!(&mut carl_again).is_pending() && poll!(&mut eve_again).is_pending());
    anns.batch_execute("COMMIT").await.unwrap();
    assert_eq!(first.await.unwrap(), SignupOutcome::CoolingDown);
    // … which has looked, found no Eve, and now waits for Carl's row.
    until("the second batch", async || bench.count(waiting).await == 1).await;

    // Meanwhile Eve subscribes by another replica.
    assert_eq!(bench.replica.sign_up(eve.clone()).await.unwrap(), SignupOutcome::Asked);
    let confirm = Confirm::new(&token(eve.list(), eve.id()), noon());
    assert_eq!(bench.replica.confirm(confirm).await.unwrap(), ConfirmOutcome::Confirmed);
    carls.batch_execute("COMMIT").await.unwrap();

    assert_eq!(carl_again.await.unwrap(), SignupOutcome::CoolingDown);
    assert_eq!(eve_again.await.unwrap(), SignupOutcome::Told);
    let told = "SELECT count(*) FROM outbox o JOIN subscriptions s ON s.id = o.subscription
                WHERE o.kind = 2 AND s.told_at IS NOT NULL";
    assert_eq!(bench.count(told).await, 1);
}
