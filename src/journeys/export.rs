//! Export: the people who said yes, each row with its own way out.

use std::io::{self, Write};

use serde::Serializer as _;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::clock::Clock;
use crate::consent::list::List;
use crate::consent::person::{Person, PersonError};
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::access::Access;
use crate::store::export::ExportRow;
use crate::store::seal::Seal;
use crate::store::{Store, StoreError};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// RFC 4180, UTF-8, a header line first. A value that a spreadsheet would run as a formula gets an apostrophe
    /// before it.
    Csv,
    /// One JSON object a line, values as they are.
    Jsonl,
}

/// Why an export was not made. Nothing in it tells of a person.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("there is no list `{0}`")]
    NoList(String),
    #[error("the list `{0}` is closed: nobody is on it")]
    Closed(String),
    #[error("there is no operator `{0}`; `optin operator add` makes one")]
    NoOperator(String),
    #[error("a row could not be opened")]
    Person(#[from] PersonError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the export could not be written")]
    Write(#[from] io::Error),
}

/// What an export is made with.
pub struct Export<'a> {
    pub store: &'a Store,
    pub keys: &'a KeyRing,
    pub links: &'a Links,
    pub clock: &'a Clock,
}

/// The columns before the list's own fields.
const COLUMNS: [&str; 8] = [
    "email",
    "lang",
    "confirmed_at",
    "notice_version",
    "unsubscribe_url",
    "list_unsubscribe",
    "list_unsubscribe_post",
    "ref",
];

impl Export<'_> {
    /// Writes everybody on the list who is active and agreed to its present purpose, row by row as they arrive, and
    /// returns how many that were. `tell` hears each row's number.
    pub async fn write(
        &self,
        slug: &str,
        operator: &str,
        format: Format,
        to: impl Write,
        tell: impl Fn(u64),
    ) -> Result<u64, ExportError> {
        if !self.store.is_operator(operator).await? {
            return Err(ExportError::NoOperator(operator.into()));
        }
        let (list, _) = self.store.find_list(slug).await?.ok_or_else(|| ExportError::NoList(slug.into()))?;
        if list.is_closed {
            return Err(ExportError::Closed(slug.into()));
        }
        let fields: Vec<&str> = exported_fields(&list);
        let id = App::random();
        let seal = Seal::new(self.links.host(), self.keys, self.clock.now());
        self.store.record_access(list.number, operator, Access::Export, self.clock.now()).await?;
        let mut rows = self.store.begin_export(list.number, &seal, &id).await?;
        let mut hashing = Hashing { to, sha256: Sha256::new() };
        let mut writer = RowWriter::begin(format, &fields, &mut hashing)?;
        let mut count = 0;
        while let Some(row) = rows.next().await? {
            writer.row(&self.values(&list, &fields, &row)?)?;
            count += 1;
            tell(count);
        }
        writer.end()?;
        let (sha256, now) = (hashing.sha256.finalize().into(), self.clock.now());
        self.store.finish_export(list.number, &id, rows.tree_size, count, &sha256, now).await?;
        Ok(count)
    }

    fn values(&self, list: &List, fields: &[&str], row: &ExportRow) -> Result<Vec<String>, PersonError> {
        let mut person = Person::open(self.keys, list.number, row.id, &row.seal)?;
        let url = self.links.unsubscribe(list.number, row.id);
        let mailbox = list.mailbox();
        let mailto = mailbox.and_then(|mailbox| self.links.leave_mailto(&mailbox, list.number, row.id));
        let mut values = vec![
            std::mem::take(&mut person.address),
            row.lang.clone(),
            row.confirmed_at.to_string(),
            row.notice_version.to_string(),
            url.clone(),
            list_unsubscribe(&url, mailto.as_deref()),
            "List-Unsubscribe=One-Click".into(),
            data_encoding::HEXLOWER.encode(&row.reference),
        ];
        // What the person withholds is as if it had never been given (msg-8).
        let Person { profile, withheld, .. } = &mut person;
        profile.retain(|name, _| !withheld.contains(name));
        values.extend(fields.iter().map(|field| profile.remove(*field).unwrap_or_default()));
        Ok(values)
    }
}

