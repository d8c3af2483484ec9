//! The welcome letter and the receipt that it brings: to everybody who confirms, once, and to nobody who has left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use jiff::SignedDuration;
use mail_parser::MessageParser;
use optin::chores::postman;
use optin::consent::receipt::{Proven, Receipt};
use optin::mail::session::{Answer, Door, Limits, Protocol, Transaction};
use optin::trail::checkpoint::Checkpoint;
use optin::trail::entry::{Entry, Event, Tail, ZEROS, commitment, opening};
use optin::trail::note::{Note, Verifier};
use optin::trail::tile::read_entries;
use optin::trail::tree::{Frontier, leaf_hash};
use tokio_util::sync::CancellationToken;

use crate::house::receipts::attached;
use crate::house::{House, NEWS, link, until};

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
/// More than a first retry's delay.
const A_WHILE: SignedDuration = SignedDuration::from_secs(20);

/// The welcome letters that were given to a relay, taken or not: whose, and the receipt.
type Welcomed = Arc<Mutex<Vec<(String, Receipt)>>>;

/// A relay that puts welcome letters off as long as it is `busy`, and takes every other letter.
fn relay(busy: Arc<AtomicBool>) -> (Welcomed, Arc<Mutex<Vec<String>>>, Door) {
    let (welcomed, links) = (Welcomed::default(), Arc::new(Mutex::new(Vec::new())));
    let (seen, confirms) = (welcomed.clone(), links.clone());
    let message = move |transaction: Transaction| {
        let letter = MessageParser::default().parse(&transaction.data).unwrap();
        let answer = match attached(&letter) {
            None => {
                confirms.lock().unwrap().push(link(&letter.body_text(0).unwrap(), "/c/"));
                Answer::TAKEN
            }
            Some(receipt) => {
                seen.lock().unwrap().push((transaction.to[0].clone(), receipt));
                let later = Answer::reply(451, "4.7.1", "not now");
                if busy.load(Ordering::SeqCst) { later } else { Answer::TAKEN }
            }
        };
        async move { answer }
    };
    let door =
        Door::new(Protocol::Smtp, "relay.test", Limits::default(), |_| async { Answer::TAKEN }, message);
    (welcomed, links, door)
}

/// What an auditor reads of a log over HTTP: key, newest checkpoint, entries.
async fn audited(house: &House) -> (Verifier, Checkpoint, Vec<Vec<u8>>) {
    let token = house.auditor().await;
    let get = async |path: &str| {
        let request = house.request(reqwest::Method::GET, &format!("/trails/{NEWS}/{path}"));
        let answer = request.bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap()
    };
    let key = Verifier::parse(str::from_utf8(&get("key").await).unwrap().trim_end()).unwrap();
    let checkpoint =
        Checkpoint::open(&Note::parse(&get("checkpoint").await).unwrap(), key.name(), &key).unwrap();
    let width = u16::try_from(checkpoint.size()).unwrap();
    let bundle = get(&format!("tile/entries/000.p/{width}")).await;
    let entries = read_entries(&bundle, width).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    (key, checkpoint, entries)
}

/// Where a receipt's own secret finds an entry of this event.
fn find(receipt: &Receipt, proven: &Proven, event: Event, entries: &[Vec<u8>]) -> Option<usize> {
    let opened = commitment(&opening(receipt.secret().unwrap(), event, 0), proven.list, event, &ZEROS);
    entries.iter().position(|entry| Entry::read(entry).unwrap().tail == Tail::Commitment(opened))
}

