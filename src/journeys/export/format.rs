//! How rows are written: for people and programs, and as the tools that send newsletters import them
//! (docs/EXPORTS.md has where each tool documents that).

use std::io;

use serde::{Deserialize, Serialize, Serializer as _};
use serde_json::{Map, Value, json};

use super::harmless::harmless;
use crate::app::row::{COLUMNS, ONE_CLICK, Row};

/// A file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180, UTF-8, a header line first. A value that a spreadsheet would run as a formula gets an apostrophe
    /// before it.
    Csv,
    /// One JSON object a line, values as they are.
    Jsonl,
    /// The CSV that listmonk imports: address, name, and all else as attributes.
    Listmonk,
    /// The CSV that Mailchimp imports, a column for each merge field.
    Mailchimp,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Csv, Format::Jsonl, Format::Listmonk, Format::Mailchimp];

    /// As the command line, the API and the history name it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Listmonk => "listmonk",
            Format::Mailchimp => "mailchimp",
        }
    }

    /// What the names of its files end with.
    pub fn extension(self) -> &'static str {
        if self == Format::Jsonl { "jsonl" } else { "csv" }
    }

    /// RFC 4180 §3; lines of JSON have no registered type.
    pub fn media_type(self) -> &'static str {
        if self == Format::Jsonl { "application/jsonl" } else { "text/csv; charset=utf-8; header=present" }
    }
}

/// A format, for a list with these fields.
pub struct Shape {
    format: Format,
    fields: Vec<String>,
    header: Vec<String>,
}

impl Shape {
    pub fn new(format: Format, fields: Vec<String>) -> Shape {
        let header = header(format, &fields);
        Shape { format, fields, header }
    }

    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// An empty part of the file; its beginning, if it is the first.
    pub fn part(&self, is_first: bool) -> io::Result<Part> {
        if self.format == Format::Jsonl {
            return Ok(Part::Lines(Vec::new()));
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        if is_first {
            writer.write_record(&self.header)?;
        }
        Ok(Part::Csv(Box::new(writer)))
    }

    /// Writes a row to a part.
    pub fn write(&self, row: &Row, to: &mut Part) -> io::Result<()> {
        match to {
            Part::Lines(bytes) => {
                let values = row.values().into_iter().chain(row.fields.iter().cloned());
                serde_json::Serializer::new(&mut *bytes).collect_map(self.header.iter().zip(values))?;
                bytes.push(b'\n');
                Ok(())
            }
            Part::Csv(writer) => Ok(writer.write_record(self.record(row))?),
        }
    }

    fn record(&self, row: &Row) -> Vec<String> {
        match self.format {
            Format::Csv | Format::Jsonl => {
                row.values().into_iter().chain(row.fields.iter().map(|value| harmless(value))).collect()
            }
            Format::Listmonk => vec![row.email.clone(), self.name_of(row), self.attributes(row).to_string()],
            Format::Mailchimp => {
                let own = [&row.email, &self.name_of(row), &row.lang, &row.unsubscribe_url, &row.reference]
                    .map(|value| value.to_owned());
                own.into_iter().chain(self.others(row).map(|(_, value)| value)).collect()
            }
        }
    }

    /// The whole name, as the person gave it: nobody can tell where it parts.
    fn name_of(&self, row: &Row) -> String {
        let given = self.fields.iter().zip(&row.fields).find(|(name, _)| *name == NAME);
        given.map(|(_, value)| harmless(value)).unwrap_or_default()
    }

    /// The list's fields but the name, with their values.
    fn others<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (&'a str, String)> {
        let others = self.fields.iter().zip(&row.fields).filter(|(name, _)| *name != NAME);
        others.map(|(name, value)| (name.as_str(), harmless(value)))
    }

    fn attributes(&self, row: &Row) -> Value {
        let fields: Map<_, _> =
            self.others(row).map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        json!({
            "unsubscribe_url": row.unsubscribe_url,
            "list_unsubscribe": row.list_unsubscribe,
            "list_unsubscribe_post": ONE_CLICK,
            "ref": row.reference,
            "lang": row.lang,
            "fields": fields,
        })
    }
}

/// The one well-known field that other tools have a place for.
const NAME: &str = "name";

fn header(format: Format, fields: &[String]) -> Vec<String> {
    let own = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    match format {
        Format::Csv | Format::Jsonl => {
            own(&COLUMNS).into_iter().chain(fields.iter().map(|field| format!("field_{field}"))).collect()
        }
        Format::Listmonk => own(&["email", "name", "attributes"]),
        Format::Mailchimp => {
            let others = fields.iter().filter(|field| *field != NAME).cloned();
            let own = own(&["Email Address", "First Name", "Language", "Unsubscribe URL", "Ref"]);
            own.into_iter().chain(others).collect()
        }
    }
}

/// Some rows, written.
pub enum Part {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Lines(Vec<u8>),
}

impl Part {
    /// About how many bytes it has, and never fewer than this.
    pub fn size(&self) -> usize {
        match self {
            Part::Csv(writer) => writer.get_ref().len(),
            Part::Lines(bytes) => bytes.len(),
        }
    }

