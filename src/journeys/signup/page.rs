//! The signup page, empty or to be corrected, and the same in JSON.

use http::StatusCode;
use serde_json::{Map, Value, json};
use warp::reply::Response;

use super::form::{Faults, Form};
use crate::app::App;
use crate::consent::address::AddressProblem;
use crate::consent::field::{Field, FieldKind, FieldProblem};
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::web::answer::{Answer, json as json_answer, page, problem as json_problem};
use crate::web::asked::Asked;
use crate::web::seen::notice_context;

/// The language of page, letter and record: the form's own, else the best asked for, else the list's. Only such
/// count as the notice has a text in: nobody agrees to a text in a language that the page does not speak.
pub fn language<'a>(
    app: &'a App,
    asked: &Asked,
    shown: Option<&str>,
    list: &'a List,
    notice: &Notice,
) -> &'a str {
    let words = app.templates.words();
    let known = |lang: &&str| notice.languages().any(|of| of == *lang);
    words
        .pick(shown.into_iter().chain(asked.languages()).filter(known))
        .or_else(|| words.pick([list.options.lang.as_str()]))
        .unwrap_or("en")
}

/// The form as it is first met. The consent box is empty.
pub fn show(app: &App, asked: &Asked, list: &List, notice: &Notice, lang: &str) -> Answer {
    if asked.json {
        return Ok(json_answer(StatusCode::OK, &description(list, notice, lang)));
    }
    render(app, StatusCode::OK, list, notice, lang, &Form::default(), &Faults::default())
}

/// The form again, filled in, with what is to be mended.
pub fn again(app: &App, list: &List, notice: &Notice, lang: &str, form: &Form, faults: &Faults) -> Answer {
    render(app, status(faults), list, notice, lang, form, faults)
}

/// The same for a program.
pub fn problem(app: &App, list: &List, notice: &Notice, lang: &str, faults: &Faults) -> Response {
    let words = Words { app, list, lang };
    let errors: Vec<Value> = words
        .all(faults)
        .into_iter()
        .map(|(pointer, detail)| json!({ "pointer": pointer, "detail": detail }))
        .collect();
    let (name, title, detail) = if faults.stale {
        ("stale_notice", words.say("signup.stale_title", &[]), words.say("signup.stale", &[]))
    } else {
        let n = errors.len();
        let details: Vec<&str> = errors.iter().filter_map(|error| error["detail"].as_str()).collect();
        ("invalid", words.say("signup.problems", &[("n", &n)]), details.join(" "))
    };
    let mut more = Map::from_iter([("errors".to_owned(), Value::from(errors))]);
    if faults.stale {
        more.insert("notice".into(), notice_context(notice, lang));
    }
    json_problem(status(faults), name, &title, &detail, more)
}

fn status(faults: &Faults) -> StatusCode {
    if faults.stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY }
}

fn description(list: &List, notice: &Notice, lang: &str) -> Value {
    let fields: Vec<Value> = list
        .options
        .fields
        .iter()
        .map(|field| {
            json!({
                "name": field.name, "type": field.kind, "required": field.required, "max": field.max,
                "label": field.label(lang, &list.options.lang),
            })
        })
        .collect();
    json!({
        "slug": list.slug, "title": list.title(lang), "lang": lang,
        "notice": notice_context(notice, lang), "fields": fields,
    })
}

fn render(
    app: &App,
    status: StatusCode,
    list: &List,
    notice: &Notice,
    lang: &str,
    form: &Form,
    faults: &Faults,
) -> Answer {
    let words = Words { app, list, lang };
    let field = |field: &Field| {
        let problem = faults.fields.iter().find(|(name, _)| *name == field.name);
        json!({
            "name": field.name,
            "label": field.label(lang, &list.options.lang),
            "kind": field.kind,
            "required": field.required,
            "max": field.max,
            "value": form.fields.get(&field.name).map_or("", String::as_str),
            "problem": problem.map(|(name, problem)| words.field(name, *problem)),
        })
    };
    let mut problems: Vec<String> = Vec::new();
    if faults.notice_missing {
        problems.push(words.say("problem.notice.missing", &[]));
    }
    problems.extend(
        faults
            .fields
            .iter()
            .filter(|(name, _)| name.is_empty())
            .map(|(name, problem)| words.field(name, *problem)),
    );
    let context = json!({
        "list": { "slug": list.slug, "title": list.title(lang) },
        "notice": notice_context(notice, lang),
        "email": { "value": form.email, "problem": faults.email.map(|problem| words.email(problem)) },
        "fields": list.options.fields.iter().map(field).collect::<Vec<_>>(),
        "consent": {
            // What was agreed to has changed: the box is empty again.
            "given": form.consent && !faults.stale,
            "problem": faults.consent_missing.then(|| words.say("problem.consent.missing", &[])),
        },
        "problems": problems,
        "stale": faults.stale,
        "action": format!("/lists/{}", list.slug),
    });
    page(app, status, lang, "signup", context)
}

/// What is wrong, in the person's words.
struct Words<'a> {
    app: &'a App,
    list: &'a List,
    lang: &'a str,
}

impl Words<'_> {
    fn say(&self, key: &str, args: &[(&str, &dyn std::fmt::Display)]) -> String {
        self.app.templates.words().t(self.lang, key, args).unwrap_or_else(|error| {
            tracing::error!(%error, "words are missing");
            String::new()
        })
    }

    fn all(&self, faults: &Faults) -> Vec<(String, String)> {
        let mut all = Vec::new();
        if let Some(problem) = faults.email {
            all.push(("#/email".to_owned(), self.email(problem)));
        }
        if faults.consent_missing {
            all.push(("#/consent".to_owned(), self.say("problem.consent.missing", &[])));
        }
        if faults.notice_missing {
            all.push(("#/notice".to_owned(), self.say("problem.notice.missing", &[])));
        }
        for (name, problem) in &faults.fields {
            let pointer = if name.is_empty() { "#".to_owned() } else { format!("#/fields/{name}") };
            all.push((pointer, self.field(name, *problem)));
        }
        all
    }

    fn email(&self, problem: AddressProblem) -> String {
        let key = match problem {
            AddressProblem::Missing => "missing",
            AddressProblem::TooLong => "too_long",
            AddressProblem::Control => "control",
            AddressProblem::NoDot => "no_dot",
            AddressProblem::Literal => "literal",
            AddressProblem::Formula => "formula",
            AddressProblem::Malformed => "invalid",
        };
        self.say(&format!("problem.email.{key}"), &[("max", &crate::consent::address::MAX_BYTES)])
    }

    fn field(&self, name: &str, problem: FieldProblem) -> String {
        let options = &self.list.options;
        let declared = options.fields.iter().find(|field| field.name == name);
        let label = declared.map_or(name, |field| field.label(self.lang, &options.lang));
        let is_country = declared.is_some_and(|field| field.kind == FieldKind::Country);
        match problem {
            FieldProblem::Undeclared => self.say("problem.field.undeclared", &[]),
            FieldProblem::Missing => self.say("problem.field.missing", &[("label", &label)]),
            FieldProblem::IllTyped if is_country => self.say("problem.field.country", &[]),
            FieldProblem::IllTyped => self.say("problem.field.control", &[("label", &label)]),
            FieldProblem::TooLong(n) => self.say("problem.field.too_long", &[("label", &label), ("n", &n)]),
        }
    }
}
