use super::*;

const MONTHS: &str =
    "[date]\nday = \"{day}. {month} {year}\"\nmoment = \"{date}, {time} UTC\"\n[month]\n11 = \"November\"\n";

fn words(files: &[(&str, &str)]) -> Result<Words, WordsError> {
    let files: Vec<_> = files
        .iter()
        .map(|(code, text)| (*code, format!("{code}.toml"), format!("name = \"{code}\"\n{text}")))
        .collect();
    Words::read(files.iter().map(|(code, file, text)| (*code, file.as_str(), text.as_str())))
}

fn refusal(files: &[(&str, &str)]) -> String {
    words(files).unwrap_err().to_string()
}

#[test]
fn placeholders_are_filled_by_name() {
    let words = words(&[("en", "[a]\nb = \"{who} reads {list}, {who}!\"")]).unwrap();
    assert_eq!(words.t("en", "a.b", &[("list", &"News"), ("who", &7)]).unwrap(), "7 reads News, 7!");
    let missing = WordError::Slot { key: "a.b".into(), slot: "list".into() };
    assert_eq!(words.t("en", "a.b", &[("who", &7)]), Err(missing));
    assert_eq!(words.t("en", "a.c", &[]), Err(WordError::Key("a.c".into())));
    assert_eq!(words.t("xx", "a.b", &[]), Err(WordError::Language("xx".into())));
}

#[test]
fn english_has_two_forms() {
    let words = words(&[("en", "hours = { one = \"an hour\", other = \"{n} hours\" }")]).unwrap();
    let say = |n: u64| words.t("en", "hours", &[("n", &n)]).unwrap();
    assert_eq!([say(0), say(1), say(2), say(101)], ["0 hours", "an hour", "2 hours", "101 hours"]);
    assert_eq!(words.t("en", "hours", &[]), Err(WordError::Count("hours".into())));
    assert_eq!(words.t("en", "hours", &[("n", &"many")]), Err(WordError::Count("hours".into())));
}

#[test]
fn russian_has_three_forms() {
    let forms = "hours = { one = \"{n} час\", few = \"{n} часа\", many = \"{n} часов\" }";
    let words = words(&[("ru", forms)]).unwrap();
    let said = [0, 1, 2, 3, 4, 5, 11, 12, 14, 20, 21, 22, 25, 101, 111, 112, 122, 1001, 1011]
        .map(|n: u64| words.t("ru", "hours", &[("n", &n)]).unwrap().split(' ').nth(1).unwrap().to_owned());
    let expected = "часов час часа часа часа часов часов часов часов часов час часа часов час часов часов часа час часов";
    assert_eq!(said.join(" "), expected);
}

#[test]
fn swedish_counts_like_english() {
    let words = words(&[("sv", "hours = { one = \"en timme\", other = \"{n} timmar\" }")]).unwrap();
    let say = |n: u64| words.t("sv", "hours", &[("n", &n)]).unwrap();
    assert_eq!([say(0), say(1), say(2), say(21)], ["0 timmar", "en timme", "2 timmar", "21 timmar"]);
}

#[test]
fn plural_forms_must_be_the_languages_own() {
    let few = "[a]\nhours = { one = \"1\", few = \"2\", other = \"3\" }";
    assert_eq!(refusal(&[("en", few)]), "en.toml:3: `a.hours` has an unknown plural form `few`");
    let lacking = "[a]\nhours = { one = \"1\" }";
    assert_eq!(refusal(&[("en", lacking)]), "en.toml:3: `a.hours` lacks the plural form `other`");
    let uneven = "[a]\nhours = { one = \"1\", other = \"{n} {list}\" }";
    assert_eq!(
        refusal(&[("en", uneven)]),
        "en.toml:3: `a.hours` has plural forms with different placeholders"
    );
}

#[test]
fn languages_must_have_the_same_keys() {
    let (both, one) = ("[a]\nb = \"x\"\nc = \"y\"", "[a]\nb = \"x\"");
    let told = refusal(&[("de", both), ("en", one)]);
    assert_eq!(told, "de.toml:4: `a.c` stands here, but is missing in en.toml");
    let told = refusal(&[("de", one), ("en", both)]);
    assert_eq!(told, "en.toml:4: `a.c` stands here, but is missing in de.toml");
}

#[test]
fn languages_must_have_the_same_placeholders() {
    let told = refusal(&[("de", "a = \"{list}\""), ("en", "a = \"{title}\"")]);
    assert_eq!(told, "en.toml:2: `a` has other placeholders than in de.toml:2");
    let told = refusal(&[("de", "a = \"{n}\""), ("en", "a = { one = \"1\", other = \"{n}\" }")]);
    assert_eq!(told, "en.toml:2: `a` has plural forms, but none in de.toml:2");
    let told = refusal(&[("de", "a = { one = \"1\", other = \"{n}\" }"), ("en", "\na = \"{n}\"")]);
    assert_eq!(told, "en.toml:3: `a` lacks the plural forms that it has in de.toml:2");
    let russian = "a = { one = \"{n}\", few = \"{n}\", many = \"{n}\" }";
    assert!(words(&[("en", "a = { one = \"one\", other = \"{n}\" }"), ("ru", russian)]).is_ok());
}

/// English, with what a second file says over it.
fn overridden(below: &str, own: &str) -> Result<Words, String> {
    let below = format!("name = \"English\"\n{below}");
    Words::read([("en", "en.toml", below.as_str()), ("en", "own/en.toml", own)])
        .map_err(|error| error.to_string())
}

