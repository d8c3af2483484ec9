//! Asking by address for a letter with a link. The answer is the same at once, whoever has the address: only the
//! mailbox's owner learns more, by letter.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, act_answer, page, problem, say};
use super::email;
use super::refusal::Refusal;
use super::request::{Request, Verb};
use crate::app::App;
use crate::consent::address::{Address, AddressProblem};
use crate::consent::change::Asked;
use crate::consent::subscription::ASK_AGAIN;

/// A door with one input, for an address.
pub struct AddressDoor<'a> {
    pub kind: Asked,
    /// The open lists that are asked about, by number.
    pub open: Vec<u32>,
    pub lang: &'a str,
    /// Where the form posts.
    pub path: String,
    /// The page with the form.
    pub form: &'static str,
    /// The page that everybody gets.
    pub asked: &'static str,
    /// What both pages are given besides.
    pub context: Value,
}

impl AddressDoor<'_> {
    pub async fn answer(mut self, app: &App, request: &Request) -> Answer {
        let asked = &request.asked;
        match request.verb()? {
            Verb::Look => self.show(app, StatusCode::OK, "", None),
            // All that could come of another site's form is one letter to the mailbox's owner, and anybody can cause
            // that. But no site has a reason to ask in its visitors' name, and none shall learn to.
            Verb::Act if asked.is_foreign(&app.links.public_url) => Err(Refusal::ForeignPage),
            Verb::Act => {
                let typed = email::typed(request)?;
                let address = match Address::parse(&typed) {
                    Ok(address) => address,
                    Err(fault) if asked.json => return Ok(self.problem(app, fault)),
                    Err(fault) => {
                        return self.show(app, StatusCode::UNPROCESSABLE_ENTITY, &typed, Some(fault));
                    }
                };
                app.ask(self.kind, &self.open, &address).await?;
                self.context["minutes"] = json!(ASK_AGAIN.as_mins());
                let status = if asked.json { StatusCode::ACCEPTED } else { StatusCode::OK };
                act_answer(app, asked, status, self.lang, self.asked, self.context)
            }
        }
    }

    /// The form, empty or with what is to be mended.
    fn show(mut self, app: &App, status: StatusCode, typed: &str, fault: Option<AddressProblem>) -> Answer {
        let told = fault.map(|fault| email::told(app, self.lang, fault));
        self.context["email"] = json!({ "value": typed, "problem": told });
        // What comes next is spoken in the form's language.
        self.context["action"] = json!(format!("{}?lang={}", self.path, self.lang));
        page(app, status, self.lang, self.form, self.context)
    }

    fn problem(&self, app: &App, fault: AddressProblem) -> warp::reply::Response {
        let detail = email::told(app, self.lang, fault);
        let title = say(app, self.lang, "signup.problems", &[("n", &1)]);
        let errors = json!([{ "pointer": "#/email", "detail": detail }]);
        let more = Map::from_iter([("errors".to_owned(), errors)]);
        problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &title, &detail, more)
    }
}
