//! The inbox of `dev`: every letter that the mailer delivers, kept in a folder, one file a letter.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use mail_parser::HeaderValue;
use serde::Serialize;

use super::parsed::{Field, Part};
use super::session::{Answer, Door, Limits, Protocol, Transaction};

/// A folder of letters. Clones share it.
#[derive(Clone)]
pub struct Inbox {
    folder: Arc<PathBuf>,
    /// The number of the newest letter; numbers only rise.
    newest: Arc<Mutex<u64>>,
}

/// A letter as it arrived, for `/inbox.json`.
#[derive(Default, Serialize)]
pub struct Caught {
    #[serde(skip)]
    pub number: u64,
    #[serde(skip)]
    pub date: Timestamp,
    /// The envelope's recipient.
    pub to: String,
    pub from: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// By lower-case name, in the order in which they stand.
    pub headers: BTreeMap<String, Vec<String>>,
    pub raw: String,
    #[serde(skip)]
    pub attachments: Vec<Attached>,
}

/// A file that came with a letter.
pub struct Attached {
    /// What to save it as: what the letter calls it, as far as that is safe (letters, digits, `.`, `-` and `_`).
    pub name: String,
    /// Decoded.
    pub bytes: Vec<u8>,
}

impl Inbox {
    /// Opens the folder, and makes it where there is none: for our user alone, since letters hold addresses and links
    /// that act.
    pub fn open(folder: PathBuf) -> io::Result<Inbox> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut newest = 0;
        for file in fs::read_dir(&folder)? {
            newest = newest.max(number_of(&file?.path()).unwrap_or(0));
        }
        Ok(Inbox { folder: Arc::new(folder), newest: Arc::new(Mutex::new(newest)) })
    }

    /// The SMTP door that letters come in by.
    pub fn door(&self) -> Door {
        let inbox = self.clone();
        Door::new(
            Protocol::Smtp,
            "localhost",
            Limits::default(),
            |_| async { Answer::TAKEN },
            move |transaction| {
                let inbox = inbox.clone();
                async move {
                    let kept = tokio::task::spawn_blocking(move || inbox.keep(&transaction)).await;
                    match kept {
                        Ok(Ok(())) => Answer::TAKEN,
                        _ => Answer::reply(452, "4.3.1", "the inbox cannot be written"),
                    }
                }
            },
        )
    }

    /// The letters, oldest first, or only those to one address.
    pub fn letters(&self, to: Option<&str>) -> io::Result<Vec<Caught>> {
        let mut files = Vec::new();
        for file in fs::read_dir(&*self.folder)? {
            let path = file?.path();
            files.extend(number_of(&path).map(|number| (number, path)));
        }
        files.sort();
        let mut letters = Vec::new();
        for (number, path) in files {
            let letter = caught(number, &fs::read(path)?);
            if to.is_none_or(|to| letter.to.eq_ignore_ascii_case(to)) {
                letters.push(letter);
            }
        }
        Ok(letters)
    }

    /// A letter is in the folder, on the disk, before the relay is told so: a crash loses none.
    fn keep(&self, transaction: &Transaction) -> io::Result<()> {
        for to in &transaction.to {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            let path = self.folder.join(format!("{:08}.eml", *newest + 1));
            let half = path.with_extension("half");
            let mut file = File::create(&half)?;
            write!(file, "X-Envelope-To: {to}\r\nX-Envelope-From: {}\r\n", transaction.from)?;
            file.write_all(&transaction.data)?;
            file.sync_all()?;
            fs::rename(&half, &path)?;
            File::open(&*self.folder)?.sync_all()?;
            *newest += 1;
        }
        Ok(())
    }
}

fn number_of(path: &std::path::Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".eml")?.parse().ok()
}