    pub fn bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Part::Csv(writer) => writer.into_inner().map_err(|error| io::Error::from(error.error().kind())),
            Part::Lines(bytes) => Ok(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> Row {
        Row {
            email: "Ann@example.org".into(),
            lang: "en".into(),
            confirmed_at: "2026-01-02T03:04:05Z".into(),
            notice_version: 3,
            unsubscribe_url: "https://x.example/u/t".into(),
            list_unsubscribe: "<https://x.example/u/t>".into(),
            reference: "00ff".into(),
            fields: fields.iter().map(|value| value.to_string()).collect(),
        }
    }

    fn written(format: Format, fields: &[(&str, &str)]) -> String {
        let (names, values): (Vec<_>, Vec<_>) = fields.iter().copied().unzip();
        let shape = Shape::new(format, names.iter().map(|name| name.to_string()).collect());
        let mut part = shape.part(true).unwrap();
        shape.write(&row(&values), &mut part).unwrap();
        String::from_utf8(part.bytes().unwrap()).unwrap()
    }

    #[test]
    fn csv_is_quoted_where_it_must_be_and_runs_nowhere() {
        let text = written(Format::Csv, &[("name", "a \"b\", c"), ("job", "=1+1")]);
        assert!(text.starts_with("email,lang,confirmed_at,notice_version,"));
        assert!(text.ends_with(",\"a \"\"b\"\", c\",'=1+1\n"), "{text}");
    }

    #[test]
    fn jsonl_has_values_as_they_are() {
        let text = written(Format::Jsonl, &[("name", "=1+1")]);
        let row: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&row["email"], &row["field_name"]), (&json!("Ann@example.org"), &json!("=1+1")));
        assert_eq!((&row["list_unsubscribe_post"], &row["ref"]), (&json!(ONE_CLICK), &json!("00ff")));
    }

    #[test]
    fn listmonk_gets_three_columns_and_the_rest_as_json() {
        let text = written(Format::Listmonk, &[("job", "x;=1"), ("name", "=Ann")]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["email", "name", "attributes"]);
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!((&record[0], &record[1]), ("Ann@example.org", "'=Ann"));
        let attributes: Value = serde_json::from_str(&record[2]).unwrap();
        assert_eq!(
            attributes,
            json!({
                "unsubscribe_url": "https://x.example/u/t",
                "list_unsubscribe": "<https://x.example/u/t>",
                "list_unsubscribe_post": ONE_CLICK,
                "ref": "00ff",
                "lang": "en",
                "fields": { "job": "x;'=1" },
            })
        );
    }

    #[test]
    fn mailchimp_gets_a_column_for_each_merge_field() {
        let text = written(Format::Mailchimp, &[("job", "-2"), ("name", "Ann O'Hara")]);
        assert_eq!(
            text,
            "Email Address,First Name,Language,Unsubscribe URL,Ref,job\n\
             Ann@example.org,Ann O'Hara,en,https://x.example/u/t,00ff,'-2\n"
        );
        assert!(
            written(Format::Mailchimp, &[]).contains("Ann@example.org,,en,"),
            "nobody's name is asked for"
        );
    }

    #[test]
    fn only_the_first_part_has_the_header() {
        for format in [Format::Csv, Format::Jsonl, Format::Listmonk, Format::Mailchimp] {
            let shape = Shape::new(format, Vec::new());
            assert!(shape.part(false).unwrap().bytes().unwrap().is_empty());
        }
    }
}
