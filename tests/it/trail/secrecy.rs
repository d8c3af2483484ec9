//! What is never in the trail, looked for in the bytes of a marked run.

use std::collections::HashSet;

use optin::consent::address::Address;
use optin::consent::person::Person;
use optin::token::SubscriptionId;
use optin::trail::entry::{Entry, Event, Tail, opening};
use sha2::{Digest as _, Sha256};

use crate::house::{House, NEWS, link};

const ANN: &str = "Ann.Marked@example.org";

#[tokio::test]
async fn nothing_in_the_trail_is_an_address_a_hash_of_one_a_token_an_id_or_a_secret_and_nothing_repeats() {
    let house = House::with_welcome().await;
    let mut marks: Vec<Vec<u8>> = Vec::new();
    // She comes and goes twice: what is hers must not tie the two together.
    for time in 1..=2 {
        house.sign_up(ANN).await;
        let confirm = link(&house.letters(ANN, 2 * time - 1).await.pop().unwrap().text, "/c/");
        let row = house.db().await;
        let row =
            row.query_one("SELECT list, id, address_key, reference, seal FROM subscriptions", &[]).await;
        let row = row.unwrap();
        let id = SubscriptionId(row.get::<_, &[u8]>("id").try_into().unwrap());
        let list = row.get::<_, i32>("list") as u32;
        let person = Person::open(&house.app.keys, list, id, row.get("seal")).unwrap();
        marks.extend(["id", "address_key", "reference", "seal"].map(|column| row.get::<_, Vec<u8>>(column)));
        marks.push(person.secret.to_vec());
        marks.push(Sha256::digest(&person.record).to_vec());
        assert_eq!(house.post(&confirm, &[]).await.status(), 200);
        let receipt = house.receipts(ANN, time).await.pop().unwrap();
        assert_eq!(receipt.secret(), Some(&*person.secret), "her receipt is of this time");
        marks.push(opening(&person.secret, Event::Confirmed, 0).to_vec());
        let leave = house.unsubscribe_url(ANN).await;
        for url in [&confirm, &leave] {
            let token = url.rsplit('/').next().unwrap();
            marks.push(token.as_bytes().to_vec());
            marks.push(data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap());
            marks.push(Sha256::digest(token).to_vec());
        }
        assert_eq!(house.post(&leave, &[]).await.status(), 200);
    }
    let folded = Address::parse(ANN).unwrap().dedupe_form();
    for spelling in [ANN, folded.as_str(), "ann.marked", "example.org", "127.0.0.1"] {
        marks.push(spelling.as_bytes().to_vec());
        marks.push(Sha256::digest(spelling).to_vec());
        marks.push(house.app.keys.address_key(1, spelling).to_vec());
    }

    house.seal().await;
    let list = house.app.store.find_list(NEWS).await.unwrap().unwrap().0.number;
    let entries = house.app.store.entries(list, 0, 1000).await.unwrap();
    let log = entries.concat();
    for mark in &marks {
        // Eight bytes are long enough not to be there by chance.
        for piece in mark.windows(8.min(mark.len())) {
            assert!(
                !log.windows(piece.len()).any(|bytes| bytes == piece),
                "something of hers is in the trail"
            );
        }
    }
    let read: Vec<Entry> = entries.iter().map(|entry| Entry::read(entry).unwrap()).collect();
    let commitments: Vec<[u8; 32]> = read
        .iter()
        .filter_map(|entry| match entry.tail {
            Tail::Commitment(commitment) => Some(commitment),
            Tail::Service { .. } => None,
        })
        .collect();
    assert_eq!(commitments.len(), 4, "twice confirmed, twice withdrawn");
    assert_eq!(commitments.iter().collect::<HashSet<_>>().len(), 4, "no two can be tied together");
    let withdrawn = read.iter().filter(|entry| entry.event == Event::Withdrawn);
    assert!(withdrawn.into_iter().all(|entry| entry.notice == [0; 32]));
    house.close().await;
}
