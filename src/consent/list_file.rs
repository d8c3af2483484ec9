//! A list as its owner describes it: one TOML file with the options and the notice, in every language.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::list::{Fault, List, ListOptions, is_slug};
use super::notice::{Notice, NoticeText};
use crate::toml_fault::line_and_fault;

/// What the file says, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListFile {
    pub slug: String,
    #[serde(rename = "list")]
    pub options: ListOptions,
    /// The notice's text, by language.
    #[serde(rename = "notice")]
    pub texts: BTreeMap<String, NoticeText>,
}

/// The same unchecked. Any part of a notice may be missing, so that all that is missing is told at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    slug: String,
    list: ListOptions,
    notice: BTreeMap<String, BTreeMap<String, String>>,
}

/// A value that differs between two descriptions of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key, as `list.sender.name`.
    pub at: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

impl ListFile {
    /// Reads a file. `spoken` are the languages that there are words in.
    ///
    /// # Errors
    /// All that is to be mended: the first fault of TOML with its line, else every fault of what it says.
    pub fn parse(text: &str, spoken: &[&str]) -> Result<ListFile, Vec<Fault>> {
        let draft: Draft = toml::from_str(text).map_err(|error| vec![fault_of_toml(text, &error)])?;
        let mut faults = Vec::new();
        if !is_slug(&draft.slug) {
            faults.push(Fault::new("slug", "is made of lower-case letters, digits and hyphens, 63 at most"));
        }
        if draft.notice.is_empty() {
            faults.push(Fault::new("notice", "needs a text in one language at least, as [notice.en]"));
        }
        let languages: BTreeSet<&str> = draft.notice.keys().map(String::as_str).collect();
        for lang in languages.iter().filter(|lang| !spoken.contains(lang)) {
            let what = format!("there are no words for this language: Optin speaks {}", spoken.join(", "));
            faults.push(Fault::new(format!("notice.{lang}"), what));
        }
        faults.extend(draft.list.faults(&languages));
        let mut texts = BTreeMap::new();
        for (lang, parts) in &draft.notice {
            match NoticeText::from_parts(parts) {
                Ok(text) => _ = texts.insert(lang.clone(), text),
                Err(of_text) => {
                    faults.extend(
                        of_text
                            .into_iter()
                            .map(|(part, what)| Fault::new(format!("notice.{lang}.{part}"), what)),
                    );
                }
            }
        }
        if faults.is_empty() {
            Ok(ListFile { slug: draft.slug, options: draft.list, texts })
        } else {
            Err(faults)
        }
    }

    /// The file that would make a list as it is.
    pub fn of(list: &List, notice: &Notice) -> ListFile {
        ListFile { slug: list.slug.clone(), options: list.options.clone(), texts: notice.texts().clone() }
    }

    /// What else is wrong with it where the controller's mailbox is `mail`.
    pub fn fault_beside(&self, mail: &str) -> Option<Fault> {
        let folded = |text: &str| Address::parse(text).ok().map(|address| address.dedupe_form());
        let mailbox = self.options.sender.mailbox.as_deref()?;
        let what = "must be a mailbox of its own, and not the controller's `mail`, which letters come from";
        (folded(mailbox) == folded(mail)).then(|| Fault::new("list.sender.mailbox", what))
    }

    /// The file that says the same; [`ListFile::parse`] reads it back.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("tables of texts and numbers always serialize")
    }

    /// What differs from `old`, in the order of the keys.
    pub fn differences(&self, old: &ListFile) -> Vec<Difference> {
        let (old, mut new) = (old.values(), self.values());
        let mut all: Vec<Difference> = old
            .into_iter()
            .map(|(at, old)| Difference { new: new.remove(&at), at, old: Some(old) })
            .filter(|difference| difference.old != difference.new)
            .collect();
        all.extend(new.into_iter().map(|(at, new)| Difference { at, old: None, new: Some(new) }));
        all.sort_by(|one, other| one.at.cmp(&other.at));
        all
    }

    fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        let whole = serde_json::to_value(self).expect("tables of texts and numbers always serialize");
        collect("", whole, &mut values);
        values
    }
}

