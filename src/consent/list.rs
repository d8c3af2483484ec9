//! A list: one newsletter, its options, and what it is called.

mod check;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::field::Field;
pub use check::Fault;

/// A text for each language code.
pub type ByLang = BTreeMap<String, String>;

/// One newsletter. Its number never changes; it stands in every token and trail entry.
#[derive(Clone, Debug)]
pub struct List {
    pub number: u32,
    /// `[a-z0-9-]`, at most 63 bytes: its name in URLs and on the command line.
    pub slug: String,
    pub options: ListOptions,
    /// A closed list takes nobody any more; its notices stay readable.
    pub is_closed: bool,
}

/// What its owner sets. Kept as JSON in the list's row. `examples/news.toml` explains each to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOptions {
    /// The language for those whose own is not offered.
    pub lang: String,
    /// How long an unconfirmed signup is kept, in hours.
    #[serde(default = "default_ttl")]
    pub pending_ttl_hours: u32,
    /// Whether whoever has confirmed gets a letter with their receipt.
    #[serde(default = "default_welcome")]
    pub welcome: bool,
    #[serde(default)]
    pub store_ip: StoreIp,
    /// Whether everybody may read the trail's entries; otherwise auditors alone.
    #[serde(default)]
    pub public_entries: bool,
    /// How often the public sees a new checkpoint of the trail, in minutes, so that nobody learns an act's second by
    /// watching.
    #[serde(default = "default_checkpoint")]
    pub checkpoint_minutes: u32,
    /// How long a removal's opaque reference is kept for senders, in days.
    #[serde(default = "default_feed_days")]
    pub feed_days: u32,
    /// The sites whose forms may sign people up, beside our own page: `https://www.example.org`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// What people call the newsletter, by language.
    pub title: ByLang,
    /// Where a browser is sent after a signup, by language; our own page where there is none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub after_signup: ByLang,
    /// Where a browser is sent after a confirmation, by language; our own page where there is none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub after_confirm: ByLang,
    #[serde(default)]
    pub sender: Sender,
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// Whether a signup's network address is kept, as a part of its record and under seal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreIp {
    #[default]
    Off,
    /// Only the network: the last 8 bits of an IPv4 address and the last 80 of an IPv6 address are zeros (cp-6).
    Truncated,
}

/// Who letters come from and where cancellations by mail go. What is absent is the controller's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sender {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The dedicated mailbox for cancellations by mail, `local@domain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// What the subjects of letters begin with, by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subject_prefix: ByLang,
}

fn default_ttl() -> u32 {
    72
}

fn default_welcome() -> bool {
    true
}

fn default_checkpoint() -> u32 {
    60
}

fn default_feed_days() -> u32 {
    30
}

impl ListOptions {
    /// Every default, for a list in one language.
    pub fn titled(lang: &str, title: &str) -> ListOptions {
        ListOptions {
            lang: lang.to_owned(),
            pending_ttl_hours: default_ttl(),
            welcome: default_welcome(),
            store_ip: StoreIp::default(),
            public_entries: false,
            checkpoint_minutes: default_checkpoint(),
            feed_days: default_feed_days(),
            origins: Vec::new(),
            title: ByLang::from([(lang.to_owned(), title.to_owned())]),
            after_signup: ByLang::new(),
            after_confirm: ByLang::new(),
            sender: Sender::default(),
            fields: Vec::new(),
        }
    }
}

impl ListOptions {
    /// Whether an export has the same columns, and says the same in them, under these as under `other`.
    pub fn shows_as(&self, other: &ListOptions) -> bool {
        let exported = |options: &ListOptions| {
            let fields = options.fields.iter().filter(|field| field.exported);
            fields.map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        exported(self) == exported(other) && self.sender.mailbox == other.sender.mailbox
    }
}

impl List {
    /// The newsletter's title in `lang`, else in the list's own language, else its slug.
    pub fn title(&self, lang: &str) -> &str {
        self.text_in(lang, &self.options.title).unwrap_or(&self.slug)
    }

    /// One of the list's texts in `lang`, else in the list's own language.
    pub fn text_in<'a>(&self, lang: &str, texts: &'a ByLang) -> Option<&'a str> {
        texts.get(lang).or_else(|| texts.get(&self.options.lang)).map(String::as_str)
    }

    /// The mailbox for cancellations, as mail systems take it: its domain in A-labels.
    pub fn mailbox(&self) -> Option<String> {
        let mailbox = Address::parse(self.options.sender.mailbox.as_deref()?);
        Some(mailbox.ok()?.for_mail())
    }

    /// Whether forms on this site may sign people up.
    pub fn knows_site(&self, site: &str) -> bool {
        self.options.origins.iter().any(|known| known == site)
    }

    pub fn pending_ttl(&self) -> SignedDuration {
        SignedDuration::from_hours(self.options.pending_ttl_hours.into())
    }
}

/// The name of a list's log and of its key: host and port that people reach the service at when the list is made, and
/// the list's number.
pub fn origin(host: &str, list: u32) -> String {
    format!("{host}/trails/{list}")
}

/// The number of the list whose log bears this name.
pub fn list_of_origin(origin: &str) -> Option<u32> {
    let (_, number) = origin.rsplit_once("/trails/")?;
    number.parse().ok().filter(|list: &u32| list.to_string() == number)
}

/// Whether a text can be a list's slug.
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
