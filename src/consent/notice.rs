//! The notice: the text that a person agrees to. Published in versions that never change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A published version, identified by the SHA-256 of its exact bytes.
#[derive(Clone, Debug)]
pub struct Notice {
    pub version: u32,
    /// Stays when wording is corrected, rises when the purpose changes: then everybody is asked again (med-6).
    pub purpose: u32,
    pub sha256: [u8; 32],
    pub published_at: Timestamp,
    bytes: Vec<u8>,
    texts: BTreeMap<String, NoticeText>,
}

/// The text in one language, in the parts that GDPR Art. 13 asks for; each a sentence or a few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeText {
    /// What the address is used for.
    pub purpose: String,
    /// Who sends the newsletter.
    pub sender: String,
    /// Who else gets the data.
    pub recipients: String,
    /// In which country it is kept.
    pub storage: String,
    /// How long it is kept.
    pub retention: String,
    pub legal_basis: String,
    /// The right to withdraw, and how.
    pub withdrawal: String,
}

/// The parts of a text in their order, with what each tells and the article that asks for it.
pub const PARTS: [(&str, &str); 7] = [
    ("purpose", "what the address is used for (GDPR Art. 13(1)(c))"),
    ("sender", "who sends the newsletter (GDPR Art. 13(1)(a))"),
    ("recipients", "who else receives the data (GDPR Art. 13(1)(e))"),
    ("storage", "in which country it is kept (GDPR Art. 13(1)(f))"),
    ("retention", "how long it is kept (GDPR Art. 13(2)(a))"),
    ("legal_basis", "the legal basis (GDPR Art. 13(1)(c))"),
    ("withdrawal", "the right to withdraw, and how (GDPR Art. 13(2)(c))"),
];

/// The longest part, in characters.
const MAX_PART: usize = 5000;

impl NoticeText {
    /// A text out of its parts; else what is wrong, by part.
    pub fn from_parts(parts: &BTreeMap<String, String>) -> Result<NoticeText, Vec<(String, String)>> {
        let mut faults = Vec::new();
        for (part, told) in PARTS {
            match parts.get(part).map(|text| text.trim()) {
                None | Some("") => faults.push((part.to_owned(), format!("is missing: {told}"))),
                Some(text) if text.chars().count() > MAX_PART => {
                    faults.push((part.to_owned(), format!("is longer than {MAX_PART} characters")));
                }
                Some(text) if text.contains('\0') => faults.push((part.to_owned(), "holds a NUL".to_owned())),
                Some(_) => {}
            }
        }
        for name in parts.keys().filter(|name| !PARTS.iter().any(|(part, _)| part == name)) {
            let known = PARTS.map(|(part, _)| part).join(", ");
            faults.push((name.clone(), format!("is no part of a notice; those are {known}")));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let part = |name: &str| parts[name].trim().to_owned();
        Ok(NoticeText {
            purpose: part("purpose"),
            sender: part("sender"),
            recipients: part("recipients"),
            storage: part("storage"),
            retention: part("retention"),
            legal_basis: part("legal_basis"),
            withdrawal: part("withdrawal"),
        })
    }

    /// The whole text as it is shown: its parts as paragraphs.
    pub fn text(&self) -> String {
        self.parts().join("\n\n")
    }

    /// Its parts, in the order of [`PARTS`].
    pub fn parts(&self) -> [&str; PARTS.len()] {
        [
            &self.purpose,
            &self.sender,
            &self.recipients,
            &self.storage,
            &self.retention,
            &self.legal_basis,
            &self.withdrawal,
        ]
        .map(|part| part.trim())
    }
}

/// What is hashed: keys in a fixed order, languages sorted.
#[derive(Serialize, Deserialize)]
struct NoticeBytes {
    version: u32,
    purpose: u32,
    texts: BTreeMap<String, NoticeText>,
}

impl Notice {
    /// The bytes of a new version, which are stored and hashed as they are.
    pub fn encode(version: u32, purpose: u32, texts: BTreeMap<String, NoticeText>) -> Vec<u8> {
        serde_json::to_vec(&NoticeBytes { version, purpose, texts })
            .expect("texts and numbers always serialize")
    }

    /// Reads a version back from its stored bytes; `None` when they are not ours.
    pub fn decode(bytes: &[u8], published_at: Timestamp) -> Option<Notice> {
        let NoticeBytes { version, purpose, texts } = serde_json::from_slice(bytes).ok()?;
        (!texts.is_empty()).then_some(())?;
        let sha256 = Sha256::digest(bytes).into();
        Some(Notice { version, purpose, sha256, published_at, bytes: bytes.to_vec(), texts })
    }

    /// The exact bytes that its hash is of.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The languages that it has a text in.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// Every text, by language.
    pub fn texts(&self) -> &BTreeMap<String, NoticeText> {
        &self.texts
    }

    /// The text in `lang`, else in its first language; with the language it is in.
    pub fn text_in(&self, lang: &str) -> (&str, String) {
        self.parts_in(lang).map_or(("", String::new()), |(lang, text)| (lang.as_str(), text.text()))
    }

    /// What the address is used for, by the same text.
    pub fn purpose_in(&self, lang: &str) -> (&str, &str) {
        self.parts_in(lang).map_or(("", ""), |(lang, text)| (lang.as_str(), text.purpose.trim()))
    }

    fn parts_in(&self, lang: &str) -> Option<(&String, &NoticeText)> {
        self.texts.get_key_value(lang).or_else(|| self.texts.first_key_value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_its_bytes_and_changes_its_hash_with_any_of_them() {
        let part = |word: &str| NoticeText {
            purpose: word.into(),
            sender: "s".into(),
            recipients: "r".into(),
            storage: "c".into(),
            retention: "t".into(),
            legal_basis: "l".into(),
            withdrawal: "w".into(),
        };
        let texts =
            |word: &str| BTreeMap::from([("de".to_owned(), part("p")), ("en".to_owned(), part(word))]);
        let read = |bytes: &[u8]| Notice::decode(bytes, Timestamp::UNIX_EPOCH).unwrap();
        let notice = read(&Notice::encode(1, 1, texts("news")));
        assert_eq!(notice.text_in("en").1, "news\n\ns\n\nr\n\nc\n\nt\n\nl\n\nw");
        assert_eq!(notice.text_in("fr").0, "de");
        assert_eq!((notice.purpose_in("en"), notice.purpose_in("fr")), (("en", "news"), ("de", "p")));
        assert_ne!(notice.sha256, read(&Notice::encode(2, 1, texts("news"))).sha256);
        assert_ne!(notice.sha256, read(&Notice::encode(1, 1, texts("more news"))).sha256);
        assert!(Notice::decode(b"{}", Timestamp::UNIX_EPOCH).is_none());
    }
}
