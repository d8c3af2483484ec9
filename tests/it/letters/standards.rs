//! Letters before the standards: their bytes as RFC 5322, 2045 and 2047 want them, and as Python's reader finds them.

use std::sync::LazyLock;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use mail_parser::{MessageParser, MimeHeaders as _};
use optin::mail::inbox::Caught;
use regex::Regex;
use serde_json::{Value, json};

use super::{header, in_one_line, letters_of_each_kind, reader_of};
use crate::house::receipts::receipt_in;
use crate::house::{House, NEWS, languages, link};
use crate::process::{is_here, program, run};

/// What a list and its sender may be called: one line of up to 100 characters, and no more is asked.
const NAMES: [&str; 9] = [
    "\"Quotes\" \\ back\\slashes, <b>tags</b>; (comments) & @ : .",
    "=?utf-8?q?not_a_word?= =?utf-8?b?eA==?=",
    "Ann, Bob <eve@spam.example>",
    "Subject: Bcc: eve@spam.example",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "Издательство «Ёлочные игрушки, открытки и книги для всей семьи» и ещё один довольно длинный хвост",
    "ЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖ",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦 \u{202e}sdrawkcab\u{202c} e\u{301}\u{feff}",
    "A name of many short words that go on and on until the line is too long for anybody to read, and on",
];

/// What only one header of a letter may be called (RFC 5322 section 3.6, RFC 2045 section 3).
const SINGULAR: [&str; 13] = [
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "message-id",
    "in-reply-to",
    "references",
    "subject",
    "mime-version",
    "content-type",
];

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// What is wrong with a letter that a house wrote at `start` or later, in words.
fn faults(house: &House, letter: &Caught, start: Timestamp) -> Vec<String> {
    let raw = letter.raw.as_str();
    let (head, _) = raw.split_once("\r\n\r\n").expect("a head and a body");
    let mut faults = Vec::new();
    let mut wanted = |is_so: bool, what: &str| {
        if !is_so {
            faults.push(what.to_owned());
        }
    };
    wanted(raw.is_ascii() && !raw.contains('\0'), "7 bits do, without NUL");
    wanted(raw.ends_with("\r\n"), "the last line ends");
    wanted(!raw.replace("\r\n", "").contains(['\r', '\n']), "lines end in CR LF");
    wanted(raw.split("\r\n").all(|line| line.len() <= 998), "RFC 5322 section 2.1.1: 998 bytes a line");
    wanted(
        head.split("\r\n").all(|line| line.len() <= 78 || !can_be_folded(line)),
        "78 bytes a line of a head",
    );
    wanted(
        !head.contains("\r\n\r\n") && !head.split("\r\n").any(|line| line.trim().is_empty()),
        "no empty line",
    );
    for word in head.split_ascii_whitespace().filter(|word| word.starts_with("=?")) {
        wanted(word.len() <= 75 && word.ends_with("?="), "RFC 2047 section 2: an encoded word");
    }

    let names: Vec<String> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').map_or(line, |(name, _)| name).to_ascii_lowercase())
        .collect();
    let count = |name: &str| names.iter().filter(|of| *of == name).count();
    wanted(SINGULAR.iter().all(|name| count(name) <= 1), "a header stands there twice");
    for name in ["date", "from", "to", "message-id", "subject", "mime-version", "content-type"] {
        wanted(count(name) == 1, name);
    }
    wanted(header(letter, "mime-version") == "1.0", "MIME-Version");
    wanted(header(letter, "auto-submitted") == "auto-generated", "RFC 3834 section 5");
    let date = rfc2822::parse(header(letter, "date")).map(|date| date.timestamp().as_second());
    let between = start.as_second()..=house.clock.now().as_second();
    wanted(date.is_ok_and(|date| between.contains(&date)), "the clock's time");
    let id = regex(r"^<[0-9a-z]{20,}@example\.org>$");
    wanted(id.is_match(header(letter, "message-id")), "a message's name");

    let message = MessageParser::default().parse(raw).expect("a message");
    let alone =
        |address: Option<&mail_parser::Address>, whose: &str| match address.and_then(|of| of.as_list()) {
            Some([one]) => one.address() == Some(whose),
            _ => false,
        };
    wanted(alone(message.from(), "newsletter@example.org"), "one sender");
    wanted(letter.from == "newsletter@example.org", "the envelope's sender");
    wanted(alone(message.to(), &letter.to), "one recipient");
    let is_welcome = receipt_in(letter).is_some();
    let kinds: Vec<_> = message.parts.iter().map(|part| kind_of(part)).collect();
    let alternative = ["multipart/alternative", "text/plain", "text/html"];
    let mixed = [&["multipart/mixed"], &alternative[..], &["application/json"]].concat();
    wanted(kinds == if is_welcome { mixed } else { alternative.to_vec() }, "the parts in their order");
    wanted(
        !message.parts.iter().any(|part| part.is_encoding_problem),
        "every part is what its encoding says",
    );
    faults.extend(structure_faults(raw));
    faults.extend(tracking_faults(house, letter));
    faults
}

