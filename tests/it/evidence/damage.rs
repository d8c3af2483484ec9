//! What is changed is named, by our verifier and by the one in Python.

use std::fs;

use optin::consent::person::Person;
use optin::consent::receipt::Receipt;
use optin::trail::entry::Event;
use optin::trail::note::Signer;

use super::zip::{bomb, pack, zipped};
use super::{Ann, NOW, THEN, URL_SAFE_NO_PAD, put, says_nothing_of_ann, verify};
use crate::log::{Log, NAME, flip, sign, text};
use crate::trail_tools::python::{has_cryptography, verifier};
use base64::Engine as _;

/// What can be wrong with a file or a mirror, how to make it so, what we say of it, and what anybody should name.
struct Damage {
    name: &'static str,
    make: fn(&Ann),
    said: &'static str,
    part: &'static str,
}

/// One bit of bytes in base64url.
fn bit(text: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A log of that name and seed, of which there is a key.
fn key(name: &str, seed: u8) -> String {
    Signer::new(name, &[seed; 32]).unwrap().verifier().to_string()
}

/// Takes the mirror for another log's.
fn rename(ann: &Ann, name: &'static str, seed: u8) {
    Log { name, seed: [seed; 32], ..ann.log.clone() }.write(&ann.mirror());
}

fn damages() -> Vec<Damage> {
    let damage = |name, make, said, part| Damage { name, make, said, part };
    vec![
        damage(
            "a changed record",
            |ann| ann.edit("record", |text| text.replace("Ann@", "Bob@")),
            "its record is not the one that its entry commits to: it was changed",
            "record",
        ),
        damage(
            "a record of another notice",
            |ann| ann.edit("record", |text| text.replace("\"notice\":\"", "\"notice\":\"00")),
            "its record names another notice than its entry does: it was changed",
            "record",
        ),
        damage(
            "a record of another list",
            |ann| ann.edit("record", |text| text.replace("\"list\":1", "\"list\":2")),
            "its record is of list 2, and its proof of list 1: it was changed, or is of another list",
            "list",
        ),
        damage(
            "a record that is none",
            |ann| ann.edit("record", |_| "{".into()),
            "its `record` is not readable",
            "record",
        ),
        damage(
            "a changed secret",
            |ann| ann.edit("secret", bit),
            "its secret and number do not make its opening: one of them was changed",
            "secret",
        ),
        damage(
            "a changed opening",
            |ann| ann.edit("opening", bit),
            "its opening is not the one that its secret makes: it was changed",
            "opening",
        ),
        damage(
            "a changed opening, for others",
            |ann| {
                put(&ann.receipt(), &ann.evidence().to_json());
                ann.edit("opening", bit);
            },
            "its entry commits to another record or opening: one of them was changed",
            "opening",
        ),
        damage(
            "a short secret",
            |ann| ann.edit("secret", |text| text[4..].into()),
            "its `secret` is not readable",
            "secret",
        ),
        damage(
            "a padded opening",
            |ann| ann.edit("opening", |text| format!("{text}=")),
            "its `opening` is not readable",
            "opening",
        ),
        damage(
            "a changed notice",
            |ann| ann.edit("notice", |text| text.replace("The purpose.", "The porpoise.")),
            "its notice is not the text that its entry names: it was changed",
            "notice",
        ),
        damage(
            "a changed entry",
            |ann| ann.edit("entry", bit),
            "its entry fits neither its proof nor its record: it was changed",
            "entry",
        ),
        damage(
            "a short entry",
            |ann| ann.edit("entry", |text| text[4..].into()),
            "its `entry` is not readable",
            "entry",
        ),
        damage(
            "an entry of another hour",
            |ann| {
                ann.edit("entry", |text| {
                    let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
                    bytes[5] ^= 1;
                    URL_SAFE_NO_PAD.encode(bytes)
                })
            },
            "its proof does not lead from its entry to the checkpoint's root: one of them was changed",
            "entry",
        ),
        damage(
            "a changed proof",
            |ann| ann.edit("proof", |text| text.replace("index 300", "index 301")),
            "its proof does not lead from its entry to the checkpoint's root: one of them was changed",
            "proof",
        ),
        damage(
            "a proof beyond the log",
            |ann| ann.edit("proof", |text| text.replace("index 300", "index 400")),
            "its proof does not lead from its entry to the checkpoint's root: one of them was changed",
            "proof",
        ),
        damage(
            "a proof that is none",
            |ann| ann.edit("proof", |text| text.replace("@v1", "@v2")),
            "its proof cannot be read: the text is not that of a proof",
            "proof",
        ),
        damage(
            "a changed checkpoint",
            |ann| ann.edit("proof", |text| text.replace("\n400\n", "\n401\n")),
            "its checkpoint is not to be trusted: a note's signature by the known key does not verify",
            "checkpoint",
        ),
        damage(
            "a changed key",
            |ann| ann.edit("key", |text| text.replace("trails/1", "trails/2")),
            "its key is not the key of a trail",
            "key",
        ),
        damage(
            "another key",
            |ann| ann.edit("key", |_| key(NAME, 9)),
            "its checkpoint is not to be trusted: a note is not signed by the known key",
            "key",
        ),
        damage(
            "a key of no trail",
            |ann| ann.edit("key", |_| key("news.example", 7)),
            "its key is not the key of a trail",
            "key",
        ),
        damage(
            "an unknown kind",
            |ann| ann.edit("type", |_| "optin-receipt/2".into()),
            "it is a receipt of a form that is unknown here",
            "type",
        ),
        damage("no JSON", |ann| put(&ann.receipt(), b"Dear Ann"), "it is not a receipt", "receipt"),
        damage(
            "a member too many",
            |ann| {
                let text = fs::read_to_string(ann.receipt()).unwrap();
                put(&ann.receipt(), text.replacen('{', "{\"more\": 1, ", 1).as_bytes());
            },
            "it is not a receipt",
            "receipt",
        ),
        damage(
            "a member twice",
            |ann| {
                let text = fs::read_to_string(ann.receipt()).unwrap();
                put(&ann.receipt(), text.replacen('{', "{\"trail\": \"\", ", 1).as_bytes());
            },
            "it is not a receipt",
            "receipt",
        ),
        damage(
            "a receipt without end",
            |ann| put(&ann.receipt(), &vec![b' '; 17 << 20]),
            "it is larger than a receipt can be",
            "too large",
        ),
        damage(
            "a proof of something else than a yes",
            |ann| {
                let ann_left = Ann::with_yes((super::YES, Event::Withdrawn, 0, 0), &[]);
                let logged = ann_left.logged(Event::Withdrawn, 0);
                put(&ann.receipt(), &Receipt::for_person(&ann.person, &ann.notice, logged).to_json());
            },
            "its entry is a `withdrawn`, which is no yes",
            "entry",
        ),
        damage(
            "another person's record",
            |ann| {
                let record = ann.person.record.replace("Ann@", "Bob@");
                let secret = ann.person.secret.clone();
                let other = Person::new(String::new(), Default::default(), None, record, secret);
                put(
                    &ann.receipt(),
                    &Receipt::for_others(&other, &ann.notice, ann.logged(Event::Confirmed, 0)).to_json(),
                );
            },
            "its entry commits to another record or opening: one of them was changed",
            "record",
        ),
        damage(
            "the trail of another list",
            |ann| rename(ann, "news.example/trails/2", 7),
            "it is of another list of that service: of news.example/trails/1, and the trail is news.example/trails/2",
            "another list",
        ),
        damage(
            "the trail of another service",
            |ann| rename(ann, "ads.example/trails/1", 7),
            "it is of another service: of news.example/trails/1, and the trail is ads.example/trails/1",
            "another service",
        ),
        damage(
            "the trail of who only says that it is this service",
            |ann| rename(ann, NAME, 9),
            "the trail has another key than the receipt, though both say that they are news.example/trails/1",
            "another key",
        ),
        damage(
            "a mirror that is older than the receipt",
            |ann| ann.log.first(THEN - 1).write(&ann.mirror()),
            "the mirror is older than the receipt: it has 399 entries, the receipt's checkpoint 400",
            "older",
        ),
        damage(
            "a log that was forked",
            |ann| Log::of(NOW).write(&ann.mirror()),
            "the trail is not taken: checkpoint: a log of 400 entries became another one of 700 entries: a fork",
            "fork",
        ),
        damage(
            "a fork of the same size",
            |ann| Log::of(THEN).write(&ann.mirror()),
            "the trail is not taken: checkpoint: a log of 400 entries became another one of 400 entries: a fork",
            "fork",
        ),
        damage(
            "a leaf hash that was changed after the receipt",
            |ann| flip(&ann.mirror(), "tile/0/001", 32 * 200),
            "the trail is not taken: tile/0/001: it is not what tile/1/000.p/2 was made of",
            "tile/0/001",
        ),
        damage(
            "a leaf hash at the edge",
            |ann| flip(&ann.mirror(), "tile/0/002.p/188", 32 * 7),
            "the trail is not taken: tile/0/002.p/188: it does not lead to the checkpoint's root",
            "the tiles",
        ),
        damage(
            "a missing tile",
            |ann| fs::remove_file(ann.mirror().join("tile/0/001")).unwrap(),
            "the trail is not taken: tile/0/001: it is missing",
            "tile/0/001",
        ),
        damage(
            "a mirror's checkpoint that was changed",
            |ann| flip(&ann.mirror(), "checkpoint", NAME.len() + 1),
            "the trail is not taken: checkpoint: a note's signature by the known key does not verify",
            "checkpoint",
        ),
        damage(
            "a checkpoint that the key signed of another tree",
            |ann| {
                put(&ann.mirror().join("checkpoint"), sign(NAME, NOW, [3; 32], &ann.log.signer()).as_bytes())
            },
            "the trail is not taken: tile/0/002.p/188: it does not lead to the checkpoint's root",
            "the tiles",
        ),
        damage(
            "a ZIP whose record is another",
            |ann| {
                zipped(ann, |name, bytes| {
                    if name == "record.json" {
                        bytes.push(b' ')
                    }
                })
            },
            "its `record.json` is not what its `evidence.json` holds: one of them was changed",
            "record.json",
        ),
        damage(
            "a ZIP whose notice is another",
            |ann| {
                zipped(ann, |name, bytes| {
                    if name == "notice.json" {
                        bytes.clear()
                    }
                })
            },
            "its `notice.json` is not what its `evidence.json` holds: one of them was changed",
            "notice.json",
        ),
        damage(
            "a ZIP whose evidence was changed",
            |ann| {
                ann.edit("record", |text| text.replace("Ann@", "Bob@"));
                let changed = fs::read(ann.receipt()).unwrap();
                let record = ann.person.record.replace("Ann@", "Bob@");
                put(
                    &ann.receipt(),
                    &pack(&[
                        ("evidence.json", &changed),
                        ("record.json", record.as_bytes()),
                        ("notice.json", ann.notice.bytes()),
                    ]),
                );
            },
            "its record is not the one that its entry commits to: it was changed",
            "record",
        ),
        damage(
            "a ZIP without a notice",
            |ann| put(&ann.receipt(), &pack(&[("evidence.json", b"{}"), ("record.json", b"")])),
            "it holds no `notice.json`",
            "notice.json",
        ),
        damage(
            "a ZIP with two files of one name",
            |ann| {
                let members: [(&str, &[u8]); 4] = [
                    ("evidence.json", b"{}"),
                    ("record.json", b""),
                    ("notice.json", b""),
                    ("evidence.jsox", b""),
                ];
                let mut zip = pack(&members);
                for at in 0..zip.len() - 4 {
                    if zip[at..].starts_with(b"jsox") {
                        zip[at..at + 4].copy_from_slice(b"json");
                    }
                }
                put(&ann.receipt(), &zip);
            },
            "it holds two files of one name",
            "one name",
        ),
        damage(
            "a ZIP that is cut short",
            |ann| put(&ann.receipt(), b"PK\x03\x04"),
            "it is not a ZIP that can be read",
            "ZIP",
        ),
        damage(
            "a ZIP bomb",
            |ann| put(&ann.receipt(), &bomb()),
            "its `evidence.json` unpacks to more than it can have: it is not unpacked",
            "evidence.json",
        ),
    ]
}

#[tokio::test]
async fn each_changed_part_and_each_wrong_trail_is_named() {
    for damage in damages() {
        let ann = Ann::who_did(&[(612, Event::Withdrawn, 0, 9)]);
        (damage.make)(&ann);
        let said = ann.verify(&[]).await;
        assert_eq!(
            (said.code, said.out),
            (Some(1), format!("not proven: {}\n", damage.said)),
            "{}",
            damage.name
        );
        assert_eq!(said.err, "", "{}", damage.name);
    }
}

#[tokio::test]
async fn the_other_verifier_refuses_the_same_and_names_the_same() {
    if !has_cryptography().await {
        return;
    }
    for damage in damages() {
        let ann = Ann::who_did(&[(612, Event::Withdrawn, 0, 9)]);
        (damage.make)(&ann);
        let said = verifier(&["receipt", text(&ann.receipt()), text(&ann.mirror())]).await;
        says_nothing_of_ann(&said);
        let line =
            said.out.strip_prefix("not proven: ").unwrap_or_else(|| panic!("{}: {said:?}", damage.name));
        assert_eq!(said.code, Some(1));
        assert!(line.contains(damage.part), "{}: {line}", damage.name);
    }
}

#[tokio::test]
async fn a_key_that_is_known_from_elsewhere_has_to_be_the_receipts() {
    let ann = Ann::who_did(&[]);
    let (file, other) = (ann.receipt(), key(NAME, 9));
    let said = verify(&[text(&file), "--key", &other]).await;
    let line = "not proven: its key is not the one that was given\n";
    assert_eq!((said.code, said.out.as_str()), (Some(1), line));
    if has_cryptography().await {
        let said = verifier(&["receipt", text(&file), "--key", &other]).await;
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(1), "not proven: the key is another than the given one\n")
        );
        let said = verifier(&["receipt", text(&file), "--key", &ann.log.key()]).await;
        assert!(said.success().ends_with("; what came later, only the trail can tell\n"), "{}", said.out);
    }
}

/// A yes of a time when there was no trail, or that is still to come, would make a search of centuries, or of nothing.
#[tokio::test]
async fn a_yes_of_an_impossible_hour_is_not_searched_from() {
    for (then, why) in
        [(0_u32.wrapping_sub(super::hour(0)), "when there was no trail yet"), (90, "which is still to come")]
    {
        let hour = super::hour(0).wrapping_add(then);
        let mut ann = Ann::who_did(&[]);
        let mut entry = ann.log.entries[super::YES as usize].clone();
        entry[2..6].copy_from_slice(&hour.to_be_bytes());
        ann.log = ann.log.with(super::YES, entry);
        ann.log.write(&ann.mirror());
        put(&ann.receipt(), &ann.made().to_json());
        let line = format!("not proven: its entry is dated {}, {why}", super::told(hour));
        let said = ann.verify(&[]).await;
        assert!(said.code == Some(1) && said.out.starts_with(&line), "{}", said.out);
        if has_cryptography().await {
            let said = verifier(&["receipt", text(&ann.receipt()), text(&ann.mirror())]).await;
            assert!(said.out.starts_with("not proven: the entry is dated "), "{}", said.out);
        }
    }
}
