//! An e-mail address as people type it into a form of ours.

use serde_json::Value;

use super::answer::say;
use super::asked::ContentKind;
use super::form;
use super::refusal::Refusal;
use super::request::Request;
use crate::app::App;
use crate::consent::address::{Address, AddressProblem, MAX_BYTES};

/// What was typed into the one input of a form, `email`, or sent as JSON; "" where there is none.
///
/// # Errors
/// Where the body is neither, or damaged.
pub fn typed(request: &Request) -> Result<String, Refusal> {
    let body = request.body()?;
    match request.asked.content {
        ContentKind::Form => {
            let pairs = form::parse(body).map_err(|_| Refusal::BadRequest)?;
            let email = form::one(&pairs, "email").map_err(|_| Refusal::BadRequest)?;
            Ok(email.unwrap_or_default().to_owned())
        }
        ContentKind::Json => {
            let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::BadRequest)?;
            let members = value.as_object().ok_or(Refusal::BadRequest)?;
            Ok(members.get("email").and_then(Value::as_str).unwrap_or_default().to_owned())
        }
        _ => Err(Refusal::MediaType),
    }
}

/// An address that is to be written to from now on, and can be: of some local parts the relay takes none.
pub fn reachable(app: &App, text: &str) -> Result<Address, AddressProblem> {
    match Address::parse(text)? {
        address if address.needs_smtputf8() && !app.mailer.takes_utf8() => Err(AddressProblem::NotAscii),
        address => Ok(address),
    }
}

/// What is wrong with an address, in words.
pub fn told(app: &App, lang: &str, problem: AddressProblem) -> String {
    let key = match problem {
        AddressProblem::Missing => "missing",
        AddressProblem::TooLong => "too_long",
        AddressProblem::Control => "control",
        AddressProblem::NoDot => "no_dot",
        AddressProblem::Literal => "literal",
        AddressProblem::Formula => "formula",
        AddressProblem::NotAscii => "not_ascii",
        AddressProblem::Malformed => "invalid",
    };
    say(app, lang, &format!("problem.email.{key}"), &[("max", &MAX_BYTES)])
}
