//! Who leaves while their letter is being made gets none.

use std::time::Duration;

use optin::consent::change::Erase;
use optin::consent::subscription::EraseOutcome;
use optin::token::{SubscriptionId, Token};

use crate::house::{House, connect, link, until};

const ANN: &str = "ann@example.org";
/// Longer than any letter takes once nothing is in its way.
const MEANWHILE: Duration = Duration::from_secs(1);

async fn token(house: &House) -> Token {
    let id = house.db().await.query_one("SELECT id FROM subscriptions", &[]).await.unwrap();
    Token { list: 1, id: SubscriptionId(id.get::<_, &[u8]>(0).try_into().unwrap()), expiry: 0 }
}

async fn taken(house: &House, kind: i16) {
    let taken = format!("SELECT count(*) FROM outbox WHERE kind = {kind} AND attempts = 1");
    until("a letter that is being made", async || house.count(&taken).await == 1).await;
}

#[tokio::test]
async fn p_cp_4_who_leaves_while_their_receipt_waits_for_the_log_gets_no_welcome() {
    let house = House::with_welcome().await;
    house.sign_up(ANN).await;
    let confirm = link(&house.letter(ANN).await.text, "/c/");
    house.all_letters().await;
    let token = token(&house).await;
    // Another sealer holds the log: the receipt waits for it.
    let sealer = connect(&house.database_url).await;
    sealer.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(x'74726c73'::int, 1)").await.unwrap();
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    taken(&house, 3).await;
    assert_eq!(house.post(&house.app.links.unsubscribe(1, token.id), &[]).await.status(), 200);
    sealer.batch_execute("COMMIT").await.unwrap();
    tokio::time::sleep(MEANWHILE).await;
    assert_eq!(house.letters(ANN, 1).await.len(), 1, "the one that asked");
    house.close().await;
}

/// As the end of a replay comes between: the row went, and the list is free again.
#[tokio::test]
async fn p_cp_4_who_goes_while_the_postman_asks_whether_the_list_is_held_gets_no_letter() {
    let house = House::open().await;
    let holder = connect(&house.database_url).await;
    holder.batch_execute("BEGIN; LOCK TABLE trails IN ACCESS EXCLUSIVE MODE").await.unwrap();
    house.sign_up(ANN).await;
    taken(&house, 1).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("a postman who asks", async || house.count(waiting).await == 1).await;
    let erased = house.app.store.erase(Erase::not_me(&token(&house).await, house.clock.now())).await;
    assert_eq!(erased.unwrap(), EraseOutcome::Erased);
    holder.batch_execute("COMMIT").await.unwrap();
    tokio::time::sleep(MEANWHILE).await;
    assert_eq!(house.all_letters().await.len(), 0);
    house.close().await;
}
