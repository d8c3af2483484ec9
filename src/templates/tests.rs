use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::*;
use crate::words::COMPOSED;

pub fn controller() -> Json {
    json!({
        "name": "Example Press & Co.",
        "address": "1 Harbour Street\n24103 Kiel\nGermany",
        "registration": "HRB 1234 KI",
        "complaints": "complaints@press.example",
        "authority": "ULD, Kiel, https://authority.example/",
    })
}

pub fn templates() -> Templates {
    Templates::load(None, controller()).unwrap()
}

/// The signup page, as it is on the occasion `when`.
fn signup(when: &str) -> Json {
    let samples = Samples::read().unwrap();
    samples.of("pages/signup.html").iter().find(|sample| sample.when.contains(when)).unwrap().given.clone()
}

/// Every template that is rendered, with each of its samples.
pub fn samples() -> Vec<(String, Json)> {
    let (templates, samples) = (templates(), Samples::read().unwrap());
    let of =
        |name: &str| samples.of(name).iter().map(|sample| (name.to_owned(), sample.given.clone())).collect();
    templates.names().flat_map(|name| -> Vec<_> { of(name) }).collect()
}

#[test]
fn every_template_renders_in_every_language() {
    let templates = templates();
    let samples = samples();
    let mut unseen: BTreeSet<&str> = templates.names().collect();
    for shared in [
        "pages/layout.html",
        "pages/parts.html",
        "letters/layout.html",
        "letters/layout.txt",
        "letters/parts.html",
        "desk/layout.html",
        "desk/parts.html",
        "desk/list_parts.html",
    ] {
        assert!(unseen.remove(shared), "{shared}");
    }
    for (name, context) in &samples {
        unseen.remove(name.as_str());
        for language in templates.words().languages() {
            let text = templates.render(name, &language.code, context).unwrap();
            assert!(!text.trim().is_empty() && !text.contains("{{") && !text.contains("{%"), "{name}");
            if name.ends_with(".html") {
                // The desk and the API speak English.
                let lang = if name.starts_with("desk/") { "en" } else { &language.code };
                assert!(text.starts_with(&format!("<!doctype html>\n<html lang=\"{lang}\">")), "{name}");
            }
            if name.ends_with("subject.txt") {
                assert_eq!(text.lines().count(), 1, "{name}");
            }
        }
    }
    assert!(unseen.is_empty(), "no sample for {unseen:?}");
}

#[test]
fn every_page_and_letter_names_the_controller_and_the_authority() {
    let templates = templates();
    let shown =
        ["Example Press", "24103 Kiel", "HRB 1234 KI", "complaints@press.example", "authority.example"];
    let is_shown = |name: &str| !name.ends_with("subject.txt") && !name.starts_with("desk/");
    for (name, context) in samples().iter().filter(|(name, _)| is_shown(name)) {
        let text = templates.render(name, "en", context).unwrap();
        shown.iter().for_each(|part| assert!(text.contains(part), "{name} lacks {part}"));
    }
}

#[test]
fn no_page_asks_for_anything_from_elsewhere() {
    let templates = templates();
    for (name, context) in
        samples().iter().filter(|(name, _)| name.starts_with("pages/") || name.starts_with("desk/"))
    {
        if name.ends_with(".txt") {
            continue;
        }
        let page = templates.render(name, "de", context).unwrap();
        for banned in ["<script", "<img", "<iframe", "<style", " style=", " onclick=", " src=", "http-equiv"]
        {
            assert!(!page.contains(banned), "{name} has {banned}");
        }
        assert_eq!(page.matches("<link ").count(), 1, "{name}");
        assert!(page.contains("<meta name=\"referrer\" content=\"no-referrer\">"), "{name}");
        let searchable = ["pages/signup.html", "pages/home.html"].contains(&name.as_str());
        assert_eq!(page.contains("content=\"noindex\""), !searchable, "{name}");
    }
    assert!(!templates.stylesheet().contains("url(") && !templates.stylesheet().contains("@import"));
    assert!(templates.stylesheet().contains("prefers-color-scheme: dark"));
}

#[test]
fn the_consent_box_is_empty_at_first_and_problems_are_tied_to_their_inputs() {
    let templates = templates();
    let wrong = templates.render("pages/signup.html", "en", signup("not right")).unwrap();
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("<a href=\"#email\">No dot.</a>"));
    assert!(wrong.contains("aria-describedby=\"email-problem\"") && wrong.contains("id=\"email-problem\""));
    assert!(
        wrong.contains("aria-describedby=\"field-country-problem\"")
            && wrong.contains("3 things are not right")
    );
    assert!(wrong.contains("value=\"DE\" selected>Germany<") && wrong.contains("<li>No such field.</li>"));
    assert!(wrong.contains(" checked"));

    let fresh = templates.render("pages/signup.html", "en", signup("first met")).unwrap();
    assert!(
        !fresh.contains("role=\"alert\"") && !fresh.contains("aria-invalid") && !fresh.contains(" checked")
    );
    assert!(fresh.contains("<title>Subscribe to “News” · Example Press &amp; Co.</title>"));
    assert!(fresh.contains("<p>We write to you.</p>\n<p>We keep little.</p>"));
    assert!(fresh.contains("Version 3, published on 2 November 2026"));
}