/// Every single value with its key. A table in an array goes by its name, so that a field that moved is still itself.
fn collect(at: &str, value: Value, values: &mut BTreeMap<String, String>) {
    let key = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match value {
        Value::Object(members) => {
            members.into_iter().for_each(|(name, value)| collect(&key(&name), value, values))
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                let name = item["name"].as_str().map(key);
                collect(name.as_deref().unwrap_or(at), item, values);
            }
        }
        Value::Array(items) => {
            _ = values.insert(at.to_owned(), items.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        value => _ = values.insert(at.to_owned(), plain(&value)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn fault_of_toml(text: &str, error: &toml::de::Error) -> Fault {
    let (line, fault) = line_and_fault(text, error);
    Fault::new(format!("line {line}"), fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::notice::PARTS;

    const EXAMPLE: &str = include_str!("../../examples/news.toml");

    /// The languages that the example is written in.
    fn spoken() -> Vec<&'static str> {
        let code = |line: &'static str| line.strip_prefix("[notice.")?.strip_suffix(']');
        EXAMPLE.lines().filter_map(code).collect()
    }

    fn parse(text: &str) -> Result<ListFile, Vec<Fault>> {
        ListFile::parse(text, &spoken())
    }

    fn faults(text: &str) -> Vec<String> {
        parse(text).unwrap_err().iter().map(Fault::to_string).collect()
    }

    #[test]
    fn the_example_is_sound_and_what_is_written_is_read_back() {
        let file = parse(EXAMPLE).unwrap();
        assert_eq!(parse(&file.to_toml()).unwrap(), file);
        assert!(file.options.welcome, "unless it says otherwise");
    }

    #[test]
    fn a_fault_of_toml_is_told_with_its_line() {
        let broken = EXAMPLE.replacen("[list]", "[list]\nlanguage = 'en'", 1);
        let line = EXAMPLE.lines().position(|line| line == "[list]").unwrap() + 2;
        let told = faults(&broken);
        assert!(told[0].starts_with(&format!("line {line}: ")) && told[0].contains("language"), "{told:?}");
    }

    #[test]
    fn a_notice_that_lacks_what_people_must_be_told_is_refused_with_all_that_is_missing() {
        let without = |part: &str| {
            let line = |line: &&str| !line.starts_with(&format!("{part} = "));
            EXAMPLE.lines().filter(line).collect::<Vec<_>>().join("\n")
        };
        for (part, _) in PARTS {
            let told = faults(&without(part));
            assert_eq!(told.len(), spoken().len(), "in every language: {told:?}");
            assert!(told.iter().all(|fault| fault.contains(part)), "{told:?}");
        }
        let blank = EXAMPLE.replace("recipients = \"Nobody", "recipients = \"  \" # \"Nobody");
        assert!(faults(&blank)[0].starts_with("notice.en.recipients: "));
        let surplus = EXAMPLE.replace("[notice.de]", "[notice.de]\nsecrets = 'x'");
        assert!(faults(&surplus)[0].starts_with("notice.de.secrets: "));
    }

    #[test]
    fn every_fault_is_told_with_its_key() {
        let change = |from: &str, to: &str| {
            assert!(EXAMPLE.contains(from), "{from}");
            faults(&EXAMPLE.replacen(from, to, 1))
        };
        for (from, to, at) in [
            ("slug = \"news\"", "slug = \"The News\"", "slug"),
            ("lang = \"en\"", "lang = \"fr\"", "list.lang"),
            ("pending_ttl_hours = 72", "pending_ttl_hours = 0", "list.pending_ttl_hours"),
            ("pending_ttl_hours = 72", "pending_ttl_hours = 721", "list.pending_ttl_hours"),
            ("[list.title]\n", "[list.title]\nfr = 'Nouvelles'\n", "list.title.fr"),
            ("de = \"Neues aus Musterstadt\"", "", "list.title.de"),
            ("de = \"Neues aus Musterstadt\"", "de = ' '", "list.title.de"),
            ("name = \"name\"", "name = \"email\"", "list.fields.email"),
            ("name = \"name\"", "name = \"country\"\nkind = \"country\"", "list.fields.country"),
            ("kind = \"country\"", "", "list.fields.country.kind"),
            ("name = \"name\"", "name = \"shoe_size\"", "list.fields.shoe_size.label.de"),
            ("max = 100 ", "max = 1200 ", "list.fields"),
            ("name = \"name\"", "name = \"submit\"", "list.fields.submit"),
            (
                "[list.title]",
                "[list.sender]\nmailbox = \" leave@a.example\"\n[list.title]",
                "list.sender.mailbox",
            ),
            (
                "[list.title]",
                "[list.sender]\naddress = \"A@b.example\"\nmailbox = \"a@B.example\"\n[list.title]",
                "list.sender.mailbox",
            ),
            ("max = 100 ", "max = 0 ", "list.fields.name.max"),
            ("[list.title]", "[list.sender]\nname = \"a\\nb\"\n[list.title]", "list.sender.name"),
            ("[list.title]", "[list.sender]\naddress = \"news\"\n[list.title]", "list.sender.address"),
            ("[list.title]", "[list.sender]\nmailbox = \"@\"\n[list.title]", "list.sender.mailbox"),
            (
                "[list.title]",
                "[list.sender]\naddress = \"a@b.example\"\nmailbox = \"a@b.example\"\n[list.title]",
                "list.sender.mailbox",
            ),
            (
                "[list.title]",
                "[list.sender.subject_prefix]\nen = \"[News]\"\n[list.title]",
                "list.sender.subject_prefix.de",
            ),
        ] {
            let told = change(from, to);
            assert!(told[0].starts_with(&format!("{at}: ")), "{at}: {told:?}");
        }
        assert!(ListFile::parse(EXAMPLE, &["en"]).unwrap_err()[0].at == "notice.de");
    }

    #[test]
    fn sites_are_https_and_pages_stand_on_them() {
        let with = |lines: &str| {
            let text =
                EXAMPLE.lines().filter(|line| !line.starts_with("origins") && !line.starts_with("after_"));
            let text = text.collect::<Vec<_>>().join("\n");
            parse(&text.replacen("[list]", &format!("[list]\n{lines}"), 1))
        };
        let at = |lines: &str| with(lines).unwrap_err()[0].to_string();
        assert!(with("origins = ['https://a.example', 'http://localhost:8000']").is_ok());
        assert!(at("origins = ['http://a.example']").starts_with("list.origins: "));
        assert!(at("origins = ['https://*.a.example']").starts_with("list.origins: "));
        assert!(at("origins = ['https://a;sandbox']").starts_with("list.origins: "));
        assert!(at("origins = ['https://A.example/']").contains("\"https://a.example\""));
        let page = |lang: &str| format!("after_signup.{lang} = 'https://a.example/{lang}'\n");
        let all: String = spoken().into_iter().map(page).collect();
        assert!(with(&format!("origins = ['https://a.example']\n{all}")).is_ok());
        assert!(at(&all).starts_with("list.after_signup.de: "));
        assert!(at(&format!("origins = ['https://b.example']\n{all}")).starts_with("list.after_signup.de: "));
        let one = "origins = ['https://a.example']\nafter_confirm = { en = 'https://a.example/x' }";
        assert_eq!(at(one), "list.after_confirm.de: is missing");
    }

    #[test]
    fn differences_name_each_value_that_changed() {
        let old = parse(EXAMPLE).unwrap();
        assert_eq!(old.differences(&old), []);
        let mut new = old.clone();
        new.options.pending_ttl_hours = 48;
        new.options.welcome = false;
        new.options.fields.reverse();
        new.options.sender.name = Some("The News".into());
        new.texts.get_mut("de").unwrap().storage = "In Irland.".into();
        new.options.title.remove("de");
        let told: Vec<_> =
            new.differences(&old).into_iter().map(|d| (d.at, d.old.is_some(), d.new.is_some())).collect();
        let expected = [
            ("list.pending_ttl_hours", true, true),
            ("list.sender.name", false, true),
            ("list.title.de", true, false),
            ("list.welcome", true, true),
            ("notice.de.storage", true, true),
        ];
        assert_eq!(told, expected.map(|(at, old, new)| (at.to_owned(), old, new)));
    }
}