/// The header's value: URIs in angle brackets, the preferred one first (RFC 2369 §2), exactly one of them https
/// (RFC 8058 §3.1).
fn list_unsubscribe(url: &str, mailto: Option<&str>) -> String {
    match mailto {
        Some(address) => format!("<{url}>, <mailto:{address}?subject=unsubscribe>"),
        None => format!("<{url}>"),
    }
}

fn exported_fields(list: &List) -> Vec<&str> {
    list.options.fields.iter().filter(|field| field.exported).map(|field| field.name.as_str()).collect()
}

/// Takes the SHA-256 of what is written on its way out.
struct Hashing<W> {
    to: W,
    sha256: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

enum RowWriter<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(Vec<String>, W),
}

impl<W: Write> RowWriter<W> {
    fn begin(format: Format, fields: &[&str], to: W) -> io::Result<RowWriter<W>> {
        let fields = fields.iter().map(|field| format!("field_{field}"));
        let header: Vec<String> = COLUMNS.iter().map(|name| name.to_string()).chain(fields).collect();
        match format {
            Format::Jsonl => Ok(RowWriter::Jsonl(header, to)),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(to);
                writer.write_record(&header)?;
                Ok(RowWriter::Csv(Box::new(writer)))
            }
        }
    }

    fn row(&mut self, values: &[String]) -> io::Result<()> {
        match self {
            RowWriter::Csv(writer) => {
                let (own, fields) = values.split_at(COLUMNS.len().min(values.len()));
                let fields = fields.iter().map(|value| harmless(value));
                Ok(writer.write_record(own.iter().cloned().chain(fields))?)
            }
            RowWriter::Jsonl(names, to) => {
                let mut line = serde_json::Serializer::new(&mut *to);
                line.collect_map(names.iter().zip(values))?;
                to.write_all(b"\n")
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            RowWriter::Csv(mut writer) => writer.flush(),
            RowWriter::Jsonl(_, mut to) => to.flush(),
        }
    }
}

/// A value that a spreadsheet shows instead of running: an apostrophe before each sign that begins a formula where a
/// cell begins, or might: in many countries `;` parts cells. Full-width and small forms count too, since some
/// spreadsheets fold them, and what nobody sees before the sign does not hide it.
fn harmless(value: &str) -> String {
    let runs = |c: char| "=+-@＝＋－＠﹦﹢﹣﹫".contains(c);
    let unseen =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\u{feff}' | '\u{61c}' | '\u{200b}'..='\u{200f}');
    let mut harmless = String::with_capacity(value.len());
    let mut begins = true;
    for c in value.chars() {
        if begins && runs(c) {
            harmless.push('\'');
        }
        begins = matches!(c, ';' | '|' | '\t') || begins && unseen(c);
        harmless.push(c);
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless_and_other_values_left_alone() {
        for (value, written) in [
            ("=1+1", "'=1+1"),
            (" =1", " '=1"),
            ("x;=1+1;-2", "x;'=1+1;'-2"),
            ("x; \"=1", "x; \"'=1"),
            ("\u{feff}=1", "\u{feff}'=1"),
            ("﹦1", "'﹦1"),
            ("Anna-Lena; Dr.", "Anna-Lena; Dr."),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            ("＝1", "'＝1"),
            ("Åsa", "Åsa"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(value), written);
        }
    }

    #[test]
    fn the_header_value_is_ready_to_paste() {
        assert_eq!(list_unsubscribe("https://x.example/u/t", None), "<https://x.example/u/t>");
        assert_eq!(
            list_unsubscribe("https://x.example/u/t", Some("leave+t@x.example")),
            "<https://x.example/u/t>, <mailto:leave+t@x.example?subject=unsubscribe>"
        );
    }

    #[test]
    fn csv_is_quoted_where_it_must_be() {
        let mut bytes = Vec::new();
        let mut writer = RowWriter::begin(Format::Csv, &["name"], &mut bytes).unwrap();
        let mut values = vec![String::new(); 8];
        values.push("a \"b\", c".into());
        writer.row(&values).unwrap();
        writer.end().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("email,lang,confirmed_at,notice_version,"));
        assert!(text.ends_with(",\"a \"\"b\"\", c\"\n"), "{text}");
    }
}
