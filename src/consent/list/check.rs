//! What is wrong with a list's options, all of it at once.

use std::collections::BTreeSet;
use std::fmt;

use url::Url;

use super::{ByLang, ListOptions, Sender};
use crate::consent::address::Address;
use crate::consent::field::{FieldKind, WELL_KNOWN};
use crate::site::{has_plain_host, is_safe, site};

/// One thing to mend in a list's file: where, and what is wanted there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, as `list.fields.name.max`.
    pub at: String,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

impl Fault {
    pub fn new(at: impl Into<String>, what: impl Into<String>) -> Fault {
        Fault { at: at.into(), what: what.into() }
    }
}

/// A form has room for 64 values; the address, the consent and their like need some.
const MAX_FIELDS: usize = 40;
/// The longest value that a field may allow, in characters.
const MAX_VALUE: usize = 1000;
/// All values together, in characters: a form of 16 KiB holds so many of the longest, at 12 bytes each.
const MAX_VALUES: usize = 1200;
/// The longest URL, in bytes: what every browser and proxy takes.
const MAX_URL: usize = 2000;
/// The longest title, name or prefix, in characters.
const MAX_LINE: usize = 100;

impl ListOptions {
    /// What keeps a list from being set up so, where its notice has these languages.
    pub fn faults(&self, languages: &BTreeSet<&str>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut in_range = |name: &str, value: u32, from: u32, to: u32| {
            if !(from..=to).contains(&value) {
                faults.push(Fault::new(
                    format!("list.{name}"),
                    format!("must be a whole number from {from} to {to}"),
                ));
            }
        };
        in_range("pending_ttl_hours", self.pending_ttl_hours, 1, 30 * 24);
        in_range("checkpoint_minutes", self.checkpoint_minutes, 1, 24 * 60);
        in_range("feed_days", self.feed_days, 1, 60);
        if !languages.contains(self.lang.as_str()) {
            faults
                .push(Fault::new("list.lang", "must be one of the languages that the notice is written in"));
        }
        faults.extend(lines("list.title", &self.title, languages));
        self.check_sites(languages, &mut faults);
        self.check_fields(languages, &mut faults);
        self.sender.check(languages, &mut faults);
        faults
    }

    fn check_sites(&self, languages: &BTreeSet<&str>, faults: &mut Vec<Fault>) {
        for origin in &self.origins {
            let url = Url::parse(origin).ok().filter(|url| is_safe(url) && has_plain_host(url));
            let fault = match (&url, site(origin)) {
                (Some(_), Some(site)) if site == *origin => continue,
                (Some(_), Some(site)) => format!("write \"{origin}\" as \"{site}\""),
                _ => format!("\"{origin}\" is not a site such as \"https://www.example.org\""),
            };
            faults.push(Fault::new("list.origins", fault));
        }
        for (at, pages) in
            [("list.after_signup", &self.after_signup), ("list.after_confirm", &self.after_confirm)]
        {
            if pages.is_empty() {
                continue;
            }
            faults.extend(in_all_languages(at, pages, languages));
            for (lang, page) in pages {
                let whole = Url::parse(page).ok().filter(|url| {
                    is_safe(url)
                        && url.username().is_empty()
                        && url.password().is_none()
                        && page.len() <= MAX_URL
                });
                let known = site(page).is_some_and(|site| self.origins.contains(&site));
                if whole.is_none() || !known {
                    let what = "must be an https address on one of the list's origins";
                    faults.push(Fault::new(format!("{at}.{lang}"), what));
                }
            }
        }
    }

    fn check_fields(&self, languages: &BTreeSet<&str>, faults: &mut Vec<Fault>) {
        if self.fields.len() > MAX_FIELDS {
            faults.push(Fault::new("list.fields", format!("there is room for {MAX_FIELDS} fields")));
        }
        if self.fields.iter().map(|field| field.max).sum::<usize>() > MAX_VALUES {
            faults.push(Fault::new(
                "list.fields",
                format!("there is room for {MAX_VALUES} characters in all values together: lower some `max`"),
            ));
        }
        let mut names = BTreeSet::new();
        for field in &self.fields {
            let at = format!("list.fields.{}", field.name);
            if !field.has_good_name() {
                let what = "a field's name begins with a lower-case letter, has letters, digits and `_`, 31 at most, \
                            and is none that the form needs for itself";
                faults.push(Fault::new(&at, what));
            }
            if !names.insert(&field.name) {
                faults.push(Fault::new(&at, "stands there twice"));
            }
            if !(1..=MAX_VALUE).contains(&field.max) {
                faults.push(Fault::new(
                    format!("{at}.max"),
                    format!("must be a whole number from 1 to {MAX_VALUE}"),
                ));
            }
            if field.name == "country" && field.kind != FieldKind::Country {
                faults.push(Fault::new(format!("{at}.kind"), "a country needs kind = \"country\""));
            }
            if !field.label.is_empty() || !WELL_KNOWN.contains(&field.name.as_str()) {
                faults.extend(lines(&format!("{at}.label"), &field.label, languages));
            }
        }
    }
}

impl Sender {
    fn check(&self, languages: &BTreeSet<&str>, faults: &mut Vec<Fault>) {
        let read = |text: &str| Address::parse(text).ok().filter(|address| address.as_typed() == text);
        let address = |text: &Option<String>| text.as_deref().map(read);
        if let Some(name) = &self.name {
            faults.extend(line("list.sender.name", name));
        }
        if let Some(None) = address(&self.address) {
            faults.push(Fault::new(
                "list.sender.address",
                "is not an e-mail address that letters can come from",
            ));
        }
        match address(&self.mailbox) {
            Some(None) => faults.push(Fault::new("list.sender.mailbox", "is not an e-mail address")),
            Some(Some(mailbox))
                if address(&self.address).flatten().is_some_and(|from| is_same(&from, &mailbox)) =>
            {
                let what = "must be a mailbox of its own, and not the address that letters come from";
                faults.push(Fault::new("list.sender.mailbox", what));
            }
            _ => {}
        }
        if !self.subject_prefix.is_empty() {
            faults.extend(lines("list.sender.subject_prefix", &self.subject_prefix, languages));
        }
    }
}

/// Whether two spellings are of one mailbox.
fn is_same(one: &Address, other: &Address) -> bool {
    one.dedupe_form() == other.dedupe_form()
}

/// A line for each language, and no other.
fn lines(at: &str, texts: &ByLang, languages: &BTreeSet<&str>) -> Vec<Fault> {
    let mut faults = in_all_languages(at, texts, languages);
    faults.extend(texts.iter().flat_map(|(lang, text)| line(&format!("{at}.{lang}"), text)));
    faults
}

fn in_all_languages(at: &str, texts: &ByLang, languages: &BTreeSet<&str>) -> Vec<Fault> {
    let given: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
    let missing = languages.difference(&given).map(|lang| Fault::new(format!("{at}.{lang}"), "is missing"));
    let surplus = given.difference(languages);
    let surplus =
        surplus.map(|lang| Fault::new(format!("{at}.{lang}"), "the notice has no text in this language"));
    missing.chain(surplus).collect()
}

fn line(at: &str, text: &str) -> Option<Fault> {
    let good =
        !text.trim().is_empty() && text.chars().count() <= MAX_LINE && !text.chars().any(char::is_control);
    (!good).then(|| Fault::new(at, format!("must be one line of 1 to {MAX_LINE} characters")))
}
