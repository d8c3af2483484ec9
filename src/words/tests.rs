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
    let said = [0, 1, 3, 5, 11, 12, 14, 21, 22, 25, 101, 111, 112]
        .map(|n: u64| words.t("ru", "hours", &[("n", &n)]).unwrap().split(' ').nth(1).unwrap().to_owned());
    let expected = [
        "часов",
        "час",
        "часа",
        "часов",
        "часов",
        "часов",
        "часов",
        "час",
        "часа",
        "часов",
        "час",
        "часов",
        "часов",
    ];
    assert_eq!(said, expected);
}

#[test]
fn plural_forms_must_be_the_languages_own() {
    let few = "[a]\nhours = { one = \"1\", few = \"2\", other = \"3\" }";
    assert_eq!(refusal(&[("en", few)]), "en.toml: `a.hours` has an unknown plural form `few`");
    let lacking = "[a]\nhours = { one = \"1\" }";
    assert_eq!(refusal(&[("en", lacking)]), "en.toml: `a.hours` lacks the plural form `other`");
    let uneven = "[a]\nhours = { one = \"1\", other = \"{n} {list}\" }";
    assert_eq!(refusal(&[("en", uneven)]), "en.toml: `a.hours` has plural forms with different placeholders");
}

#[test]
fn languages_must_have_the_same_keys() {
    let (both, one) = ("[a]\nb = \"x\"\nc = \"y\"", "[a]\nb = \"x\"");
    assert_eq!(refusal(&[("de", both), ("en", one)]), "en.toml: `a.c` is missing, but stands in de.toml");
    assert_eq!(refusal(&[("de", one), ("en", both)]), "de.toml: `a.c` is missing, but stands in en.toml");
}

#[test]
fn languages_must_have_the_same_placeholders() {
    let told = refusal(&[("de", "a = \"{list}\""), ("en", "a = \"{title}\"")]);
    assert_eq!(told, "en.toml: `a` has other placeholders than in de.toml");
    let told = refusal(&[("de", "a = \"{n}\""), ("en", "a = { one = \"1\", other = \"{n}\" }")]);
    assert_eq!(told, "en.toml: `a` is counted in only one of this file and de.toml");
    let russian = "a = { one = \"{n}\", few = \"{n}\", many = \"{n}\" }";
    assert!(words(&[("en", "a = { one = \"one\", other = \"{n}\" }"), ("ru", russian)]).is_ok());
}

#[test]
fn what_is_no_message_is_refused() {
    assert_eq!(refusal(&[("en", "a = \"{list\"")]), "en.toml: `a` has a stray brace");
    assert_eq!(refusal(&[("en", "a = \"list}\"")]), "en.toml: `a` has a stray brace");
    assert_eq!(refusal(&[("en", "a = 3")]), "en.toml: `a` is neither a text nor a section");
    assert!(refusal(&[("en", "a = \"unfinished")]).starts_with("en.toml: TOML parse error at line 2"));
    assert_eq!(refusal(&[]), "there is no catalogue of words at all");
    let nameless = Words::read([("en", "en.toml", "a = \"b\"")]).unwrap_err().to_string();
    assert_eq!(nameless, "en.toml: `name` is missing: the language's name for itself");
}

#[test]
fn countries_keep_the_order_of_the_file() {
    let words = words(&[("sv", "countries.list = \"ZM Zambia\\nAX Åland\"")]).unwrap();
    let named: Vec<_> = words.countries("sv").unwrap().into_iter().map(|c| (c.code, c.name)).collect();
    assert_eq!(named, [("ZM".into(), "Zambia".into()), ("AX".into(), "Åland".into())]);
    let twice = refusal(&[("en", "countries.list = \"FR France\\nFR France\"")]);
    assert_eq!(twice, "en.toml: `country.FR` is listed twice");
    let bare = refusal(&[("en", "countries.list = \"FR\"")]);
    assert_eq!(bare, "en.toml: `countries` holds a line that is not a code and a name");
}

#[test]
fn the_best_language_is_picked() {
    let words = words(&[("de", ""), ("en", "")]).unwrap();
    assert_eq!(words.pick(["fr", "de-AT", "en"]), Some("de"));
    assert_eq!(words.pick(["EN-gb"]), Some("en"));
    assert_eq!(words.pick(["fr", "denmark", ""]), None);
    let named: Vec<_> = words.languages().into_iter().map(|language| language.code).collect();
    assert_eq!(named, ["de", "en"]);
}

#[test]
fn dates_are_said_in_utc() {
    let words = words(&[("de", MONTHS)]).unwrap();
    let at: Timestamp = "2026-11-02T23:05:59-01:00".parse().unwrap();
    assert_eq!(words.date("de", at).unwrap(), "3. November 2026");
    assert_eq!(words.moment("de", at).unwrap(), "3. November 2026, 00:05 UTC");
}
