//! The words that people read: one catalogue a language, `templates/words/<code>.toml`.
//!
//! A catalogue begins with the language's own `name`; then follow sections of messages. A message is a text with
//! `{placeholders}`, or a table with one text for each plural form of its language, chosen by the count `n`.
//! `countries.list` holds ISO 3166-1 alpha-2 codes with their names, in the order in which that language sorts
//! them; each line becomes the message `country.<code>`. Every language has the same keys with the same placeholders, or
//! nothing is loaded: so a language is one file, and a gap in it is found at the start, not by a reader.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

/// Keys, and beginnings of keys that end in a dot, which Rust code or a template puts together at run time.
/// All others stand in a template as they are.
pub const COMPOSED: &[&str] = &["country.", "date.", "field.", "month.", "problem.", "refusal."];

/// All catalogues, known to agree with each other.
#[derive(Debug)]
pub struct Words {
    catalogues: BTreeMap<String, Catalogue>,
}

#[derive(Debug)]
struct Catalogue {
    file: String,
    name: String,
    messages: BTreeMap<String, Message>,
    countries: Vec<String>,
}

#[derive(Debug)]
enum Message {
    Plain(Phrase),
    Counted(BTreeMap<&'static str, Phrase>),
}

#[derive(Debug)]
struct Phrase(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Slot(String),
}

/// A language, named for its readers: `de`, `Deutsch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Language {
    pub code: String,
    pub name: String,
}

/// A country: its ISO 3166-1 alpha-2 code and its name in the language asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Country {
    pub code: String,
    pub name: String,
}

/// Why the catalogues cannot be used. Each names the file, and the key where there is one.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    #[error("{file}: {fault}")]
    Syntax { file: String, fault: toml::de::Error },
    #[error("{file}: `{key}` {fault}")]
    Entry { file: String, key: String, fault: String },
    #[error("there is no catalogue of words at all")]
    Nothing,
}

/// Why a message cannot be said. Always a programming error: nothing a visitor sends can cause it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    #[error("there are no words for the language `{0}`")]
    Language(String),
    #[error("there are no words under `{0}`")]
    Key(String),
    #[error("the words under `{key}` need `{slot}`")]
    Slot { key: String, slot: String },
    #[error("the words under `{0}` need a whole number `n`")]
    Count(String),
}

impl Words {
    /// Reads catalogues given as (language code, file name for errors, content).
    ///
    /// # Errors
    /// Where a file is not TOML, an entry is no message, a plural form is unknown or missing, or two languages
    /// differ in keys or placeholders.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Result<Words, WordsError> {
        let mut catalogues = BTreeMap::new();
        for (code, file, text) in files {
            catalogues.insert(code.to_owned(), Catalogue::read(code, file, text)?);
        }
        let mut rest = catalogues.values();
        let first = rest.next().ok_or(WordsError::Nothing)?;
        rest.try_for_each(|other| first.agrees_with(other))?;
        Ok(Words { catalogues })
    }

    /// All languages, by code.
    pub fn languages(&self) -> Vec<Language> {
        let named = |(code, catalogue): (&String, &Catalogue)| Language {
            code: code.clone(),
            name: catalogue.name.clone(),
        };
        self.catalogues.iter().map(named).collect()
    }

    /// The first of the `wanted` language tags that there are words for, the best wish first. `de-AT` is content
    /// with `de` (RFC 4647, section 3.4, lookup).
    pub fn pick<'w>(&self, wanted: impl IntoIterator<Item = &'w str>) -> Option<&str> {
        wanted.into_iter().find_map(|tag| self.lookup(&tag.trim().to_ascii_lowercase()))
    }

    fn lookup(&self, tag: &str) -> Option<&str> {
        let shorter = || tag.rsplit_once('-').and_then(|(shorter, _)| self.lookup(shorter));
        self.catalogues.get_key_value(tag).map(|(code, _)| code.as_str()).or_else(shorter)
    }

    /// Every key, the same in all languages.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let first = self.catalogues.values().next();
        first.into_iter().flat_map(|catalogue| catalogue.messages.keys().map(String::as_str))
    }

    /// The message `key` with its placeholders filled; a counted one takes the form that fits `n`.
    ///
    /// # Errors
    /// Where the language, the key, an argument or a needed count is missing.
    pub fn t(&self, lang: &str, key: &str, args: &[(&str, &dyn Display)]) -> Result<String, WordError> {
        let phrase = match self.catalogue(lang)?.messages.get(key) {
            None => return Err(WordError::Key(key.into())),
            Some(Message::Plain(phrase)) => phrase,
            Some(Message::Counted(forms)) => {
                let n =
                    args.iter().find(|(name, _)| *name == "n").and_then(|(_, n)| n.to_string().parse().ok());
                let n = n.ok_or_else(|| WordError::Count(key.into()))?;
                forms.get(plural(lang, n)).ok_or_else(|| WordError::Count(key.into()))?
            }
        };
        phrase.fill(args).map_err(|slot| WordError::Slot { key: key.into(), slot: slot.into() })
    }

    /// The day of `at` in UTC: `2 November 2026`.
    pub fn date(&self, lang: &str, at: Timestamp) -> Result<String, WordError> {
        let day = at.to_zoned(TimeZone::UTC).date();
        let month = self.t(lang, &format!("month.{}", day.month()), &[])?;
        self.t(lang, "date.day", &[("day", &day.day()), ("month", &month), ("year", &day.year())])
    }

    /// The minute of `at` in UTC: `2 November 2026, 14:05 UTC`.
    pub fn moment(&self, lang: &str, at: Timestamp) -> Result<String, WordError> {
        let time = at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string();
        self.t(lang, "date.moment", &[("date", &self.date(lang, at)?), ("time", &time)])
    }

    /// All countries, in the order of the language's own alphabet.
    pub fn countries(&self, lang: &str) -> Result<Vec<Country>, WordError> {
        let named = |code: &String| {
            let name = self.t(lang, &format!("country.{code}"), &[])?;
            Ok(Country { code: code.clone(), name })
        };
        self.catalogue(lang)?.countries.iter().map(named).collect()
    }

    fn catalogue(&self, lang: &str) -> Result<&Catalogue, WordError> {
        self.catalogues.get(lang).ok_or_else(|| WordError::Language(lang.into()))
    }
}

