//! One language's messages, each with the place where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::WordsError;
use crate::toml_fault::line_and_fault;

#[derive(Debug)]
pub struct Catalogue {
    /// The file that was read last: where an operator would add what is missing.
    file: Arc<str>,
    pub name: String,
    pub entries: BTreeMap<String, Entry>,
    pub countries: Vec<String>,
}

/// A message and its place.
#[derive(Debug)]
pub struct Entry {
    pub message: Message,
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
}

#[derive(Debug)]
pub enum Message {
    Plain(Phrase),
    Counted(BTreeMap<&'static str, Phrase>),
}

#[derive(Debug)]
pub struct Phrase(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Slot(String),
}

/// The plural forms of a language, as CLDR names them.
fn plural_forms(lang: &str) -> &'static [&'static str] {
    match lang {
        "ru" => &["one", "few", "many"],
        _ => &["one", "other"],
    }
}

/// The form for `n` whole things (CLDR, cardinal rules).
pub fn plural(lang: &str, n: u64) -> &'static str {
    match (lang, n % 10, n % 100) {
        ("ru", 1, tens) if tens != 11 => "one",
        ("ru", 2..=4, tens) if !(12..=14).contains(&tens) => "few",
        ("ru", ..) => "many",
        _ if n == 1 => "one",
        _ => "other",
    }
}

impl Catalogue {
    /// What one file says. Its `name` is empty where the file has none.
    pub fn read(lang: &str, file: &str, text: &str) -> Result<Catalogue, WordsError> {
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        let mut reader = Reader { lang, file: file.into(), text, ends, found: BTreeMap::new() };
        let table = DeTable::parse(text).map_err(|error| {
            let (line, fault) = line_and_fault(text, &error);
            reader.fault(line, fault)
        })?;
        let (mut name, mut countries) = (String::new(), Vec::new());
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", DeValue::String(text)) => name = text.to_string(),
                ("countries", DeValue::Table(section)) => countries = reader.take_countries(section)?,
                _ => reader.take("", key, value)?,
            }
        }
        Ok(Catalogue { file: reader.file, name, entries: reader.found, countries })
    }

    /// This one as a language's only file.
    pub fn whole(self) -> Result<Catalogue, WordsError> {
        match self.name.is_empty() {
            true => Err(fault(&self.file, 1, "`name` is missing: the language's name for itself")),
            false => Ok(self),
        }
    }

    /// This one laid over another of the same language. A list of countries replaces the whole list.
    pub fn over(self, mut below: Catalogue) -> Result<Catalogue, WordsError> {
        for (key, entry) in &self.entries {
            below.entries.get(key).map_or(Ok(()), |replaced| entry.is_shaped_as(key, replaced))?;
        }
        if !self.countries.is_empty() {
            below.entries.retain(|key, _| !key.starts_with("country."));
            below.countries = self.countries;
        }
        below.entries.extend(self.entries);
        let name = if self.name.is_empty() { below.name } else { self.name };
        Ok(Catalogue { file: self.file, name, ..below })
    }

    pub fn agrees_with(&self, other: &Catalogue) -> Result<(), WordsError> {
        let lacking = |whole: &Catalogue, part: &Catalogue| {
            let (key, entry) = whole.entries.iter().find(|(key, _)| !part.entries.contains_key(*key))?;
            Some(entry.fault(format!("`{key}` stands here, but is missing in {}", part.file)))
        };
        if let Some(error) = lacking(self, other).or_else(|| lacking(other, self)) {
            return Err(error);
        }
        let mut pairs = self.entries.iter().zip(other.entries.values());
        pairs.try_for_each(|((key, ours), theirs)| theirs.is_shaped_as(key, ours))
    }
}

impl Entry {
    /// Whether this may be said wherever the other may.
    fn is_shaped_as(&self, key: &str, other: &Entry) -> Result<(), WordsError> {
        let place = format!("{}:{}", other.file, other.line);
        match (&self.message, &other.message) {
            (Message::Plain(_), Message::Counted(_)) => {
                Err(self.fault(format!("`{key}` lacks the plural forms that it has in {place}")))
            }
            (Message::Counted(_), Message::Plain(_)) => {
                Err(self.fault(format!("`{key}` has plural forms, but none in {place}")))
            }
            (ours, theirs) if ours.slots() != theirs.slots() => {
                Err(self.fault(format!("`{key}` has other placeholders than in {place}")))
            }
            _ => Ok(()),
        }
    }

    fn fault(&self, fault: String) -> WordsError {
        self::fault(&self.file, self.line, fault)
    }
}

