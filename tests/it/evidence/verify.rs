//! What is proven, and how it is said.

use std::fs;

use optin::consent::receipt::Receipt;
use optin::trail::checkpoint::Checkpoint;
use optin::trail::entry::Event;
use optin::trail::note::{Note, Signer};
use serde_json::{Value, json};

use super::{Act, Ann, NOW, THEN, TRAIL, YES, at, hour, put, told, verify};
use crate::log::web::{Manners, Web};
use crate::log::{Log, NAME, SEED, text};
use crate::trail_tools::python::{has_cryptography, verifier};

const TRUST: &str = " (the receipt's own key was taken on trust)";

#[tokio::test]
async fn a_receipt_alone_proves_the_yes_and_says_what_it_cannot_tell() {
    let ann = Ann::who_did(&[(612, Event::Withdrawn, 0, 9)]);
    let file = ann.receipt();
    let line = format!(
        "consented to notice 3 in hour {}; entry 300 of {NAME}; whether it was withdrawn since, the file alone cannot \
         tell: add --trail {TRAIL}/",
        told(hour(0))
    );
    assert_eq!(verify(&[text(&file)]).await.success(), format!("{line}{TRUST}\n"));
    assert_eq!(verify(&[text(&file), "--key", &ann.log.key()]).await.success(), format!("{line}\n"));
    // A URL that a shell would make something else of is not shown.
    ann.edit("trail", |_| "https://news.example/$(reboot)\u{1b}[2J".into());
    let said = verify(&[text(&file)]).await;
    assert!(said.success().contains("cannot tell: add --trail URL (the"), "{}", said.out);
}