/// The plural forms of a language, as CLDR names them.
fn plural_forms(lang: &str) -> &'static [&'static str] {
    match lang {
        "ru" => &["one", "few", "many"],
        _ => &["one", "other"],
    }
}

/// The form for `n` whole things (CLDR, cardinal rules).
fn plural(lang: &str, n: u64) -> &'static str {
    match (lang, n % 10, n % 100) {
        ("ru", 1, tens) if tens != 11 => "one",
        ("ru", 2..=4, tens) if !(12..=14).contains(&tens) => "few",
        ("ru", ..) => "many",
        _ if n == 1 => "one",
        _ => "other",
    }
}

impl Catalogue {
    fn read(code: &str, file: &str, text: &str) -> Result<Catalogue, WordsError> {
        let mut table: toml::Table =
            text.parse().map_err(|fault| WordsError::Syntax { file: file.into(), fault })?;
        let name = match table.remove("name") {
            Some(toml::Value::String(name)) => name,
            _ => return Err(entry(file, "name", "is missing: the language's name for itself")),
        };
        let mut catalogue =
            Catalogue { file: file.into(), name, messages: BTreeMap::new(), countries: Vec::new() };
        if let Some(countries) = table.remove("countries") {
            catalogue
                .take_countries(countries.get("list").and_then(toml::Value::as_str).unwrap_or_default())?;
        }
        catalogue.take_section(code, "", table)?;
        Ok(catalogue)
    }

    /// Takes the messages of a section and of those within it, each under its dotted key.
    fn take_section(&mut self, lang: &str, prefix: &str, section: toml::Table) -> Result<(), WordsError> {
        for (name, value) in section {
            let key = format!("{prefix}{name}");
            match value {
                toml::Value::String(text) => {
                    let phrase = self.phrase(&key, &text)?;
                    self.messages.insert(key, Message::Plain(phrase));
                }
                toml::Value::Table(forms) if is_counted(&forms) => {
                    let message = self.counted(lang, &key, forms)?;
                    self.messages.insert(key, message);
                }
                toml::Value::Table(inner) => self.take_section(lang, &format!("{key}."), inner)?,
                _ => return Err(entry(&self.file, &key, "is neither a text nor a section")),
            }
        }
        Ok(())
    }

