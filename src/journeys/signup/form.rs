//! What was posted, as a form or as JSON, and what is wrong with it.

use serde_json::{Map, Value};

use crate::app::App;
use crate::consent::address::AddressProblem;
use crate::consent::change::Entered;
use crate::consent::field::{FieldProblem, Profile, check_profile};
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::web::asked::ContentKind;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::{email, form};

/// A signup as it was posted, unchecked.
#[derive(Default)]
pub struct Form {
    pub email: String,
    pub consent: bool,
    pub fields: Profile,
    notice: Option<u32>,
    lang: Option<String>,
    /// Fields whose JSON value is no text.
    ill_typed: Vec<String>,
    /// A known name twice, or a member that the door does not know.
    malformed: bool,
}

/// Everything that keeps a signup from being taken, so that it can all be mended at once.
#[derive(Default)]
pub struct Faults {
    /// The form stood on a site that the list does not know.
    pub foreign: bool,
    /// The notice has a newer version than the one that was shown.
    pub stale: bool,
    pub notice_missing: bool,
    pub consent_missing: bool,
    pub email: Option<AddressProblem>,
    /// By field name; undeclared ones under an empty name.
    pub fields: Vec<(String, FieldProblem)>,
}

impl Form {
    /// Reads a POST in either form. Broken encoding is refused here; what it says is checked by [`Form::check`].
    pub fn read(request: &Request) -> Result<Form, Refusal> {
        let body = request.body()?;
        match request.asked.content {
            ContentKind::Form => {
                let pairs = form::parse(body).map_err(|_| Refusal::BadRequest)?;
                Ok(Form::from_pairs(pairs))
            }
            ContentKind::Json => {
                let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::BadRequest)?;
                let Value::Object(members) = value else { return Err(Refusal::BadRequest) };
                if holds_nul(&Value::Object(members.clone())) {
                    return Err(Refusal::BadRequest);
                }
                Ok(Form::from_json(members))
            }
            _ => Err(Refusal::MediaType),
        }
    }

    fn from_pairs(pairs: Vec<(String, String)>) -> Form {
        let mut form = Form::default();
        let mut seen = std::collections::HashSet::new();
        for (name, value) in pairs {
            form.malformed |= !seen.insert(name.clone());
            match name.as_str() {
                "email" => form.email = value,
                "consent" => form.consent = value == "yes",
                "notice" => form.notice = value.parse().ok(),
                "lang" => form.lang = Some(value),
                _ => _ = form.fields.insert(name, value),
            }
        }
        form
    }

    pub fn from_json(members: Map<String, Value>) -> Form {
        let mut form = Form::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("email", Value::String(email)) => form.email = email,
                ("consent", Value::Bool(consent)) => form.consent = consent,
                ("notice", Value::Number(number)) => {
                    form.notice = number.as_u64().and_then(|n| n.try_into().ok())
                }
                ("lang", Value::String(lang)) => form.lang = Some(lang),
                ("lang", Value::Null) => {}
                ("fields", Value::Object(fields)) => {
                    for (name, value) in fields {
                        match value {
                            Value::String(value) => _ = form.fields.insert(name, value),
                            Value::Null => {}
                            _ => form.ill_typed.push(name),
                        }
                    }
                }
                _ => form.malformed = true,
            }
        }
        form
    }

    /// The language that the form says it was shown in.
    pub fn lang(&self) -> Option<&str> {
        self.lang.as_deref()
    }

    /// Checks all of it against the list as it is now.
    pub fn check(
        &self,
        app: &App,
        list: &List,
        notice: &Notice,
        lang: &str,
        origin: Option<&str>,
    ) -> Result<Entered, Faults> {
        let address = email::reachable(app, &self.email);
        let profile = check_profile(&list.options.fields, &self.fields);
        let mut faults = Faults {
            stale: self.notice.is_some_and(|shown| shown != notice.version),
            notice_missing: self.notice.is_none(),
            consent_missing: !self.consent,
            ..Faults::default()
        };
        let declared = |name: &String| list.options.fields.iter().any(|field| field.name == *name);
        let (ill_typed, unknown): (Vec<_>, Vec<_>) = self.ill_typed.iter().cloned().partition(declared);
        faults.fields.extend(ill_typed.into_iter().map(|name| (name, FieldProblem::IllTyped)));
        if self.malformed || !unknown.is_empty() {
            faults.fields.push((String::new(), FieldProblem::Undeclared));
        }
        match (address, profile) {
            (Ok(address), Ok(profile)) if faults.is_empty() => Ok(Entered {
                address,
                profile,
                lang: lang.to_owned(),
                origin: origin.map(str::to_owned),
                network: None,
            }),
            (address, profile) => {
                faults.email = address.err();
                faults.fields.extend(profile.err().unwrap_or_default());
                faults.fields.dedup();
                Err(faults)
            }
        }
    }
}

impl Faults {
    fn is_empty(&self) -> bool {
        !self.stale && !self.notice_missing && !self.consent_missing && self.fields.is_empty()
    }
}

pub fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}
