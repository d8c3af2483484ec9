//! A list: one newsletter, its options, and what it is called.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::field::Field;

/// One newsletter. Its number never changes; it stands in every token and trail entry.
#[derive(Clone, Debug)]
pub struct List {
    pub number: u32,
    /// `[a-z0-9-]`, at most 63 bytes: its name in URLs and on the command line.
    pub slug: String,
    pub options: ListOptions,
}

/// What its owner sets (design, chapter 7). Kept as JSON in the list's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOptions {
    /// What people call the newsletter, by language.
    pub title: BTreeMap<String, String>,
    /// The language for those whose own is not offered.
    pub lang: String,
    /// How long an unconfirmed signup is kept, in hours.
    #[serde(default = "default_ttl")]
    pub pending_ttl_hours: u32,
    #[serde(default)]
    pub fields: Vec<Field>,
    #[serde(default)]
    pub sender: Sender,
}

/// Who letters come from and where cancellations by mail go. What is absent is the controller's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sender {
    pub name: Option<String>,
    pub address: Option<String>,
    /// The dedicated mailbox for cancellations by mail, `local@domain`.
    pub mailbox: Option<String>,
}

fn default_ttl() -> u32 {
    72
}

impl List {
    /// The newsletter's title in `lang`, else in the list's own language, else its slug.
    pub fn title(&self, lang: &str) -> &str {
        let titles = &self.options.title;
        titles.get(lang).or_else(|| titles.get(&self.options.lang)).unwrap_or(&self.slug)
    }

    pub fn pending_ttl(&self) -> SignedDuration {
        SignedDuration::from_hours(self.options.pending_ttl_hours.into())
    }
}

/// Whether a text can be a list's slug.
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