fn fault(file: &str, line: usize, fault: impl Into<String>) -> WordsError {
    WordsError::Catalogue { file: file.into(), line, fault: fault.into() }
}

/// Reads one file.
struct Reader<'a> {
    lang: &'a str,
    file: Arc<str>,
    text: &'a str,
    /// Where its lines end, in bytes.
    ends: Vec<usize>,
    found: BTreeMap<String, Entry>,
}

impl Reader<'_> {
    /// Takes a message, or those of a section and of the sections within it, each under its dotted key.
    fn take<K: AsRef<str>>(
        &mut self,
        prefix: &str,
        name: &Spanned<K>,
        value: &Spanned<DeValue>,
    ) -> Result<(), WordsError> {
        let key = format!("{prefix}{}", name.get_ref().as_ref());
        let line = self.line(name.span().start);
        match value.get_ref() {
            DeValue::String(text) => {
                let phrase = self.phrase(&key, text, line)?;
                self.keep(key, Message::Plain(phrase), line);
            }
            DeValue::Table(forms) if is_counted(forms) => {
                let message = self.counted(&key, forms, line)?;
                self.keep(key, message, line);
            }
            DeValue::Table(section) => {
                let prefix = format!("{key}.");
                section.iter().try_for_each(|(name, value)| self.take(&prefix, name, value))?;
            }
            _ => return Err(self.fault(line, format!("`{key}` is neither a text nor a section"))),
        }
        Ok(())
    }

    fn counted(&self, key: &str, given: &DeTable, line: usize) -> Result<Message, WordsError> {
        let forms = plural_forms(self.lang);
        let mut phrases = BTreeMap::new();
        for form in forms {
            let Some(text) = given.get(*form).and_then(|text| text.get_ref().as_str()) else {
                return Err(self.fault(line, format!("`{key}` lacks the plural form `{form}`")));
            };
            phrases.insert(*form, self.phrase(key, text, line)?);
        }
        if let Some(unknown) = given.keys().find(|form| !forms.contains(&form.get_ref().as_ref())) {
            let fault = format!("`{key}` has an unknown plural form `{}`", unknown.get_ref());
            return Err(self.fault(self.line(unknown.span().start), fault));
        }
        let mut slots = phrases.values().map(Phrase::slots_beside_n);
        let first = slots.next();
        if slots.any(|other| Some(other) != first) {
            return Err(self.fault(line, format!("`{key}` has plural forms with different placeholders")));
        }
        Ok(Message::Counted(phrases))
    }

    /// The codes of `countries.list`, in its order.
    fn take_countries(&mut self, section: &DeTable) -> Result<Vec<String>, WordsError> {
        let Some(value) = section.get("list") else { return Ok(Vec::new()) };
        let first = self.line(value.span().start);
        let raw = self.text.get(value.span()).unwrap_or_default().lines();
        let lines: BTreeMap<_, _> = raw.enumerate().map(|(n, raw)| (raw.trim_end(), first + n)).collect();
        let mut codes = Vec::new();
        for listed in value.get_ref().as_str().unwrap_or_default().lines() {
            let line = lines.get(listed).copied().unwrap_or(first);
            let Some((code, name)) = listed.split_once(' ') else {
                let fault = "`countries` holds a line that is not a code and a name";
                return Err(self.fault(line, fault));
            };
            let key = format!("country.{code}");
            let phrase = self.phrase(&key, name, line)?;
            if codes.iter().any(|known| known == code) {
                return Err(self.fault(line, format!("`{key}` is listed twice")));
            }
            self.keep(key, Message::Plain(phrase), line);
            codes.push(code.to_owned());
        }
        Ok(codes)
    }

    fn keep(&mut self, key: String, message: Message, line: usize) {
        self.found.insert(key, Entry { message, file: Arc::clone(&self.file), line });
    }

    fn phrase(&self, key: &str, text: &str, line: usize) -> Result<Phrase, WordsError> {
        Phrase::parse(text).ok_or_else(|| self.fault(line, format!("`{key}` has a stray brace")))
    }

    fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }

    fn fault(&self, line: usize, fault: impl Into<String>) -> WordsError {
        self::fault(&self.file, line, fault)
    }
}

/// A table is a message's plural forms, and no section, when one of its keys is the name of a form.
fn is_counted(table: &DeTable) -> bool {
    ["zero", "one", "two", "few", "many", "other"].iter().any(|form| table.contains_key(*form))
}

impl Message {
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
    pub fn fill(&self, args: &[(&str, &dyn Display)]) -> Result<String, &str> {
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