/// What a person did: as acts in the log, as the verdict tells them with their hours, and what it adds.
type History = (Vec<Act>, Vec<(&'static str, u32)>, &'static str);

fn histories() -> Vec<History> {
    use Event::{Corrected, Paused, Restored, Resumed, Withdrawn};
    vec![
        (vec![], vec![], "; not withdrawn up to entry 699"),
        (vec![(612, Withdrawn, 0, 9)], vec![("withdrawn", 9)], ""),
        // At the log's edge, now.
        (vec![(699, Withdrawn, 0, 51)], vec![("withdrawn", 51)], ""),
        // In the hour of the yes, and numbered ahead of it; on a machine whose clock is a little behind.
        (vec![(299, Withdrawn, 0, 0)], vec![("withdrawn", 0)], ""),
        (
            vec![(310, Paused, 0, 2), (450, Resumed, 0, 3), (512, Paused, 1, 20), (513, Withdrawn, 0, 20)],
            vec![("paused", 2), ("resumed", 3), ("paused", 20), ("withdrawn", 20)],
            "",
        ),
        (
            vec![(500, Withdrawn, 0, 7), (511, Restored, 0, 8), (600, Corrected, 0, 9)],
            vec![("withdrawn", 7), ("restored", 8), ("corrected", 9)],
            "; not withdrawn again up to entry 699",
        ),
        // Sealed together, and shuffled.
        (
            vec![(500, Withdrawn, 1, 7), (501, Restored, 0, 7), (502, Withdrawn, 0, 7)],
            vec![("withdrawn", 7), ("restored", 7), ("withdrawn", 7)],
            "",
        ),
    ]
}

#[tokio::test]
async fn what_came_later_is_found_by_hashes_alone_in_a_mirror_without_entries() {
    let with_python = has_cryptography().await;
    for (acts, later, end) in histories() {
        let ann = Ann::who_did(&acts);
        assert!(!ann.mirror().join("tile/entries").exists());
        let later: String =
            later.iter().map(|(did, then)| format!("; {did} in hour {}", told(hour(*then)))).collect();
        let line = format!(
            "consented to notice 3 in hour {}{later}{end}; trail consistent (700 entries)",
            told(hour(0))
        );
        assert_eq!(ann.verify(&[]).await.success(), format!("{line}{TRUST}\n"));
        assert_eq!(ann.verify(&["--key", &ann.log.key()]).await.success(), format!("{line}\n"));
        if with_python {
            let said = verifier(&["receipt", text(&ann.receipt()), text(&ann.mirror())]).await;
            assert_eq!(said.success(), format!("{line}\n"));
        }
    }
}

#[tokio::test]
async fn it_is_found_on_the_web_too_and_nothing_is_fetched_that_was_not_asked_for() {
    let ann = Ann::who_did(&[(612, Event::Withdrawn, 0, 9)]);
    let web = Web::over(&ann.mirror(), Manners::default()).await;
    ann.edit("trail", |_| web.url.clone());
    let file = ann.receipt();
    assert!(verify(&[text(&file)]).await.success().contains(&format!("add --trail {}/", web.url)));
    assert_eq!(web.served(), 0, "the file names a URL, and nobody asked for it");
    let said = verify(&[text(&file), "--trail", &web.url]).await;
    let later = format!("; withdrawn in hour {}; trail consistent (700 entries)", told(hour(9)));
    assert!(said.success().contains(&later), "{}", said.out);
    assert!(web.served() > 0);
    if has_cryptography().await {
        let said = verifier(&["receipt", text(&file), &web.url]).await;
        assert!(said.success().trim_end().ends_with(&later), "{}", said.out);
    }
    // The public sees an act when its hour is over.
    ann.log.first(THEN - 1).write(&ann.mirror());
    let said = verify(&[text(&file), "--trail", &web.url]).await;
    let line = "not proven: the trail is older than the receipt: it has 399 entries, the receipt's checkpoint 400; the \
                public sees new entries at an interval, an hour as a rule: try again then\n";
    assert_eq!((said.code, said.out.as_str()), (Some(1), line));
}

#[tokio::test]
async fn a_log_may_be_no_larger_than_when_the_receipt_was_made() {
    let ann = Ann::who_did(&[]);
    ann.log.first(THEN).write(&ann.mirror());
    let said = ann.verify(&[]).await;
    assert!(said.success().contains("; not withdrawn up to entry 399; trail consistent (400 entries)"));
}

#[tokio::test]
async fn evidence_without_the_secret_proves_the_yes_and_says_that_nothing_later_can_be_looked_for() {
    let ann = Ann::who_did(&[(612, Event::Withdrawn, 0, 9)]);
    put(&ann.receipt(), &ann.evidence().to_json());
    let line = format!(
        "consented to notice 3 in hour {}; what came later cannot be looked for, as the file has no secret; trail \
         consistent (700 entries){TRUST}\n",
        told(hour(0))
    );
    assert_eq!(ann.verify(&[]).await.success(), line);
}

/// The yes to a new notice has been preceded by more acts than are awaited at once.
#[tokio::test]
async fn after_a_renewed_yes_only_what_came_after_it_is_told() {
    let mut acts: Vec<Act> = (0..6).map(|n| (u64::from(10 + n), Event::Paused, n, n)).collect();
    acts.extend((0..6).map(|n| (u64::from(20 + n), Event::Resumed, n, n)));
    acts.push((612, Event::Paused, 6, 22));
    let ann = Ann::with_yes((YES, Event::Renewed, 1, 10), &acts);
    ann.log.write(&ann.mirror());
    let receipt = Receipt::for_person(&ann.person, &ann.notice, ann.logged(Event::Renewed, 1));
    put(&ann.receipt(), &receipt.to_json());
    let line = format!(
        "agreed anew to notice 3 in hour {}; paused in hour {}; not withdrawn up to entry 699; trail consistent (700 \
         entries)",
        told(hour(10)),
        told(hour(22))
    );
    assert_eq!(ann.verify(&[]).await.success(), format!("{line}{TRUST}\n"));
    if has_cryptography().await {
        let said = verifier(&["receipt", text(&ann.receipt()), text(&ann.mirror())]).await;
        assert_eq!(said.success(), format!("{line}\n"));
    }
}

#[tokio::test]
async fn the_facts_come_as_json_too() {
    let ann = Ann::who_did(&[(500, Event::Paused, 0, 3), (612, Event::Withdrawn, 0, 9)]);
    let facts = json!({
        "verdict": "proven",
        "key": ann.log.key(),
        "key_on_trust": true,
        "origin": NAME,
        "list": 1,
        "notice": 3,
        "purpose": 2,
        "event": "confirmed",
        "hour": at(hour(0)).to_string(),
        "index": YES,
        "size": NOW,
        "consistent": true,
        "since": [
            { "event": "paused", "hour": at(hour(3)).to_string(), "index": 500 },
            { "event": "withdrawn", "hour": at(hour(9)).to_string(), "index": 612 },
        ],
    });
    let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    assert_eq!(read(ann.verify(&["--json"]).await.success()), facts);
    let mut alone = facts.clone();
    alone["size"] = THEN.into();
    alone["since"] = Value::Null;
    alone["consistent"] = Value::Null;
    let file = ann.receipt();
    assert_eq!(read(verify(&[text(&file), "--json"]).await.success()), alone);
    // A fork: the receipt is still what it is.
    Log::of(NOW).write(&ann.mirror());
    let said = ann.verify(&["--json", "--key", &ann.log.key()]).await;
    let forked = read(&said.out);
    assert_eq!((said.code, &forked["verdict"]), (Some(1), &json!("not proven")));
    assert!(forked["fault"].as_str().unwrap().ends_with("became another one of 700 entries: a fork"));
    assert_eq!((&forked["consistent"], &forked["index"]), (&json!(false), &json!(YES)));
    assert_eq!((&forked["since"], &forked["key_on_trust"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn a_mirror_needs_no_key_of_its_own() {
    let ann = Ann::who_did(&[]);
    fs::remove_file(ann.mirror().join("key")).unwrap();
    assert!(ann.verify(&[]).await.success().contains("trail consistent"));
    let stranger = Log { seed: [8; 32], ..Log::of(NOW) };
    put(&ann.mirror().join("checkpoint"), stranger.checkpoint().as_bytes());
    let line = "not proven: the trail is not taken: checkpoint: a note is not signed by the known key\n";
    assert_eq!(ann.verify(&[]).await.out, line);
}

#[tokio::test]
async fn what_makes_no_sense_is_wrong_usage() {
    let ann = Ann::who_did(&[]);
    let file = ann.receipt();
    for arguments in [
        &[][..],
        &[text(&file), text(&file)],
        &[text(&file), "--key", "nonsense"],
        &[text(&file), "--trail", "http://optin.example/trails/news"],
        &[text(&file), "--trail", "https://user:secret@optin.example/trails/news"],
    ] {
        let said = verify(arguments).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {}", said.err);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_called_unproven() {
    let ann = Ann::who_did(&[]);
    let file = ann.receipt();
    let nowhere = ann.dir.path().join("nowhere");
    let said = verify(&[text(&nowhere)]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("not readable: the file cannot be read: "), "{}", said.out);
    let said = verify(&[text(&file), "--trail", text(&nowhere)]).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.starts_with("not readable: the trail is not taken: checkpoint cannot be read: "),
        "{}",
        said.out
    );
    let web =
        Web::over(&ann.mirror(), Manners { instead: Some("503 Service Unavailable"), ..Manners::default() })
            .await;
    let said = verify(&[text(&file), "--trail", &web.url, "--json"]).await;
    let read: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &read["verdict"]), (Some(1), &json!("not readable")));
}

/// Names of logs are chosen by whoever makes the file.
#[tokio::test]
async fn a_terminal_finds_nothing_to_obey_in_a_logs_name() {
    let ann = Ann::who_did(&[]);
    let evil = Signer::new("\u{9b}2J\u{202e}/trails/1", &SEED).unwrap().verifier().to_string();
    put(&ann.mirror().join("key"), evil.as_bytes());
    let said = ann.verify(&[]).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains("of another service")
            && said
                .out
                .trim_end()
                .chars()
                .all(|letter| { letter == '\u{FFFD}' || letter == ' ' || letter.is_ascii_graphic() })
    );
}

/// The same where everything fits, as whoever makes both key and receipt can have it.
#[tokio::test]
async fn a_terminal_finds_nothing_to_obey_in_what_is_proven() {
    let ann = Ann::who_did(&[]);
    let signer = Signer::new("\u{9b}2J\u{202e}\u{7f}/trails/1", &SEED).unwrap();
    ann.edit("key", |_| signer.verifier().to_string());
    ann.edit("proof", |proof| {
        let (head, note) = proof.split_once("\n\n").unwrap();
        let held = Checkpoint::parse(Note::parse(note.as_bytes()).unwrap().text()).unwrap();
        let forged = Checkpoint::new(signer.verifier().name(), held.size(), *held.root()).unwrap();
        format!("{head}\n\n{}", forged.sign(&signer).unwrap())
    });
    for more in [&[][..], &["--json"]] {
        let file = ann.receipt();
        let said = verify(&[&[text(&file)], more].concat()).await;
        assert_eq!(said.code, Some(0), "{}", said.out);
        let is_plain = |letter: char| letter == '\u{FFFD}' || letter == ' ' || letter.is_ascii_graphic();
        assert!(said.out.trim_end().chars().all(is_plain), "{:?}", said.out);
    }
}