/// Whether a line of a head has white space to fold at, behind its name.
fn can_be_folded(line: &str) -> bool {
    let value =
        line.split_once(": ").filter(|(name, _)| !name.contains(' ')).map_or(line, |(_, value)| value);
    value.trim().contains([' ', '\t'])
}

fn kind_of(part: &mail_parser::MessagePart) -> String {
    let kind = part.content_type().expect("each part says what it is");
    format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())
}

/// Boundaries that are opened and closed, and bodies that are written in the encoding that they declare (RFC 2045
/// sections 6.2, 6.7 and 6.8).
fn structure_faults(raw: &str) -> Vec<String> {
    static BOUNDARY: LazyLock<Regex> = LazyLock::new(|| regex("boundary=\"([^\"]+)\""));
    let mut faults = Vec::new();
    let boundaries: Vec<_> = BOUNDARY.captures_iter(raw).map(|found| found[1].to_owned()).collect();
    for boundary in &boundaries {
        let opened = raw.matches(&format!("\r\n--{boundary}\r\n")).count();
        let closed = raw.matches(&format!("\r\n--{boundary}--\r\n")).count();
        if boundary.len() > 70 || opened != 2 || closed != 1 {
            faults.push(format!("a boundary of {} parts that ends {closed} times", opened));
        }
    }
    let delimiters = regex(&format!("\r\n--(?:{})(?:--)?\r\n", boundaries.join("|")));
    for part in delimiters.split(raw).skip(1).filter(|part| part.contains("\r\n\r\n")) {
        let (head, body) = part.split_once("\r\n\r\n").expect("it was asked for");
        let Some((_, encoding)) = head.split_once("Content-Transfer-Encoding: ") else { continue };
        let encoding = encoding.split("\r\n").next().unwrap_or_default();
        let lines = || body.split("\r\n");
        let good = match encoding {
            "7bit" => body.is_ascii(),
            "quoted-printable" => {
                let octet = regex("^(?:[ -<>-~\t]|=[0-9A-F]{2})*=?$");
                lines().all(|line| line.len() <= 76 && octet.is_match(line) && !line.ends_with([' ', '\t']))
            }
            "base64" => {
                let text: String = lines().collect();
                lines().all(|line| line.len() <= 76) && data_encoding::BASE64.decode(text.as_bytes()).is_ok()
            }
            _ => false,
        };
        if !good {
            faults.push(format!("a body that is not {encoding}"));
        }
    }
    faults
}

