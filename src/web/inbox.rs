//! The inbox of `dev`, as a page and as JSON. It does not exist in `serve`.

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use serde_json::json;
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
                    "date": letter.date, "text": letter.text })
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
    Ok(json_answer(StatusCode::OK, &letters(&app, to)?))
}

/// `GET /inbox/{number}/html`: one letter's HTML as a mail program would show it: styles, but no script and
/// nothing from elsewhere.
pub async fn html(app: Arc<App>, request: Arc<Request>, number: String) -> Answer {
    request.looks_only()?;
    let letters = letters(&app, None)?;
    let letter =
        letters.iter().find(|letter| letter.number.to_string() == number).ok_or(Refusal::NotFound)?;
    let mut response = warp::reply::html(letter.html.clone()).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; sandbox \
                  allow-popups allow-top-navigation-by-user-activation";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, http::HeaderValue::from_static(policy));
    Ok(response)
}

fn letters(app: &App, to: Option<&str>) -> Result<Vec<Caught>, Refusal> {
    let inbox: &Inbox = app.inbox.as_ref().ok_or(Refusal::NotFound)?;
    inbox.letters(to).map_err(|error| {
        tracing::error!(%error, "the inbox cannot be read");
        Refusal::Internal
    })
}