#[tokio::test]
async fn the_receipt_proves_itself_is_in_the_lists_log_and_finds_the_withdrawal_when_the_person_is_forgotten()
{
    // Nobody seals here but the postman.
    let house = House::with_welcome().await;
    house.subscribe(BOB).await;
    let leave = house.subscribe(ANN).await;
    let receipt = house.receipts(ANN, 1).await.remove(0);
    let proven = receipt.check().unwrap();
    assert_eq!((proven.list, proven.notice, proven.purpose, proven.event), (1, 1, 1, Event::Confirmed));
    assert_eq!(i64::from(proven.hour), house.clock.now().as_second() / 3600);
    assert!(receipt.record().contains(ANN) && receipt.notice().contains("Sampletown News"));
    assert_eq!(receipt.trail(), format!("{}/trails/{NEWS}", house.url));

    // An auditor's key is the receipt's, and the log that is shown to everybody goes on from the receipt's.
    house.export("csv").await;
    house.seal().await;
    let (key, newest, entries) = audited(&house).await;
    assert_eq!(&key, receipt.key());
    assert!(newest.size() > proven.checkpoint.size(), "it has grown since");
    let mut then = Frontier::default();
    entries[..proven.checkpoint.size() as usize]
        .iter()
        .for_each(|entry| then.push(leaf_hash(entry), |_, _| {}));
    assert_eq!(then.root(), *proven.checkpoint.root());
    let its = Entry::read(&entries[proven.index as usize]).unwrap();
    assert_eq!((its.event, its.hour), (Event::Confirmed, proven.hour));
    assert_eq!(find(&receipt, &proven, Event::Withdrawn, &entries), None, "she has not left");

    // She leaves. Nothing here knows her any more; her file does.
    house.advance(SignedDuration::from_hours(30));
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    house.seal().await;
    let (_, _, entries) = audited(&house).await;
    let left = find(&receipt, &proven, Event::Withdrawn, &entries).expect("her withdrawal");
    assert_eq!(Entry::read(&entries[left]).unwrap().hour, proven.hour + 30);
    let bobs = house.receipts(BOB, 1).await.remove(0);
    assert_eq!(find(&bobs, &bobs.check().unwrap(), Event::Withdrawn, &entries), None, "his secret is his");
    house.close().await;
}

#[tokio::test]
async fn a_list_sends_welcome_letters_unless_it_says_otherwise() {
    let house = House::open().await;
    house.subscribe(ANN).await;
    assert_eq!(house.all_letters().await.len(), 1, "it says no");
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0);

    // As an earlier version wrote it.
    house.execute("UPDATE lists SET options = options - 'welcome'").await;
    assert!(house.app.store.find_list(NEWS).await.unwrap().unwrap().0.options.welcome);
    house.subscribe(BOB).await;
    house.receipts(BOB, 1).await;

    // Changed while letters wait: what is owed is owed, and no more of it.
    house.welcome(false).await;
    house.subscribe("cid@example.org").await;
    assert_eq!(house.all_letters().await.len(), 4);
    house.close().await;
}

#[tokio::test]
async fn a_confirmation_that_is_repeated_sends_one_welcome_letter() {
    let house = House::with_welcome().await;
    house.sign_up(ANN).await;
    let confirm = link(&house.letter(ANN).await.text, "/c/");
    let posts = join_all((0..8).map(|_| house.post(&confirm, &[]))).await;
    assert!(posts.iter().all(|answer| answer.status() == 200));
    house.receipts(ANN, 1).await;
    house.all_letters().await;
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    assert_eq!(house.all_letters().await.len(), 2, "the question, and one welcome");

    // One who comes too late is not welcomed.
    house.sign_up(BOB).await;
    let late = link(&house.letter(BOB).await.text, "/c/");
    house.advance(SignedDuration::from_hours(73));
    assert_eq!(house.post(&late, &[]).await.status(), 410);
    assert_eq!(house.all_letters().await.len(), 3);
    house.close().await;
}

#[tokio::test]
async fn p_cp_4_a_welcome_letter_that_waits_goes_with_its_person_and_is_never_sent() {
    let busy = Arc::new(AtomicBool::new(true));
    let (welcomed, confirms, door) = relay(busy.clone());
    let house = House::with_relay(door).await;
    house.welcome(true).await;
    let to = |who: &str| welcomed.lock().unwrap().iter().filter(|(to, _)| to == who).count();
    for who in [ANN, BOB] {
        house.sign_up(who).await;
        until("a link", async || !confirms.lock().unwrap().is_empty()).await;
        let confirm = confirms.lock().unwrap().pop().unwrap();
        assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    }
    let put_off = "SELECT count(*) FROM outbox WHERE kind = 3 AND status = '4.7.1'";
    until("two letters put off", async || house.count(put_off).await == 2).await;
    let leave = house.unsubscribe_url(ANN).await;
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, 1, "hers is gone with her, his waits");

    busy.store(false, Ordering::SeqCst);
    house.advance(A_WHILE);
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    assert_eq!((to(ANN), to(BOB)), (1, 2), "she was tried once, before she left");

    // As a confirmation leaves it whose transaction ends while the erasure waits for its lock.
    let orphan = "INSERT INTO outbox (list, subscription, kind, queued_at, due_at) VALUES (1, $1, 3, $2, $2)";
    house.db().await.execute(orphan, &[&[7u8; 14].as_slice(), &house.clock.now()]).await.unwrap();
    until("an empty outbox", async || house.count("SELECT count(*) FROM outbox").await == 0).await;
    assert_eq!(welcomed.lock().unwrap().len(), 3);
    house.close().await;
}

