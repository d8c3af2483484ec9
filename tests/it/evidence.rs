//! `optin evidence verify`: what a receipt proves, what its holder finds in a trail that names nobody, and what is refused.

mod damage;
mod make;
mod verify;
mod zip;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use optin::clock::Clock;
use optin::consent::address::Address;
use optin::consent::field::Profile;
use optin::consent::notice::{Notice, NoticeText, PARTS};
use optin::consent::person::Person;
use optin::consent::receipt::{Logged, Receipt};
use optin::consent::record::{Given, record};
use optin::trail::entry::{Event, ZEROS, entry, opening};
use serde_json::Value;
use tempfile::{TempDir, tempdir};
use zeroize::Zeroizing;

use crate::log::{Log, text};
use crate::process::{Said, optin, run};

/// Where the yes stands, how large the log was when the receipt was made, and how large it is now.
const YES: u64 = 300;
const THEN: u64 = 400;
const NOW: u64 = 700;
const LIST: u32 = 1;
const SECRET: [u8; 32] = [42; 32];
const TRAIL: &str = "https://news.example/trails/news";

/// An hour shortly before now, for nobody can have done anything later: the first is that of the yes.
fn hour(n: u32) -> u32 {
    static FIRST: LazyLock<u32> =
        LazyLock::new(|| u32::try_from(Clock::System.now().as_second() / 3600).unwrap() - 50);
    *FIRST + n
}

fn at(hour: u32) -> Timestamp {
    Timestamp::from_second(i64::from(hour) * 3600).unwrap()
}

/// As the verdict has it.
fn told(hour: u32) -> String {
    at(hour).strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// An act of Ann's: its place in the log, what it was, how many of that kind came before it, its hour.
type Act = (u64, Event, u32, u32);

/// Ann's receipt, and a log in which she stands among strangers.
struct Ann {
    dir: TempDir,
    log: Log,
    person: Person,
    notice: Notice,
}

impl Ann {
    /// Who said yes, and then did this.
    fn who_did(acts: &[Act]) -> Ann {
        let ann = Ann::with_yes((YES, Event::Confirmed, 0, 0), acts);
        fs::write(ann.receipt(), ann.made().to_json()).unwrap();
        ann.log.write(&ann.mirror());
        fs::remove_dir_all(ann.mirror().join("tile/entries")).unwrap();
        ann
    }

    fn with_yes(yes: Act, acts: &[Act]) -> Ann {
        let (_, parts): (Vec<_>, _) =
            PARTS.map(|(part, _)| ((), (part.to_owned(), format!("The {part}.")))).into_iter().unzip();
        let texts = BTreeMap::from([("en".to_owned(), NoticeText::from_parts(&parts).unwrap())]);
        let notice = Notice::decode(&Notice::encode(3, 2, texts), Timestamp::UNIX_EPOCH).unwrap();
        let address = Address::parse("Ann@example.org").unwrap();
        let given = Given::BySignup { signed_up_at: at(hour(0)) };
        let record = record(&address, LIST, &notice.sha256, "en", &Profile::new(), given, None);
        let secret = Zeroizing::new(SECRET);
        let address = address.as_typed().to_owned();
        let mut person = Person::new(address, Profile::new(), None, record.clone(), secret);
        person.renew(record);
        let mut log = Log::of(NOW);
        for (index, event, n, then) in [yes].iter().chain(acts) {
            let slot = if event.fills_the_slot() { notice.sha256 } else { ZEROS };
            let bytes = entry(*event, at(hour(*then)), &slot, &person.commitment(LIST, *event, *n));
            log = log.with(*index, bytes.to_vec());
        }
        Ann { dir: tempdir().unwrap(), log, person, notice }
    }

    fn logged(&self, event: Event, number: u32) -> Logged {
        let then = self.log.first(THEN);
        let entry = then.entries[YES as usize].as_slice().try_into().unwrap();
        let key = then.signer().verifier();
        Logged { event, number, entry, proof: then.proof(YES), key, trail: TRAIL.to_owned() }
    }

    fn made(&self) -> Receipt {
        Receipt::for_person(&self.person, &self.notice, self.logged(Event::Confirmed, 0))
    }

    /// The same for others.
    fn evidence(&self) -> Receipt {
        Receipt::for_others(&self.person, &self.notice, self.logged(Event::Confirmed, 0))
    }

    fn receipt(&self) -> PathBuf {
        self.dir.path().join("receipt.json")
    }

    fn mirror(&self) -> PathBuf {
        self.dir.path().join("mirror")
    }

    /// Puts a member of the receipt's file another way.
    fn edit(&self, member: &str, change: impl Fn(&str) -> String) {
        let mut file: Value = serde_json::from_slice(&fs::read(self.receipt()).unwrap()).unwrap();
        file[member] = change(file[member].as_str().unwrap()).into();
        fs::write(self.receipt(), file.to_string()).unwrap();
    }

    /// Asks both the file and the mirror.
    async fn verify(&self, more: &[&str]) -> Said {
        let (file, mirror) = (self.receipt(), self.mirror());
        verify(&[&[text(&file), "--trail", text(&mirror)], more].concat()).await
    }
}

/// Runs the command. Whatever it says, it says nothing of the person.
async fn verify(arguments: &[&str]) -> Said {
    let said = run(optin(&[&["evidence", "verify"], arguments].concat(), &BTreeMap::new())).await;
    says_nothing_of_ann(&said);
    said
}

fn says_nothing_of_ann(said: &Said) {
    let all = format!("{}{}", said.out, said.err);
    let opening = opening(&SECRET, Event::Confirmed, 0);
    for hidden in [
        "Ann".to_owned(),
        "example.org".to_owned(),
        URL_SAFE_NO_PAD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(opening),
        data_encoding::HEXLOWER.encode(&SECRET),
        data_encoding::HEXLOWER.encode(&opening),
    ] {
        assert!(!all.contains(&hidden), "{all}");
    }
    assert!(all.lines().count() == 1 || said.code == Some(2), "one line: {all}");
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}
