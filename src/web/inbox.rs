//! The inbox of `dev`, as a page and as JSON. It does not exist in `serve`.

use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use warp::Reply as _;

use super::answer::{Answer, json as json_answer, language, page};
use super::form;
use super::refusal::Refusal;
use super::request::Request;
use crate::app::App;
use crate::mail::inbox::{Caught, Inbox};

/// `GET /inbox`: newest first.
pub async fn list(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let letters = letters(&app, None)?;
    let shown: Vec<_> = letters
        .iter()
        .rev()
        .map(|letter| {
            json!({ "number": letter.number, "to": letter.to, "from": letter.from, "subject": letter.subject,
                    "date": letter.date, "text": letter.text, "attachments": attachments(letter) })
        })
        .collect();
    let lang = language(&app, &request.asked, "en");
    page(&app, StatusCode::OK, lang, "inbox", json!({ "letters": shown }))
}

/// `GET /inbox.json?to=`: newest last.
pub async fn all(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let query = form::parse(request.query.as_bytes()).map_err(|_| Refusal::BadRequest)?;
    let to = form::one(&query, "to").map_err(|_| Refusal::BadRequest)?;
    let letters = letters(&app, to)?;
    let shown: Vec<_> =
        letters.iter().map(|letter| Shown { letter, attachments: attachments(letter) }).collect();
    Ok(json_answer(StatusCode::OK, &shown))
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    letter: &'a Caught,
    attachments: Vec<Value>,
}

/// `GET /inbox/{number}/html`: one letter's HTML as a mail program would show it: styles, but no script and
/// nothing from elsewhere.
pub async fn html(app: Arc<App>, request: Arc<Request>, number: String) -> Answer {
    request.looks_only()?;
    let letter = letter(&app, &number)?;
    let mut response = warp::reply::html(letter.html).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; sandbox \
                  allow-popups allow-top-navigation-by-user-activation";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}

/// `GET /inbox/{number}/attachments/{nth}`: a file that came with a letter, counted from 1, to be saved and never
/// shown here, whatever it says that it is.
pub async fn attachment(app: Arc<App>, request: Arc<Request>, (number, nth): (String, String)) -> Answer {
    request.looks_only()?;
    let mut attached = (1..).zip(letter(&app, &number)?.attachments);
    let (_, file) = attached.find(|(at, _): &(u32, _)| at.to_string() == nth).ok_or(Refusal::NotFound)?;
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{}\"", file.name));
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, disposition.map_err(|_| Refusal::Internal)?);
    Ok(response)
}

/// What is attached to a letter, and where to get it.
fn attachments(letter: &Caught) -> Vec<Value> {
    let at = |nth: u32| format!("/inbox/{}/attachments/{nth}", letter.number);
    (1..).zip(&letter.attachments).map(|(nth, file)| json!({ "name": file.name, "url": at(nth) })).collect()
}

fn letter(app: &App, number: &str) -> Result<Caught, Refusal> {
    let mut letters = letters(app, None)?.into_iter();
    letters.find(|letter| letter.number.to_string() == number).ok_or(Refusal::NotFound)
}

fn letters(app: &App, to: Option<&str>) -> Result<Vec<Caught>, Refusal> {
    let inbox: &Inbox = app.inbox.as_ref().ok_or(Refusal::NotFound)?;
    inbox.letters(to).map_err(|error| {
        tracing::error!(%error, "the inbox cannot be read");
        Refusal::Internal
    })
}
