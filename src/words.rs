//! The words that people read: one catalogue a language, `templates/words/<code>.toml`.
//!
//! A catalogue begins with the language's own `name`; then follow sections of messages. A message is a text with
//! `{placeholders}`, or a table with one text for each plural form of its language, chosen by the count `n`.
//! `countries.list` holds ISO 3166-1 alpha-2 codes with their names, in the order in which that language sorts
//! them; each line becomes the message `country.<code>`. Every language has the same keys with the same placeholders, or
//! nothing is loaded: so a language is one file, and a gap in it is found at the start, not by a reader.
//! A second file of a language replaces single messages of the first, each by one with the same placeholders.

mod catalogue;

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use self::catalogue::{Catalogue, Message, plural};

/// Keys, and beginnings of keys that end in a dot, which Rust code or a template puts together at run time.
/// All others stand in a template as they are.
pub const COMPOSED: &[&str] =
    &["country.", "date.", "field.", "month.", "my_data.said.", "my_data.state.", "problem.", "refusal."];

/// All catalogues, known to agree with each other.
#[derive(Debug)]
pub struct Words {
    catalogues: BTreeMap<String, Catalogue>,
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

/// Why the catalogues cannot be used, and where: the file as it was named, and a line in it, counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    #[error("{file}:{line}: {fault}")]
    Catalogue { file: String, line: usize, fault: String },
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
    /// Reads catalogues given as (language code, file name for errors, content). A language's first file is whole;
    /// one that comes later replaces messages of it.
    ///
    /// # Errors
    /// Where a file is not TOML, an entry is no message, a plural form is unknown or missing, two languages differ
    /// in keys or placeholders, or a message in placeholders from the one that it replaces.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Result<Words, WordsError> {
        let mut catalogues = BTreeMap::new();
        for (code, file, text) in files {
            let read = Catalogue::read(code, file, text)?;
            let read = match catalogues.remove(code) {
                Some(below) => read.over(below)?,
                None => read.whole()?,
            };
            catalogues.insert(code.to_owned(), read);
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

    /// The codes of all languages, in their order.
    pub fn codes(&self) -> Vec<&str> {
        self.catalogues.keys().map(String::as_str).collect()
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
        first.into_iter().flat_map(|catalogue| catalogue.entries.keys().map(String::as_str))
    }

    /// Where the message `key` stands, in the first language: file and line.
    pub fn place(&self, key: &str) -> Option<(&str, usize)> {
        let entry = self.catalogues.values().find_map(|catalogue| catalogue.entries.get(key))?;
        Some((&entry.file, entry.line))
    }

    /// The message `key` with its placeholders filled; a counted one takes the form that fits `n`.
    ///
    /// # Errors
    /// Where the language, the key, an argument or a needed count is missing.
    pub fn t(&self, lang: &str, key: &str, args: &[(&str, &dyn Display)]) -> Result<String, WordError> {
        let phrase = match self.catalogue(lang)?.entries.get(key).map(|entry| &entry.message) {
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

#[cfg(test)]
mod tests;