/// Nothing is fetched when a letter is read, and every link is ours or the controller's (cp-10).
fn tracking_faults(house: &House, letter: &Caught) -> Vec<String> {
    let ours = [house.url.as_str(), "mailto:", "https://authority.example"];
    let decoded = letter.html.replace("&#x2f;", "/");
    let hrefs = regex("(?i)href\\s*=\\s*[\"']([^\"']*)")
        .captures_iter(&decoded)
        .map(|found| found[1].to_owned())
        .collect();
    let words = letter.text.split_whitespace().map(|word| word.trim_start_matches(['(', '<']).to_owned());
    let links = [hrefs, words.filter(|word| word.contains("://")).collect::<Vec<String>>()].concat();
    let elsewhere = links.into_iter().filter(|link| !ours.iter().any(|start| link.starts_with(start)));
    let html = letter.html.to_lowercase();
    let fetching = [
        "src=",
        "srcset",
        "<img",
        "<link",
        "<script",
        "<iframe",
        "<object",
        "background=",
        "url(",
        "@import",
    ];
    let fetching = fetching.into_iter().filter(|what| html.contains(what)).map(str::to_owned);
    elsewhere.chain(fetching).collect()
}

/// The letters that a walk through every kind does not meet: to a new address, and about a new wording.
async fn rarer_letters(house: &House) {
    for lang in languages() {
        let my = house.letters(&reader_of(&lang), 4).await.remove(3);
        let my = link(&my.text, "/my/");
        let form = [("do", "correct"), ("email", &*format!("new-{}", reader_of(&lang)))];
        assert_eq!(house.post(&my, &form).await.status(), 200);
        let email = &*format!("late-{}", reader_of(&lang));
        let form = [("email", email), ("consent", "yes"), ("notice", "2"), ("lang", &*lang)];
        assert_eq!(house.post("/lists/news", &form).await.status(), 200);
        let confirm = link(&house.letter(email).await.text, "/c/");
        assert_eq!(house.post(&confirm, &[]).await.status(), 200);
    }
    // Those who were asked before are asked again, by another letter.
    house.advance(SignedDuration::from_secs(1));
    house.publish("Something else, spelt better.", false).await;
    house.announce().await;
}

async fn letters_of_every_kind(house: &House) -> Vec<Caught> {
    let kinds = letters_of_each_kind(house).await.len();
    rarer_letters(house).await;
    let letters = house.all_letters().await;
    let rest = letters.len() - kinds;
    // To the new address; confirmation, welcome and new wording to who came late; to who had not agreed, once more.
    assert_eq!(rest, languages().len() * 5);
    letters
}

#[tokio::test]
async fn every_letter_has_the_form_that_mail_servers_and_programs_ask_for() {
    let house = House::with_welcome().await;
    let start = house.clock.now();
    let letters = letters_of_every_kind(&house).await;
    for letter in &letters {
        let found = faults(&house, letter, start);
        assert!(found.is_empty(), "{found:?}: {}", letter.raw);
        assert_eq!(header(letter, "from"), "\"Example Publishing\" <newsletter@example.org>");
        assert!(!letter.subject.is_empty() && !letter.text.is_empty());
        assert!(letter.html.starts_with("<!doctype html>"));
        assert!(letter.text.lines().all(|line| line.chars().count() <= 78 || line.starts_with("http")));
    }
    let mut ids: Vec<_> = letters.iter().map(|letter| header(letter, "message-id")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), letters.len(), "each letter has its own name");
    house.close().await;
}

/// Python's reader, with its strictest policy: what it finds wrong, and what it reads.
const READ: &str = r#"
import email, email.policy, json, sys
def read(path):
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    parts = list(message.walk())
    defects = [repr(defect) for part in parts for defect in part.defects]
    defects += [repr(defect) for part in parts for header in part.values() for defect in header.defects]
    contents = [part.get_content() for part in parts if not part.is_multipart()]
    defects += [repr(defect) for part in parts for defect in part.defects]
    return {
        "defects": defects,
        "subject": str(message["subject"]),
        "to": [address.addr_spec for address in message["to"].addresses],
        "from": [[address.display_name, address.addr_spec] for address in message["from"].addresses],
        "date": int(message["date"].datetime.timestamp()),
        "kinds": [part.get_content_type() for part in parts],
        "text": message.get_body(["plain"]).get_content(),
        "html": message.get_body(["html"]).get_content(),
        "files": [[file.get_filename(), file.get_content().decode()] for file in message.iter_attachments()],
    }
