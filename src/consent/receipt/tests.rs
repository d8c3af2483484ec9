use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::consent::address::Address;
use crate::consent::field::Profile;
use crate::consent::notice::NoticeText;
use crate::consent::record::{Given, record};
use crate::trail::entry::{ZEROS, entry};
use crate::trail::note::Signer;
use crate::trail::path;
use crate::trail::tree::{Frontier, Span, Subtree};

const LIST: u32 = 3;
const ORIGIN: &str = "news.example/trails/3";
const AT: &str = "2026-11-02T14:31:00Z";

fn person(list: u32, notice: &Notice) -> Person {
    let address = Address::parse("Ann@example.org").unwrap();
    let profile = Profile::from([("name".to_owned(), "Annabella".to_owned())]);
    let at = "2026-11-02T14:05:00Z".parse().unwrap();
    let given = Given::BySignup { signed_up_at: at };
    let record = record(&address, list, &notice.sha256, "en", &profile, given, None);
    let secret = Zeroizing::new([42; 32]);
    let mut person = Person::new(address.as_typed().to_owned(), profile, None, record.clone(), secret);
    person.renew(record);
    person
}

fn notice(word: &str) -> Notice {
    let part = |text: &str| text.to_owned();
    let text = NoticeText {
        purpose: part(word),
        sender: part("s"),
        recipients: part("r"),
        storage: part("c"),
        retention: part("t"),
        legal_basis: part("l"),
        withdrawal: part("w"),
    };
    let bytes = Notice::encode(5, 2, BTreeMap::from([("en".to_owned(), text)]));
    Notice::decode(&bytes, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

fn entry_of(person: &Person, notice: &Notice, event: Event, n: u32) -> [u8; entry::LENGTH] {
    let slot = if event.fills_the_slot() { notice.sha256 } else { ZEROS };
    entry(event, AT.parse().unwrap(), &slot, &person.commitment(LIST, event, n))
}

/// What a log of nine entries has, of which this is the fifth.
fn logged(entry: [u8; entry::LENGTH], event: Event, number: u32, origin: &str) -> Logged {
    let leaves: Vec<_> =
        (0..9_u8).map(|n| if n == 4 { leaf_hash(&entry) } else { leaf_hash(&[n]) }).collect();
    let mut frontier = Frontier::default();
    let mut made = std::collections::HashMap::new();
    for leaf in leaves {
        frontier.push(leaf, |subtree, hash| _ = made.insert(subtree, hash));
    }
    let read = |subtree: Subtree| made.get(&subtree).copied().ok_or(());
    let hashes = path::hashes(&path::inclusion(4, 9).unwrap(), read).unwrap();
    assert_eq!(Span::whole(9).hash(read).unwrap(), frontier.root());
    let signer = Signer::new(origin, &[7; 32]).unwrap();
    let checkpoint = Checkpoint::new(origin, 9, frontier.root()).unwrap().sign(&signer).unwrap();
    let trail = "https://news.example/trails/news".to_owned();
    Logged {
        event,
        number,
        entry,
        proof: Proof::new(b"", 4, hashes, checkpoint),
        key: signer.verifier(),
        trail,
    }
}

fn receipt() -> Receipt {
    let notice = notice("news");
    let person = person(LIST, &notice);
    let entry = entry_of(&person, &notice, Event::Confirmed, 0);
    Receipt::for_person(&person, &notice, logged(entry, Event::Confirmed, 0, ORIGIN))
}

/// The same for a regulator.
fn evidence() -> Receipt {
    Receipt { secret: None, ..receipt() }
}

fn check(bytes: &[u8]) -> Result<Proven, ReceiptFault> {
    Receipt::parse(bytes)?.check()
}

/// A receipt with one member of its file put another way.
fn with(receipt: &Receipt, member: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(&receipt.to_json()).unwrap();
    file[member] = change(file[member].as_str().unwrap()).into();
    serde_json::to_vec(&file).unwrap()
}

/// One bit of bytes in base64url.
fn flip(text: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_receipt_proves_what_was_agreed_to_and_when() {
    for receipt in [receipt(), evidence()] {
        let proven = check(&receipt.to_json()).unwrap();
        assert_eq!((proven.list, proven.notice, proven.purpose), (LIST, 5, 2));
        assert_eq!((proven.event, proven.hour, proven.index), (Event::Confirmed, 498_230, 4));
        assert_eq!((proven.checkpoint.origin(), proven.checkpoint.size()), (ORIGIN, 9));
    }
}

#[test]
fn a_renewed_yes_is_proven_too_by_its_own_number() {
    let notice = notice("news");
    let person = person(LIST, &notice);
    let entry = entry_of(&person, &notice, Event::Renewed, 2);
    let of = |number| Receipt::for_person(&person, &notice, logged(entry, Event::Renewed, number, ORIGIN));
    assert_eq!(of(2).check().unwrap().event, Event::Renewed);
    // The opening made of another number is not the entry's.
    assert_eq!(of(1).check().unwrap_err(), ReceiptFault::Record);
}

#[test]
fn what_is_written_is_read_and_only_the_person_gets_the_secret() {
    let read = |receipt: &Receipt| Receipt::parse(&receipt.to_json()).unwrap();
    assert_eq!(read(&receipt()).to_json(), receipt().to_json());
    assert_eq!(read(&receipt()).secret(), Some(&[42; 32]));
    assert_eq!(read(&evidence()).secret(), None);
    let notice = notice("news");
    let person = person(LIST, &notice);
    let logged = logged(entry_of(&person, &notice, Event::Confirmed, 0), Event::Confirmed, 0, ORIGIN);
    let others = Receipt::for_others(&person, &notice, logged).to_json();
    assert_eq!(others, evidence().to_json());
    assert!(!String::from_utf8(others).unwrap().contains(&URL_SAFE_NO_PAD.encode([42; 32])));
    let receipt = read(&receipt());
    assert_eq!((receipt.record(), receipt.notice().as_bytes()), (person.record.as_str(), notice.bytes()));
    assert_eq!((receipt.key().name(), receipt.trail()), (ORIGIN, "https://news.example/trails/news"));
    assert_eq!(format!("{receipt:?}"), "Receipt(…)");
}

#[test]
fn each_changed_part_is_named() {
    use ReceiptFault::*;
    let named = |member, change: &dyn Fn(&str) -> String, fault| {
        assert_eq!(check(&with(&receipt(), member, change)).unwrap_err(), fault, "{member}");
    };
    named("secret", &flip, Secret);
    named("opening", &flip, Opening);
    // Its commitment, its notice, its event, its hour.
    named("entry", &flip, Entry);
    let entry_at = |at: usize, byte: u8| {
        move |text: &str| {
            let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            bytes[at] = byte;
            URL_SAFE_NO_PAD.encode(bytes)
        }
    };
    named("entry", &entry_at(7, 0), Entry);
    named("entry", &entry_at(1, 6), Entry);
    named("entry", &entry_at(5, 0), Unproven);
    named("record", &|text| text.replace("Ann@", "Bob@"), Record);
    named("record", &|text| text.replace("\"list\":3", "\"list\":4"), OtherList { record: 4, trail: 3 });
    named("record", &|text| text.replace("\"notice\":\"", "\"notice\":\"0"), OtherNotice);
    named("record", &|_| "Ann".into(), Unreadable("record"));
    named("notice", &|text| text.replace("news", "ads"), Notice);
    named("notice", &|text| format!("{text} "), Notice);
    named("proof", &|text| text.replace("index 4", "index 5"), Unproven);
    named("proof", &|text| text.replace("index 4", "index 4\nAAAA"), Proof(ProofError::Text));
    let forged = Checkpoint(CheckpointError::Note(NoteError::Forged));
    named("proof", &|text| text.replace("\n9\n", "\n8\n"), forged);
    let unsigned = Checkpoint(CheckpointError::Note(NoteError::NotSigned));
    let other = Signer::new(ORIGIN, &[8; 32]).unwrap().verifier().to_string();
    named("key", &|_| other.clone(), unsigned);
    let elsewhere = Signer::new("news.example/trails/4", &[7; 32]).unwrap().verifier().to_string();
    named("key", &|_| elsewhere.clone(), unsigned);
    named("key", &|text| text.replace("/3", "/33"), Key(NoteError::Key));
    let no_trail = Signer::new("news.example", &[7; 32]).unwrap().verifier().to_string();
    named("key", &|_| no_trail.clone(), Key(NoteError::Key));
    named("type", &|_| "optin-receipt/2".into(), Kind);
    for member in ["secret", "opening", "entry"] {
        named(member, &|text| format!("{text}="), Unreadable(member));
        named(member, &|text| text[4..].to_owned(), Unreadable(member));
    }
    // Where there is no secret, nothing tells the record from the opening.
    for (member, change) in
        [("opening", flip as fn(&str) -> String), ("record", |text| text.replace("Ann@", "Bob@"))]
    {
        assert_eq!(check(&with(&evidence(), member, change)).unwrap_err(), RecordOrOpening);
    }
}

#[test]
fn a_proof_of_something_else_than_a_yes_is_refused() {
    let notice = notice("news");
    let person = person(LIST, &notice);
    for event in Event::ALL {
        let entry = entry_of(&person, &notice, event, 0);
        let receipt = Receipt::for_person(&person, &notice, logged(entry, event, 0, ORIGIN));
        match event {
            Event::Confirmed | Event::Renewed => assert!(receipt.check().is_ok()),
            _ => assert_eq!(receipt.check().unwrap_err(), ReceiptFault::NoYes(event)),
        }
    }
}

#[test]
fn the_proof_of_another_lists_log_is_refused() {
    let notice = notice("news");
    let person = person(LIST, &notice);
    let entry = entry_of(&person, &notice, Event::Confirmed, 0);
    let logged = logged(entry, Event::Confirmed, 0, "news.example/trails/9");
    let fault = Receipt::for_person(&person, &notice, logged).check().unwrap_err();
    assert_eq!(fault, ReceiptFault::OtherList { record: 3, trail: 9 });
}

#[test]
fn what_is_no_receipt_or_too_large_is_not_read() {
    for bytes in [&b""[..], b"{}", b"[]", b"\xff\xfe", b"PK\x03\x04", b"{\"type\":\"optin-receipt/1\"}"] {
        assert_eq!(check(bytes).unwrap_err(), ReceiptFault::NotAReceipt);
    }
    let mut more: Value = serde_json::from_slice(&receipt().to_json()).unwrap();
    more["more"] = 1.into();
    assert_eq!(check(more.to_string().as_bytes()).unwrap_err(), ReceiptFault::NotAReceipt);
    let mut bytes = receipt().to_json();
    bytes.resize(MAX_BYTES, b' ');
    assert!(check(&bytes).is_ok());
    bytes.push(b' ');
    assert_eq!(check(&bytes).unwrap_err(), ReceiptFault::TooLarge);
}

proptest! {
    /// Whatever is changed in a file, it does not prove anything else.
    #[test]
    fn no_changed_receipt_proves_another_thing(at in any::<prop::sample::Index>(), byte in any::<u8>(), secret: bool) {
        let receipt = if secret { receipt() } else { evidence() };
        let mut bytes = receipt.to_json();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Receipt::parse(&bytes)
            && let Ok(proven) = read.check()
        {
            prop_assert_eq!((proven.list, proven.notice, proven.purpose, proven.index), (LIST, 5, 2, 4));
            prop_assert_eq!((proven.event, proven.hour), (Event::Confirmed, 498_230));
            prop_assert_eq!(read.record(), receipt.record());
            prop_assert_eq!(read.notice(), receipt.notice());
            prop_assert_eq!(read.key(), receipt.key());
            prop_assert!(read.secret().is_none() || read.secret() == receipt.secret());
        }
    }
}