#[tokio::test]
async fn while_the_log_cannot_be_sealed_the_letter_waits_and_goes_with_its_receipt_when_it_can() {
    let (welcomed, confirms, door) = relay(Arc::default());
    let house = House::with_relay(door).await;
    house.welcome(true).await;
    house.sign_up(ANN).await;
    until("a link", async || !confirms.lock().unwrap().is_empty()).await;
    let db = house.db().await;
    db.batch_execute("SELECT pg_advisory_lock(x'74726c73'::int, 1)").await.unwrap();
    let confirm = confirms.lock().unwrap()[0].clone();
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    let waits = "SELECT count(*) FROM outbox WHERE kind = 3 AND status = '4.3.2'";
    until("a letter set aside", async || house.count(waits).await == 1).await;
    assert!(welcomed.lock().unwrap().is_empty());

    db.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    house.advance(A_WHILE);
    until("the letter", async || welcomed.lock().unwrap().len() == 1).await;
    assert!(welcomed.lock().unwrap()[0].1.check().is_ok());
    house.close().await;
}

#[tokio::test]
async fn a_receipt_that_does_not_prove_is_never_sent() {
    let (welcomed, confirms, door) = relay(Arc::default());
    let house = House::with_relay(door).await;
    house.welcome(true).await;
    house.seal().await;
    house.sign_up(ANN).await;
    until("a link", async || !confirms.lock().unwrap().is_empty()).await;
    // The first hash of the log is another by now.
    let spoil = "UPDATE trail_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE list = 1";
    house.execute(spoil).await;
    let confirm = confirms.lock().unwrap()[0].clone();
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    let waits = "SELECT count(*) FROM outbox WHERE kind = 3 AND status = '4.3.5'";
    until("a letter set aside", async || house.count(waits).await == 1).await;
    assert!(welcomed.lock().unwrap().is_empty());

    house.execute(spoil).await;
    house.advance(A_WHILE);
    until("the letter", async || welcomed.lock().unwrap().len() == 1).await;
    house.close().await;
}

#[tokio::test]
async fn two_postmen_without_a_sealer_send_everybody_one_receipt_and_each_its_own() {
    const PEOPLE: usize = 40;
    let (welcomed, confirms, door) = relay(Arc::default());
    let house = House::with_relay(door).await;
    house.welcome(true).await;
    let second = CancellationToken::new();
    tokio::spawn(postman::run(house.app.clone(), second.clone()));
    join_all((0..PEOPLE).map(|n| house.sign_up_as(n))).await;
    until("all links", async || confirms.lock().unwrap().len() == PEOPLE).await;
    let links = confirms.lock().unwrap().clone();
    let posts = join_all(links.iter().map(|confirm| house.post(confirm, &[]))).await;
    assert!(posts.iter().all(|answer| answer.status() == 200));
    // A letter that found the log busy is set aside: its time comes at once. One that is held stays so.
    let db = house.db().await;
    let hurry = "UPDATE outbox SET due_at = $1 WHERE due_at > $1 AND due_at < $1::timestamptz + interval '45 seconds'";
    until("an empty outbox", async || {
        db.execute(hurry, &[&house.clock.now()]).await.unwrap();
        house.count("SELECT count(*) FROM outbox").await == 0
    })
    .await;
    let welcomed = std::mem::take(&mut *welcomed.lock().unwrap());
    assert_eq!(welcomed.len(), PEOPLE, "somebody was welcomed twice");
    let mut indices = Vec::new();
    for (to, receipt) in welcomed.iter() {
        assert!(receipt.record().contains(&format!("\"{to}\"")), "somebody has another's receipt");
        indices.push(receipt.check().unwrap().index);
    }
    indices.sort();
    indices.dedup();
    assert_eq!(indices.len(), PEOPLE);
    second.cancel();
    house.close().await;
}

impl House {
    async fn sign_up_as(&self, n: usize) {
        self.sign_up(&format!("person{n}@example.org")).await;
    }
}