print(json.dumps([read(path) for path in sys.argv[1:]]))
"#;

/// What Python reads in each letter.
async fn read_by_python(letters: &[Caught]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let mut python = program("python3");
    python.args(["-c", READ]);
    for (n, letter) in letters.iter().enumerate() {
        let file = dir.path().join(format!("{n}.eml"));
        std::fs::write(&file, &letter.raw).unwrap();
        python.arg(file);
    }
    let read: Vec<Value> = serde_json::from_str(run(python).await.success()).unwrap();
    assert_eq!(read.len(), letters.len());
    read
}

#[tokio::test]
async fn a_mail_parser_that_others_wrote_finds_no_defect_in_any_letter() {
    if !is_here("python3").await {
        return;
    }
    let house = House::with_welcome().await;
    let letters = letters_of_every_kind(&house).await;
    for (letter, read) in letters.iter().zip(read_by_python(&letters).await) {
        assert_eq!(read["defects"], json!([]));
        let body = ["multipart/alternative", "text/plain", "text/html"].map(str::to_owned).to_vec();
        match receipt_in(letter) {
            None => assert_eq!((&read["kinds"], &read["files"]), (&json!(body), &json!([]))),
            Some(receipt) => {
                let mixed = [vec!["multipart/mixed".into()], body, vec!["application/json".into()]].concat();
                let file = String::from_utf8(receipt.to_json()).unwrap();
                assert_eq!(read["kinds"], json!(mixed));
                assert_eq!(read["files"], json!([["optin-receipt.json", file]]), "byte for byte");
            }
        }
        assert_eq!(read["subject"], letter.subject.as_str());
        assert_eq!(read["to"], json!([letter.to]));
        assert_eq!(read["from"], json!([["Example Publishing", "newsletter@example.org"]]));
        assert_eq!(read["date"], letter.date.as_second());
        let same = |name: &str, text: &str| in_one_line(read[name].as_str().unwrap()) == in_one_line(text);
        assert!(same("text", &letter.text) && same("html", &letter.html));
    }
    house.close().await;
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[tokio::test]
async fn whatever_a_list_and_its_sender_are_called_a_letter_says_it_and_nothing_else() {
    let house = House::open().await;
    let mut subjects = Vec::new();
    for (n, name) in NAMES.into_iter().enumerate() {
        let in_each: Value =
            languages().into_iter().map(|lang| (lang, name.into())).collect::<serde_json::Map<_, _>>().into();
        let sender = json!({ "name": name, "subject_prefix": in_each });
        house.set_options(NEWS, json!({ "title": in_each, "sender": sender })).await;
        for lang in languages() {
            let email = &*format!("{n}-{}", reader_of(&lang));
            let form = [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", &*lang)];
            assert_eq!(house.post("/lists/news", &form).await.status(), 200);
            let letter = house.letter(email).await;
            let found = faults(&house, &letter, house.clock.now());
            assert!(found.is_empty(), "{name}: {found:?}: {}", letter.raw);
            let subject = house.say(&lang, "letter.confirmation.subject", &[("list", name)]);
            assert_eq!(letter.subject, format!("{name} {subject}"));
            subjects.push((letter, name));
        }
    }
    if is_here("python3").await {
        let (letters, names): (Vec<_>, Vec<_>) = subjects.into_iter().unzip();
        for ((letter, name), read) in letters.iter().zip(names).zip(read_by_python(&letters).await) {
            assert_eq!(read["defects"], json!([]), "{name}");
            assert_eq!(read["subject"], letter.subject.as_str());
            // Python before 3.13 reads a space between two encoded words of a name; of a subject it does not.
            let from = &read["from"][0];
            assert_eq!(without_spaces(from[0].as_str().unwrap()), without_spaces(name));
            assert_eq!(from[1], "newsletter@example.org");
            assert_eq!(in_one_line(read["text"].as_str().unwrap()), in_one_line(&letter.text));
        }
    }
    house.close().await;
}