#[test]
fn a_second_file_replaces_single_messages() {
    let below = "[a]\nb = \"old\"\nc = \"stays\"\nn = { one = \"a day\", other = \"{n} days\" }";
    let words = overridden(below, "[a]\nb = \"new\"\nn = { one = \"1 d\", other = \"{n} d\" }").unwrap();
    assert_eq!(["a.b", "a.c"].map(|key| words.t("en", key, &[]).unwrap()), ["new", "stays"]);
    assert_eq!(words.t("en", "a.n", &[("n", &2)]).unwrap(), "2 d");
    assert_eq!(words.languages()[0].name, "English");
    assert_eq!(words.place("a.b"), Some(("own/en.toml", 2)));
    assert_eq!(words.place("a.c"), Some(("en.toml", 4)));
    assert_eq!(overridden(below, "name = \"Plain English\"").unwrap().languages()[0].name, "Plain English");
}

#[test]
fn a_message_is_replaced_by_one_that_can_be_said_in_its_place() {
    let below = "a = \"{list}\"\nb = { one = \"a day\", other = \"{n} days\" }";
    let told = |own: &str| overridden(below, own).unwrap_err();
    assert_eq!(told("\na = \"{lsit}\""), "own/en.toml:2: `a` has other placeholders than in en.toml:2");
    assert_eq!(told("b = \"days\""), "own/en.toml:1: `b` lacks the plural forms that it has in en.toml:3");
    assert_eq!(
        told("a = { one = \"{list}\", other = \"{list}\" }"),
        "own/en.toml:1: `a` has plural forms, but none in en.toml:2"
    );
    assert_eq!(told("a = \"{list\""), "own/en.toml:1: `a` has a stray brace");
}

#[test]
fn a_list_of_countries_is_replaced_whole_and_one_name_alone() {
    let below = "countries.list = \"FR France\\nDE Germany\"";
    let named = |own: &str| {
        let words = overridden(below, own).unwrap();
        let keys = words.keys().count();
        let all = words.countries("en").unwrap().into_iter().map(|country| country.name).collect::<Vec<_>>();
        (keys, all.join(", "))
    };
    assert_eq!(named("countries.list = \"DE Allemagne\""), (1, "Allemagne".into()));
    assert_eq!(named("country.FR = \"The Hexagon\""), (2, "The Hexagon, Germany".into()));
}

#[test]
fn what_is_no_message_is_refused() {
    assert_eq!(refusal(&[("en", "a = \"{list\"")]), "en.toml:2: `a` has a stray brace");
    assert_eq!(refusal(&[("en", "a = \"list}\"")]), "en.toml:2: `a` has a stray brace");
    assert_eq!(refusal(&[("en", "a = 3")]), "en.toml:2: `a` is neither a text nor a section");
    let unfinished = refusal(&[("en", "a = \"unfinished\nb = \"b\"")]);
    assert_eq!(unfinished, "en.toml:2: invalid basic string, expected `\"`");
    let twice = refusal(&[("en", "[a]\nb = \"1\"\nb = \"2\"")]);
    assert_eq!(twice, "en.toml:4: duplicate key");
    let sectionless = refusal(&[("en", "\n[a\nb = \"1\"")]);
    assert!(sectionless.starts_with("en.toml:3: ") && !sectionless.contains('\n'), "{sectionless}");
    assert_eq!(refusal(&[]), "there is no catalogue of words at all");
    let nameless = Words::read([("en", "en.toml", "a = \"b\"")]).unwrap_err().to_string();
    assert_eq!(nameless, "en.toml:1: `name` is missing: the language's name for itself");
}

#[test]
fn countries_keep_the_order_of_the_file() {
    let words = words(&[("sv", "countries.list = \"ZM Zambia\\nAX Åland\"")]).unwrap();
    let named: Vec<_> = words.countries("sv").unwrap().into_iter().map(|c| (c.code, c.name)).collect();
    assert_eq!(named, [("ZM".into(), "Zambia".into()), ("AX".into(), "Åland".into())]);
    let twice = refusal(&[("en", "countries.list = \"FR France\\nFR France\"")]);
    assert_eq!(twice, "en.toml:2: `country.FR` is listed twice");
    let bare = refusal(&[("en", "countries.list = \"FR\"")]);
    assert_eq!(bare, "en.toml:2: `countries` holds a line that is not a code and a name");
    let list = |lines: &str| format!("[countries]\nlist = \"\"\"\n{lines}\n\"\"\"");
    let twice = refusal(&[("en", &list("FR France\nDE Germany\nFR France"))]);
    assert_eq!(twice, "en.toml:6: `country.FR` is listed twice");
    let bare = refusal(&[("en", &list("FR France\nDE"))]);
    assert_eq!(bare, "en.toml:5: `countries` holds a line that is not a code and a name");
    let fewer = refusal(&[("de", &list("FR Frankreich\nIT Italien")), ("en", &list("FR France"))]);
    assert_eq!(fewer, "de.toml:5: `country.IT` stands here, but is missing in en.toml");
}

#[test]
fn the_best_language_is_picked() {
    let words = words(&[("de", ""), ("en", "")]).unwrap();
    assert_eq!(words.pick(["fr", "de-AT", "en"]), Some("de"));
    assert_eq!(words.pick(["EN-gb"]), Some("en"));
    assert_eq!(words.pick(["fr", "denmark", ""]), None);
    assert_eq!(words.codes(), ["de", "en"]);
}

#[test]
fn dates_are_said_in_utc() {
    let words = words(&[("de", MONTHS)]).unwrap();
    let at: Timestamp = "2026-11-02T23:05:59-01:00".parse().unwrap();
    assert_eq!(words.date("de", at).unwrap(), "3. November 2026");
    assert_eq!(words.moment("de", at).unwrap(), "3. November 2026, 00:05 UTC");
}
