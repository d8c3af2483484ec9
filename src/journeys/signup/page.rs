//! The signup page, empty or to be corrected, and the same in JSON.

use http::StatusCode;
use serde_json::{Map, Value, json};
use warp::reply::Response;

use super::form::{Faults, Form};
use crate::app::App;
use crate::consent::address::AddressProblem;
use crate::consent::field::{Field, FieldProblem};
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::web::answer::{Answer, json as json_answer, page, problem as json_problem, say};
use crate::web::asked::Asked;
use crate::web::email;
use crate::web::fields;
use crate::web::notice::{language, shown as shown_notice};
use crate::web::onward::{let_forms_lead_to, onward};

/// The signup page of one list, in one language.
pub struct Page<'a> {
    app: &'a App,
    list: &'a List,
    notice: &'a Notice,
    /// What page, letter and record speak.
    pub lang: &'a str,
}

impl<'a> Page<'a> {
    /// The page in the language that its form was `shown` in, where one was posted.
    pub fn new(
        app: &'a App,
        asked: &Asked,
        shown: Option<&str>,
        list: &'a List,
        notice: &'a Notice,
    ) -> Page<'a> {
        Page { app, list, notice, lang: language(app, asked, shown, list, notice) }
    }

    /// The form as it is first met; the consent box is empty. For a program, what it asks for.
    pub fn first(&self, asked: &Asked) -> Answer {
        if asked.json {
            return Ok(json_answer(StatusCode::OK, &self.description()));
        }
        self.form(StatusCode::OK, &Form::default(), &Faults::default())
    }

    /// The form again, filled in, with what is to be mended; or a problem.
    pub fn again(&self, asked: &Asked, form: &Form, faults: &Faults) -> Answer {
        let status = match faults {
            Faults { foreign: true, .. } => StatusCode::FORBIDDEN,
            Faults { stale: true, .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        if asked.json { Ok(self.problem(status, faults)) } else { self.form(status, form, faults) }
    }

    /// The same for everybody, whatever the address met: our own page, or the list's.
    pub fn check_your_mail(&self, asked: &Asked) -> Answer {
        if asked.json {
            return Ok(json_answer(StatusCode::ACCEPTED, &json!({ "status": "check_your_mail" })));
        }
        let options = &self.list.options;
        if let Some(onward) = self.list.text_in(self.lang, &options.after_signup).and_then(onward) {
            return Ok(onward);
        }
        let context = json!({ "list": self.list_context(), "hours": options.pending_ttl_hours });
        page(self.app, StatusCode::OK, self.lang, "check_mail", context)
    }

    fn list_context(&self) -> Value {
        json!({ "slug": self.list.slug, "title": self.list.title(self.lang) })
    }

    fn description(&self) -> Value {
        let options = &self.list.options;
        let field = |field: &Field| {
            json!({
                "name": field.name, "type": field.kind, "required": field.required, "max": field.max,
                "label": self.label(field),
            })
        };
        json!({
            "slug": self.list.slug,
            "title": self.list.title(self.lang),
            "lang": self.lang,
            "notice": shown_notice(self.list, self.notice, self.lang),
            "fields": options.fields.iter().map(field).collect::<Vec<_>>(),
        })
    }

    fn problem(&self, status: StatusCode, faults: &Faults) -> Response {
        let all = self.all(faults);
        let (name, title, detail) = if faults.stale {
            ("stale_notice", self.say("signup.stale_title", &[]), self.say("signup.stale", &[]))
        } else {
            let details: Vec<&str> = all.iter().map(|(_, detail)| detail.as_str()).collect();
            ("invalid", self.say("signup.problems", &[("n", &all.len())]), details.join(" "))
        };
        let error = |(pointer, detail): &(String, String)| json!({ "pointer": pointer, "detail": detail });
        let errors: Vec<Value> = all.iter().map(error).collect();
        let mut more = Map::from_iter([("errors".to_owned(), Value::from(errors))]);
        if faults.stale {
            more.insert("notice".into(), shown_notice(self.list, self.notice, self.lang));
        }
        json_problem(status, name, &title, &detail, more)
    }

    fn form(&self, status: StatusCode, form: &Form, faults: &Faults) -> Answer {
        let options = &self.list.options;
        let field = |field: &Field| {
            let problem = faults.fields.iter().find(|(name, _)| *name == field.name);
            json!({
                "name": field.name,
                "label": self.label(field),
                "kind": field.kind,
                "required": field.required,
                "max": field.max,
                "value": form.fields.get(&field.name).map_or("", String::as_str),
                "problem": problem.map(|(name, problem)| self.field(name, *problem)),
            })
        };
        // What belongs to no single input.
        let undeclared = faults.fields.iter().filter(|(name, _)| name.is_empty());
        let mut problems: Vec<String> =
            undeclared.map(|(name, problem)| self.field(name, *problem)).collect();
        if faults.notice_missing {
            problems.insert(0, self.say("problem.notice.missing", &[]));
        }
        let context = json!({
            "list": self.list_context(),
            "notice": shown_notice(self.list, self.notice, self.lang),
            "email": { "value": form.email, "problem": faults.email.map(|problem| self.email(problem)) },
            "fields": options.fields.iter().map(field).collect::<Vec<_>>(),
            "consent": {
                // What was agreed to has changed, or was shown by somebody else: the box is empty again.
                "given": form.consent && !faults.stale && !faults.foreign,
                "problem": faults.consent_missing.then(|| self.say("problem.consent.missing", &[])),
            },
            "problems": problems,
            "stale": faults.stale,
            "foreign": faults.foreign,
            "action": format!("/lists/{}", self.list.slug),
        });
        let mut response = page(self.app, status, self.lang, "signup", context)?;
        let_forms_lead_to(&options.after_signup, &mut response);
        Ok(response)
    }

    fn say(&self, key: &str, args: &[(&str, &dyn std::fmt::Display)]) -> String {
        say(self.app, self.lang, key, args)
    }

    fn label(&self, field: &Field) -> String {
        fields::label(self.app, self.list, field, self.lang)
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
        email::told(self.app, self.lang, problem)
    }

    fn field(&self, name: &str, problem: FieldProblem) -> String {
        fields::told(self.app, self.list, name, problem, self.lang)
    }
}
