//! The catalogues: every language has every key, every key is said somewhere, and whoever says one gives it what it
//! needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use optin::consent::field::COUNTRIES;
use optin::templates::Templates;
use optin::words::COMPOSED;
use regex::Regex;

/// The text of every file of these kinds below a folder, test modules left out.
fn texts(folder: &str, kinds: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            texts.extend(texts_below(&path, kinds));
        } else if path.extension().is_some_and(|kind| kinds.iter().any(|of| kind == *of))
            && !path.ends_with("tests.rs")
        {
            let text = fs::read_to_string(&path).unwrap();
            texts.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
        }
    }
    texts
}

fn texts_below(path: &Path, kinds: &[&str]) -> Vec<String> {
    texts(path.to_str().unwrap(), kinds)
}

/// Every message of a catalogue with the placeholders in it, read without the service's own reader.
fn messages(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let table: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let mut messages = BTreeMap::new();
    collect("", &toml::Value::Table(table), &mut messages);
    messages
}

fn collect(key: &str, value: &toml::Value, messages: &mut BTreeMap<String, BTreeSet<String>>) {
    let slot = Regex::new(r"\{(\w+)\}").unwrap();
    match value {
        toml::Value::Table(table) if !table.contains_key("one") => {
            for (name, value) in table.iter().filter(|(name, _)| *name != "name" || !key.is_empty()) {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                collect(&key, value, messages);
            }
        }
        toml::Value::String(list) if key == "countries.list" => {
            let codes = list.lines().map(|line| (format!("country.{}", &line[..2]), BTreeSet::new()));
            messages.extend(codes);
        }
        value => {
            let text = value.to_string();
            let slots = slot.captures_iter(&text).map(|found| found[1].to_owned());
            messages.insert(key.to_owned(), slots.collect());
        }
    }
}

fn files() -> Vec<String> {
    let files =
        fs::read_dir("templates/words").unwrap().map(|file| file.unwrap().path().display().to_string());
    files.collect()
}