#[test]
fn every_refusal_has_its_words() {
    let templates = templates();
    let names = "bad_request undeclared_origin foreign_page unknown_list unknown_notice incomplete_link damaged_undo \
                 not_found method list_closed no_token unknown_token forbidden stale_form too_many_tries invalid \
                 no_evidence key_reused auditors_only too_large media_type internal busy";
    for refusal in names.split(' ') {
        let seconds = ["busy", "too_many_tries"].contains(&refusal).then_some(1);
        let context = json!({ "refusal": refusal, "status": 400, "seconds": seconds, "notice_url": null });
        templates.render("pages/refused.html", "de", context).unwrap();
    }
    let worded = templates.words().keys().filter(|key| key.starts_with("refusal."));
    assert_eq!(worded.count(), names.split(' ').count() * 3);
}

#[test]
fn html_escapes_and_text_does_not() {
    let templates = templates();
    let title = "<script>alert(1)</script> & \"more\"";
    for (name, mut context) in samples() {
        if let Some(list) = context.get_mut("list").and_then(Json::as_object_mut) {
            list.insert("title".into(), json!(title));
        }
        for list in context.get_mut("lists").and_then(Json::as_array_mut).into_iter().flatten() {
            if let Some(list) = list.as_object_mut() {
                list.insert("title".into(), json!(title));
            }
        }
        let text = templates.render(&name, "en", context).unwrap();
        let is_text = name.ends_with("subject.txt") || name.ends_with("body.txt");
        assert_eq!(text.contains("<script>"), is_text && text.contains("alert(1)"), "{name}");
    }
}

#[test]
fn lines_of_letters_are_narrow_and_links_stand_alone() {
    let templates = templates();
    let url = format!("https://news.example/c/{}", "x".repeat(70));
    let mail = format!("leave+{}@mailboxes.news.example", "x".repeat(58));
    let context = json!({
        "list": { "title": "News" }, "leave_mailto": mail, "confirm_url": url, "not_me_url": url, "hours": 72, "notice_url": url,
    });
    for lang in templates.words().codes() {
        let text = templates.render("letters/confirmation/body.txt", lang, &context).unwrap();
        assert_eq!(text.lines().filter(|line| *line == url).count(), 3);
        assert_eq!(text.lines().filter(|line| *line == mail).count(), 1);
        let whole = |line: &str| line == url || line == mail;
        assert!(text.lines().all(|line| line.chars().count() <= 78 || whole(line)), "{text}");
        assert!(text.contains(&format!("{url}\n\n--------\n")) && !text.contains("\n\n\n"), "{text}");
    }
}

#[test]
fn what_is_not_given_is_an_error_with_file_and_line() {
    let error = templates()
        .render("pages/check_mail.html", "en", json!({ "list": { "title": "News" } }))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "templates/pages/check_mail.html:8: `n` for `check_mail.hours` is undefined"
    );
    let error =
        templates().render("pages/expired.html", "en", json!({ "list": {} })).unwrap_err().to_string();
    assert!(error.starts_with("templates/pages/expired.html:6: "), "{error}");
    let missing = templates().render("pages/none.html", "en", json!({})).unwrap_err();
    assert_eq!(missing.to_string(), "there is no template `pages/none.html`");
    let missing = templates().render("pages/home.html", "xx", json!({})).unwrap_err();
    assert_eq!(missing.to_string(), "there is no language `xx`");
}

#[test]
fn errors_quote_nothing_of_what_was_to_be_shown() {
    let context = json!({ "letters": [{ "number": 1, "to": "secret@home.example", "from": "f", "subject": "s",
        "date": "secret-date", "text": "secret-text", "attachments": [] }] });
    let error = templates().render("pages/inbox.html", "en", context).unwrap_err();
    assert!(!format!("{error} {error:?} {error:#?}").contains("secret"));
}

#[test]
fn every_key_is_asked_for() {
    let sources = built_in();
    let asked: BTreeSet<&str> =
        sources.values().flat_map(|source| text::keys_in(&source.content)).map(|(_, key)| key).collect();
    let templates = templates();
    let asked = |key: &&str| asked.iter().chain(COMPOSED).any(|asked| text::names(asked, key));
    let idle: Vec<&str> = templates.words().keys().filter(|key| !asked(key)).collect();
    assert!(idle.is_empty(), "no one asks for {idle:?}");
}

#[test]
fn all_countries_are_listed_in_every_language() {
    let templates = templates();
    for language in templates.words().languages() {
        let countries = templates.words().countries(&language.code).unwrap();
        let codes: BTreeSet<&str> = countries.iter().map(|country| country.code.as_str()).collect();
        let names: BTreeSet<&str> = countries.iter().map(|country| country.name.as_str()).collect();
        assert_eq!((countries.len(), codes.len(), names.len()), (249, 249, 249), "{}", language.code);
        assert!(
            codes.iter().all(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        );
    }
}
