use std::fs;
use std::path::Path;

use serde_json::json;

use super::super::samples::Samples;
use super::super::tests::{controller, samples, templates};
use super::super::{Templates, built_in};
use super::*;

/// A folder as an operator would fill it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| folder.put(name, text));
        folder
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn load(&self) -> Result<Templates, TemplateError> {
        Templates::load(Some(self.0.path()), controller())
    }

    /// What loading it comes to, which must be one line. The folder is called DIR.
    fn refusal(&self) -> String {
        let Err(error) = self.load() else { panic!("the folder was taken") };
        let told = error.to_string().replace(&self.0.path().display().to_string(), "DIR");
        assert!(!told.contains('\n'), "{told}");
        told
    }
}

/// What comes of these files alone.
fn refused(files: &[(&str, &str)]) -> String {
    Folder::with(files).refusal()
}

#[test]
fn an_operators_folder_comes_first() {
    let suomi = fs::read_to_string("templates/words/en.toml").unwrap().replace("\"English\"", "\"Suomi\"");
    let ours = "{% extends \"pages/layout.html\" %}{% block main %}Ours: {{ list.title }}{% endblock %}";
    let folder = Folder::with(&[
        ("pages/confirmed.html", ours),
        ("pages/optin.css", "p { color: teal }"),
        ("words/fi.toml", &suomi),
        ("words/de.toml", "[confirm]\nbutton = \"Ja, gern\""),
        ("pages/confirmed.html~", "{% broken"),
        (".git/config", "[core]"),
        ("pages/.confirmed.html.swp", "\0"),
    ]);
    fs::copy("templates/samples.json", folder.0.path().join("samples.json")).unwrap();
    let templates = folder.load().unwrap();
    let render = |name: &str, lang: &str| {
        templates.render(name, lang, &Samples::read().unwrap().of(name)[0].given).unwrap()
    };
    let page = templates.render("pages/confirmed.html", "fi", json!({ "list": { "title": "<b>" } })).unwrap();
    assert!(page.contains("<html lang=\"fi\">") && page.contains("Ours: &lt;b&gt;"));
    assert_eq!(templates.stylesheet(), "p { color: teal }");
    assert!(render("pages/not_me_done.html", "de").contains("gelöscht"));
    let confirm = render("pages/confirm.html", "de");
    assert!(confirm.contains(">Ja, gern<") && confirm.contains("Das war ich nicht"));
    assert!(render("pages/confirm.html", "en").contains(">Yes, subscribe me<"));
}

#[test]
fn a_copy_of_everything_changes_nothing() {
    let folder = Folder::with(&[]);
    built_in().iter().for_each(|(name, source)| folder.put(name, &source.content));
    let (copy, built_in) = (folder.load().unwrap(), templates());
    for (name, context) in samples() {
        let pages = [&copy, &built_in].map(|templates| templates.render(&name, "de", &context).unwrap());
        assert_eq!(pages[0], pages[1], "{name}");
    }
}

#[test]
fn what_has_no_place_is_refused_by_name() {
    let told = |name: &str| {
        format!(
            "DIR/{name} takes the place of no built-in file: see docs/TEMPLATES.md for the names that there are"
        )
    };
    for (name, blamed) in [
        ("pages/confrim.html", "pages/confrim.html"),
        ("page/confirm.html", "page"),
        ("confirm.html", "confirm.html"),
        ("letters/farewell/body.txt", "letters/farewell"),
        ("letters/confirmation/body.html.orig", "letters/confirmation/body.html.orig"),
        ("words/de-AT.toml", "words/de-AT.toml"),
        ("words/de_at.toml", "words/de_at.toml"),
        ("words/sv/more.toml", "words/sv"),
    ] {
        assert_eq!(refused(&[(name, "")]), told(blamed));
    }
    let nowhere = Templates::load(Some(Path::new("/nowhere/at/all")), controller()).unwrap_err().to_string();
    assert!(nowhere.starts_with("/nowhere/at/all cannot be read: No such file"), "{nowhere}");
    let folder = Folder::with(&[]);
    folder.put("pages/home.html", b"<p>\n\xff");
    assert_eq!(folder.refusal(), "DIR/pages/home.html:2: this is not UTF-8");
}

#[test]
fn what_is_wrong_with_a_template_is_found_at_the_start() {
    let expired = |text: &str| refused(&[("pages/expired.html", &format!("<p>\n{text}\n</p>"))]);
    for (text, fault) in [
        ("{% if %}", "unexpected end of block"),
        ("{{ \"\\u\" }}", "bad string escape"),
        ("{{ t(\"expired.tilte\") }}", "there are no words under `expired.tilte`"),
    ] {
        assert_eq!(expired(text), format!("DIR/pages/expired.html:2: {fault}"), "{text}");
    }
    for (text, fault) in [
        ("{{ list.title|shout }}", "filter shout is unknown"),
        ("{{ shout() }}", "shout is unknown"),
        ("{{ 1 is loud }}", "test loud is unknown"),
        ("{{ list.title.shout() }}", "string has no method named shout"),
        ("{{ titel }}", "`titel` is undefined"),
        ("{{ list.titel }}", "`list.titel` is undefined"),
        ("{% set key = \"expired.tilte\" %}{{ t(key) }}", "there are no words under `expired.tilte`"),
        ("{{ t(\"expired.lead\") }}", "the words under `expired.lead` need `list`"),
        ("{{ t(\"expired.lead\", title=list.title) }}", "the words under `expired.lead` need `list`"),
        ("{{ t(\"expired.lead\", list=list.titel) }}", "`list` for `expired.lead` is undefined"),
        ("{{ t(\"expired.lead\", \"x\") }}", "too many arguments in `t(\"expired.lead\", \"x\")`"),
        ("{{ t() }}", "missing argument in `t()`"),
        (
            "{{ t(\"check_mail.hours\", n=\"x\") }}",
            "the words under `check_mail.hours` need a whole number `n`",
        ),
        ("{{ date(list.title) }}", "needs a timestamp"),
        ("{% include \"pages/none.html\" %}", "tried to include non-existing template 'pages/none.html'"),
        ("{% extends \"pages/none.html\" %}", "template \"pages/none.html\" does not exist"),
        ("{{ list + 1 }}", "tried to use + operator on unsupported types map and number"),
        ("{% for a in 3 %}{% endfor %}", "number is not iterable"),
    ] {
        let told =
            format!("DIR/pages/expired.html:2: {fault} (in `de`, sample “when the time to confirm is over”)");
        assert_eq!(expired(text), told, "{text}");
    }
}