/// Reads a kept file: two lines of envelope, then the message as it came.
fn caught(number: u64, file: &[u8]) -> Caught {
    let (to, rest) = envelope_line(file);
    let (from, raw) = envelope_line(rest);
    let letter =
        Caught { number, to, from, raw: String::from_utf8_lossy(raw).into_owned(), ..Caught::default() };
    // What is no message at all has an envelope all the same.
    let mail = Part::read(raw);
    let value = |name| mail.named(name).next().and_then(Field::parsed);
    let date = match value("Date") {
        Some(HeaderValue::DateTime(date)) => Timestamp::from_second(date.to_timestamp()).ok(),
        _ => None,
    };
    let subject = match value("Subject") {
        Some(HeaderValue::Text(subject)) => subject.into_owned(),
        _ => String::new(),
    };
    let headers = headers(&mail);
    let (bodies, files): (Vec<_>, Vec<_>) = mail
        .leaves()
        .into_iter()
        .partition(|part| !part.is_attached() && part.is("text", &["plain", "html"]));
    let body = |kind| bodies.iter().find(|part| part.is("text", &[kind])).map(Part::text).unwrap_or_default();
    Caught {
        date: date.unwrap_or_default(),
        subject,
        text: body("plain"),
        html: body("html"),
        headers,
        attachments: files.iter().map(attached).collect(),
        ..letter
    }
}

fn envelope_line(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap_or(bytes.len());
    let line = String::from_utf8_lossy(&bytes[..end]);
    let value = line.split_once(": ").map_or("", |(_, value)| value).to_owned();
    (value, bytes.get(end + 2..).unwrap_or_default())
}

fn headers(mail: &Part) -> BTreeMap<String, Vec<String>> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for field in mail.fields() {
        let unfolded = field.value().replace("\r\n", "").trim().to_owned();
        headers.entry(field.name().to_ascii_lowercase()).or_default().push(unfolded);
    }
    headers
}

fn attached(part: &Part) -> Attached {
    Attached { name: safe_name(&part.file_name().unwrap_or_default()), bytes: part.contents().into_owned() }
}

/// A name that stays in its folder, in sight, and in its quotes in a header: at most 100 of A-Z, a-z, 0-9, `.`, `-`
/// and `_`, the first no dot.
fn safe_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    let name: String = name.trim_start_matches('.').chars().map(safe).take(100).collect();
    if name.is_empty() { "attachment".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_numbered_on_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let letter = |to: &str| Transaction {
            from: "news@example.org".into(),
            to: vec![to.into()],
            smtputf8: false,
            data: "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-A: 1\r\nX-A: 2\r\n 3\r\n\r\nHello\r\n".into(),
        };
        Inbox::open(dir.path().into()).unwrap().keep(&letter("a@example.org")).unwrap();
        let inbox = Inbox::open(dir.path().into()).unwrap();
        inbox.keep(&letter("b@example.org")).unwrap();
        let letters = inbox.letters(None).unwrap();
        assert_eq!(letters.iter().map(|letter| letter.number).collect::<Vec<_>>(), [1, 2]);
        let found = &inbox.letters(Some("B@example.org")).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].subject.as_str(), found[0].from.as_str()), ("Grüße", "news@example.org"));
        assert_eq!(found[0].headers["x-a"], ["1", "2 3"]);
        assert!(found[0].raw.starts_with("Subject:"));
        let empty = Transaction { data: "".into(), ..letter("c@example.org") };
        inbox.keep(&empty).unwrap();
        assert_eq!(inbox.letters(Some("c@example.org")).unwrap()[0].text, "");
    }

    #[test]
    fn attachments_are_decoded_and_the_text_is_none_of_them() {
        let file = "X-Envelope-To: a\r\nX-Envelope-From: b\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n\
            --cut\r\nContent-Type: text/plain\r\n\r\nHello\r\n\
            --cut\r\nContent-Type: application/json; name=a.json\r\nContent-Transfer-Encoding: base64\r\n\
            Content-Disposition: attachment; filename=a.json\r\n\r\ne30K\r\n\
            --cut\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n\r\nB\r\n--cut--\r\n";
        let letter = caught(1, file.as_bytes());
        let attached: Vec<_> =
            letter.attachments.iter().map(|file| (file.name.as_str(), file.bytes.as_slice())).collect();
        assert_eq!(letter.text, "Hello");
        assert_eq!(attached, [("a.json", b"{}\n".as_slice()), ("attachment", b"B")]);
    }

    #[test]
    fn names_of_files_are_made_safe() {
        for (name, safe) in [
            ("optin-receipt.json", "optin-receipt.json"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..\\a b\";x=\r\n.js", "_a_b__x___.js"),
            (".bashrc", "bashrc"),
            ("Grüße", "Gr__e"),
            ("..", "attachment"),
            ("", "attachment"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        assert_eq!(safe_name(&"a".repeat(1000)).len(), 100);
    }
}