    fn counted(&self, lang: &str, key: &str, mut forms: toml::Table) -> Result<Message, WordsError> {
        let mut phrases = BTreeMap::new();
        for form in plural_forms(lang) {
            let Some(toml::Value::String(text)) = forms.remove(*form) else {
                return Err(entry(&self.file, key, format!("lacks the plural form `{form}`")));
            };
            phrases.insert(*form, self.phrase(key, &text)?);
        }
        if let Some(unknown) = forms.keys().next() {
            return Err(entry(&self.file, key, format!("has an unknown plural form `{unknown}`")));
        }
        let mut slots = phrases.values().map(Phrase::slots_beside_n);
        let first = slots.next();
        if slots.any(|other| Some(other) != first) {
            return Err(entry(&self.file, key, "has plural forms with different placeholders"));
        }
        Ok(Message::Counted(phrases))
    }

    fn take_countries(&mut self, list: &str) -> Result<(), WordsError> {
        for line in list.lines() {
            let Some((code, name)) = line.split_once(' ') else {
                return Err(entry(&self.file, "countries", "holds a line that is not a code and a name"));
            };
            let key = format!("country.{code}");
            let phrase = self.phrase(&key, name)?;
            if self.messages.insert(key.clone(), Message::Plain(phrase)).is_some() {
                return Err(entry(&self.file, &key, "is listed twice"));
            }
            self.countries.push(code.into());
        }
        Ok(())
    }

    fn phrase(&self, key: &str, text: &str) -> Result<Phrase, WordsError> {
        Phrase::parse(text).ok_or_else(|| entry(&self.file, key, "has a stray brace"))
    }

    fn agrees_with(&self, other: &Catalogue) -> Result<(), WordsError> {
        let lacking = |whole: &Catalogue, part: &Catalogue| {
            let key = whole.messages.keys().find(|key| !part.messages.contains_key(*key))?;
            Some(entry(&part.file, key, format!("is missing, but stands in {}", whole.file)))
        };
        if let Some(error) = lacking(self, other).or_else(|| lacking(other, self)) {
            return Err(error);
        }
        for ((key, ours), theirs) in self.messages.iter().zip(other.messages.values()) {
            if ours.is_counted() != theirs.is_counted() {
                let fault = format!("is counted in only one of this file and {}", self.file);
                return Err(entry(&other.file, key, fault));
            }
            if ours.slots() != theirs.slots() {
                return Err(entry(&other.file, key, format!("has other placeholders than in {}", self.file)));
            }
        }
        Ok(())
    }
}

/// A table is a message's plural forms, and no section, when one of its keys is the name of a form.
fn is_counted(table: &toml::Table) -> bool {
    ["zero", "one", "two", "few", "many", "other"].iter().any(|form| table.contains_key(*form))
}

fn entry(file: &str, key: &str, fault: impl Into<String>) -> WordsError {
    WordsError::Entry { file: file.into(), key: key.into(), fault: fault.into() }
}

impl Message {
    fn is_counted(&self) -> bool {
        matches!(self, Message::Counted(_))
    }

    /// The placeholders that every language must have; a form may say "one hour" and so do without its `n`.
    fn slots(&self) -> BTreeSet<&str> {
        match self {
            Message::Plain(phrase) => phrase.slots().collect(),
            Message::Counted(forms) => forms.values().flat_map(Phrase::slots_beside_n).collect(),
        }
    }
}

impl Phrase {
    fn parse(text: &str) -> Option<Phrase> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}')?;
            let named = !slot.is_empty() && slot.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !named || before.contains('}') {
                return None;
            }
            pieces.push(Piece::Text(before.into()));
            pieces.push(Piece::Slot(slot.into()));
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        pieces.push(Piece::Text(rest.into()));
        Some(Phrase(pieces))
    }

    fn slots(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(slot.as_str()),
            Piece::Text(_) => None,
        })
    }

    fn slots_beside_n(&self) -> BTreeSet<&str> {
        self.slots().filter(|slot| *slot != "n").collect()
    }

    /// The text with its slots filled, or the name of the slot that nobody filled.
    fn fill(&self, args: &[(&str, &dyn Display)]) -> Result<String, &str> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => {
                    let (_, value) = args.iter().find(|(name, _)| name == slot).ok_or(slot.as_str())?;
                    write!(out, "{value}").map_err(|_| slot.as_str())?;
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