#[test]
fn what_is_wrong_lies_where_it_is_written_not_where_it_is_used() {
    let layout = fs::read_to_string("templates/pages/layout.html").unwrap();
    let told = refused(&[("pages/layout.html", &format!("{layout}{{{{ nobody }}}}"))]);
    let line = layout.lines().count() + 1;
    assert!(
        told.starts_with(&format!("DIR/pages/layout.html:{line}: `nobody` is undefined (in `de`")),
        "{told}"
    );
    let parts = fs::read_to_string("templates/letters/parts.html").unwrap();
    let told = refused(&[("letters/parts.html", &parts.replace("{{ label }}", "{{ lable }}"))]);
    assert!(told.starts_with("DIR/letters/parts.html:5: undefined value in `lable` (in `de`"), "{told}");
}

#[test]
fn branches_that_are_seldom_taken_are_tried_too() {
    for (name, branch) in [
        ("pages/home.html", "{% if inbox %}{{ no }}{% endif %}"),
        ("pages/home.html", "{% if not lists %}{{ no }}{% endif %}"),
        ("pages/inbox.html", "{% for letter in letters %}{{ no }}{% endfor %}"),
        (
            "pages/inbox.html",
            "{% for letter in letters %}{% for file in letter.attachments %}{{ no }}{% endfor %}{% endfor %}",
        ),
        ("pages/inbox.html", "{% if not letters %}{{ no }}{% endif %}"),
        ("pages/nothing_here.html", "{% if leave_url %}{{ no }}{% endif %}"),
        ("pages/nothing_here.html", "{% if not leave_url %}{{ no }}{% endif %}"),
        ("pages/refused.html", "{% if seconds %}{{ no }}{% endif %}"),
        ("pages/refused.html", "{% if not seconds %}{{ no }}{% endif %}"),
        ("pages/signup.html", "{% if stale %}{{ no }}{% endif %}"),
        ("pages/signup.html", "{% if consent.problem %}{{ no }}{% endif %}"),
        ("pages/signup.html", "{% if consent.given %}{{ no }}{% endif %}"),
        ("pages/signup.html", "{% for text in problems %}{{ no }}{% endfor %}"),
        ("pages/signup.html", "{% if not fields %}{{ no }}{% endif %}"),
        ("pages/unsubscribe.html", "{% for label in fields %}{{ no }}{% endfor %}"),
        ("letters/already_subscribed/body.html", "{% if leave_mailto %}{{ no }}{% endif %}"),
        ("letters/already_subscribed/body.txt", "{% if not leave_mailto %}{{ no }}{% endif %}"),
        ("pages/leave.html", "{% if lang == \"en\" %}{{ no }}{% endif %}"),
    ] {
        let told = refused(&[(name, branch)]);
        assert!(told.starts_with(&format!("DIR/{name}:1: `no` is undefined")), "{branch}: {told}");
    }
}

#[test]
fn words_of_an_operator_are_checked_against_those_they_replace() {
    let line = |file: &str, text: &str| {
        let file = fs::read_to_string(file).unwrap();
        file.lines().position(|line| line.starts_with(text)).unwrap() + 1
    };
    let (de, en) = ("templates/words/de.toml", "templates/words/en.toml");
    assert_eq!(
        refused(&[("words/en.toml", "[confirmed]\n\nlead = \"Thank you.\"")]),
        format!(
            "DIR/words/en.toml:3: `confirmed.lead` has other placeholders than in {en}:{}",
            line(en, "lead = \"Thank you. From")
        )
    );
    assert_eq!(
        refused(&[("words/en.toml", "[confirmed]\nlead = Thanks")]).split(": ").next(),
        Some("DIR/words/en.toml:2")
    );
    let misspelt = "[confirmed]\nlaed = \"Thank you.\"";
    assert_eq!(
        refused(&[("words/en.toml", misspelt)]),
        format!("DIR/words/en.toml:2: `confirmed.laed` stands here, but is missing in {de}")
    );
    let every: Vec<_> = built_in().into_keys().filter(|name| language(name).is_some()).collect();
    let mut every: Vec<_> = every.iter().map(|name| (name.as_str(), misspelt)).collect();
    assert_eq!(refused(&every), "DIR/words/de.toml:2: no template asks for `confirmed.laed`");
    every.push(("pages/confirmed.html", "{{ t(\"confirmed.laed\") }}"));
    Folder::with(&every).load().unwrap();
    assert_eq!(
        refused(&[("words/fr.toml", "name = \"Français\"")]),
        format!(
            "{de}:{}: `agree.button` stands here, but is missing in DIR/words/fr.toml",
            line(de, "button = \"Ja, ich willige ein")
        )
    );
    assert_eq!(
        refused(&[("words/fr.toml", "")]),
        "DIR/words/fr.toml:1: `name` is missing: the language's name for itself"
    );
}