/// The keys that templates ask for; one that is put together ends in a dot.
fn asked_by_templates() -> BTreeSet<String> {
    let call = Regex::new(r#"\bt\(\s*"([a-z0-9_.]+)""#).unwrap();
    let set = Regex::new(r#"set key = "([a-z0-9_.]+\.)""#).unwrap();
    let texts = texts("templates", &["html", "txt"]);
    let found = texts.iter().flat_map(|text| call.captures_iter(text).chain(set.captures_iter(text)));
    found.map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_language_has_the_same_keys_with_the_same_placeholders() {
    let templates = Templates::load(None, serde_json::json!({})).unwrap();
    let known: BTreeSet<&str> = templates.words().keys().collect();
    assert!(files().len() >= 2 && templates.words().languages().len() == files().len());
    let english = messages("templates/words/en.toml");
    for file in files() {
        let messages = messages(&file);
        assert_eq!(messages.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "{file}");
        for (key, slots) in &messages {
            assert_eq!(slots, &english[key], "{file}: {key}");
        }
    }
}

/// Texts in the code that may be keys, or parts that keys are put together from.
struct Literals {
    whole: BTreeSet<String>,
    /// `problem.email.{key}` and the like, as patterns.
    composed: Vec<Regex>,
}

fn literals() -> Literals {
    let literal = Regex::new(r#""([A-Za-z0-9_.{}]+)""#).unwrap();
    let part = Regex::new(r"\\\{\w*\\\}").unwrap();
    let mut found = Literals { whole: BTreeSet::new(), composed: Vec::new() };
    for text in texts("src", &["rs"]) {
        for literal in literal.captures_iter(&text).map(|found| found[1].to_owned()) {
            // A text that begins with a gap could become any key, so it speaks for none.
            if literal.contains('{') && COMPOSED.iter().any(|prefix| literal.starts_with(prefix)) {
                let pattern = part.replace_all(&regex::escape(&literal), "([A-Za-z0-9_]+)").into_owned();
                found.composed.push(Regex::new(&format!("^{pattern}$")).unwrap());
            } else {
                found.whole.insert(literal);
            }
        }
    }
    found
}

impl Literals {
    /// Whether the code says this key: it stands there whole, or is put together from parts that stand there.
    fn say(&self, key: &str) -> bool {
        let part = |part: &str| {
            self.whole.contains(part)
                || (key.starts_with("month.")
                    && part.parse::<u32>().is_ok_and(|month| (1..=12).contains(&month)))
                || (key.starts_with("country.") && COUNTRIES.split(' ').any(|code| code == part))
        };
        self.whole.contains(key)
            || self.composed.iter().any(|pattern| {
                pattern
                    .captures(key)
                    .is_some_and(|found| found.iter().skip(1).flatten().all(|found| part(found.as_str())))
            })
    }
}

#[test]
fn every_key_is_said_somewhere() {
    let (templates, literals) = (asked_by_templates(), literals());
    let messages = messages("templates/words/en.toml");
    let idle: Vec<&String> =
        messages.keys().filter(|key| !templates.contains(*key) && !literals.say(key)).collect();
    assert!(idle.is_empty(), "nobody says {idle:?}");
    for prefix in COMPOSED {
        assert!(messages.keys().any(|key| key.starts_with(prefix)), "{prefix} is put together by nobody");
    }
}

#[test]
fn every_key_that_is_said_exists() {
    let messages = messages("templates/words/en.toml");
    for key in asked_by_templates() {
        let exists = messages.contains_key(&key)
            || (key.ends_with('.') && messages.keys().any(|of| of.starts_with(&key)));
        assert!(exists, "a template asks for {key}");
    }
    let literals = literals();
    let whole = literals
        .whole
        .iter()
        .filter(|text| COMPOSED.iter().any(|prefix| text.starts_with(prefix) && text != prefix));
    for key in whole {
        assert!(messages.contains_key(key), "the code asks for {key}");
    }
    for pattern in literals.composed {
        assert!(messages.keys().any(|key| pattern.is_match(key)), "the code asks for {pattern}");
    }
}

/// Templates are rendered with `templates/samples.json`; this is for what the code says itself.
#[test]
fn whoever_says_a_key_gives_it_what_it_needs() {
    let messages = messages("templates/words/en.toml");
    let call = Regex::new(
        r#"(?s)\b(?:say|t)\((?:[\w.]+,\s*){0,2}&?(?:format!\()?"([a-z0-9_.{}]+)"\)?,\s*&\[(.*?)\]\s*\)"#,
    )
    .unwrap();
    let given = Regex::new(r#"\("(\w+)",\s*&"#).unwrap();
    let part = Regex::new(r"\\\{\w*\\\}").unwrap();
    let mut calls = 0;
    for text in texts("src", &["rs"]) {
        for found in call.captures_iter(&text) {
            calls += 1;
            let pattern = part.replace_all(&regex::escape(&found[1]), "[A-Za-z0-9_]+").into_owned();
            let pattern = Regex::new(&format!("^{pattern}$")).unwrap();
            let given: BTreeSet<String> =
                given.captures_iter(&found[2]).map(|found| found[1].to_owned()).collect();
            for (key, slots) in messages.iter().filter(|(key, _)| pattern.is_match(key)) {
                assert!(slots.is_subset(&given), "{key} needs {slots:?} and is given {given:?}");
            }
        }
    }
    assert!(calls >= 12, "the calls have been found: {calls}");
}

/// The letters of a language's alphabet in their order, where they are others than a to z.
fn alphabet(lang: &str) -> &'static str {
    match lang {
        "en" | "de" => "abcdefghijklmnopqrstuvwxyz",
        "sv" => "abcdefghijklmnopqrstuvwxyzåäö",
        "ru" => "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        other => panic!("in what order do the letters of `{other}` stand?"),
    }
}

/// Where a name stands among others: a gap comes before a hyphen, other signs and letters; what is no letter of the
/// alphabet is sorted as the one that it is written with.
fn place_in(lang: &str, name: &str) -> Vec<usize> {
    let place = |letter: char| match letter {
        ' ' => 0,
        '-' | '—' => 1,
        letter if !letter.is_alphabetic() => 2,
        letter => {
            let at = |letter: char| alphabet(lang).chars().position(|of| of == letter);
            let plain = || match letter {
                'å' | 'ä' | 'ã' => 'a',
                'ç' => 'c',
                'é' => 'e',
                'í' => 'i',
                'ö' | 'ô' => 'o',
                'ü' => 'u',
                'ё' => 'е',
                letter => panic!("`{letter}` is no letter of `{lang}`"),
            };
            3 + at(letter).or_else(|| at(plain())).unwrap()
        }
    };
    name.to_lowercase().chars().map(place).collect()
}

#[test]
fn countries_stand_in_the_order_of_each_language() {
    let templates = Templates::load(None, serde_json::json!({})).unwrap();
    let words = templates.words();
    for lang in words.codes() {
        let countries = words.countries(lang).unwrap();
        for pair in countries.windows(2) {
            let [first, second] = [&pair[0].name, &pair[1].name];
            assert!(place_in(lang, first) < place_in(lang, second), "{first} before {second} in {lang}");
        }
    }
    let last = |lang: &str| words.countries(lang).unwrap().pop().unwrap().name;
    assert_eq!(
        [last("en"), last("de"), last("sv"), last("ru")],
        ["Zimbabwe", "Zypern", "Östtimor", "Япония"]
    );
}

#[test]
fn a_day_is_said_as_each_language_says_it() {
    let templates = Templates::load(None, serde_json::json!({})).unwrap();
    let words = templates.words();
    let at = "2026-11-02T14:05:09Z".parse().unwrap();
    for lang in words.codes() {
        let said = match lang {
            "de" => ["2. November 2026", "2. November 2026, 14:05 UTC"],
            "en" => ["2 November 2026", "2 November 2026, 14:05 UTC"],
            "ru" => ["2 ноября 2026 г.", "2 ноября 2026 г., 14:05 UTC"],
            "sv" => ["2 november 2026", "2 november 2026 kl. 14:05 UTC"],
            other => panic!("how does `{other}` say a day?"),
        };
        assert_eq!([words.date(lang, at).unwrap(), words.moment(lang, at).unwrap()], said);
    }
}

#[test]
fn hours_are_counted_as_each_language_counts() {
    let templates = Templates::load(None, serde_json::json!({})).unwrap();
    let say =
        |lang: &str, n: u64| templates.words().t(lang, "letter.confirmation.hours", &[("n", &n)]).unwrap();
    for (lang, n, said) in [
        ("sv", 1, "Länken gäller i en timme."),
        ("sv", 21, "Länken gäller i 21 timmar."),
        ("sv", 72, "Länken gäller i 72 timmar."),
        ("ru", 1, "Ссылка действует 1 час."),
        ("ru", 11, "Ссылка действует 11 часов."),
        ("ru", 21, "Ссылка действует 21 час."),
        ("ru", 24, "Ссылка действует 24 часа."),
        ("ru", 72, "Ссылка действует 72 часа."),
        ("ru", 720, "Ссылка действует 720 часов."),
    ] {
        assert_eq!(say(lang, n), said);
    }
}
