//! Undo: a withdrawal is taken back by the page that told of it. Nobody else has what that needs.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::consent::change::{CannotRestore, Restore};
use crate::consent::list::List;
use crate::consent::subscription::RestoreOutcome;
use crate::consent::undo::Undo;
use crate::web::answer::{Answer, act_answer, language_of};
use crate::web::asked::ContentKind;
use crate::web::form;
use crate::web::refusal::{Refusal, open_list};
use crate::web::request::Request;

/// `POST /undo`
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.acts_only()?;
    let undo = Undo::open(&app.keys, &given(&request)?).map_err(|_| Refusal::DamagedUndo)?;
    let found = app.store.find_list_by_number(undo.list()).await?.ok_or(Refusal::UnknownList)?;
    let (list, _) = open_list(found)?;
    let lang = language_of(&app, &request.asked, Some(undo.lang()), &list.options.lang);
    let outcome = restore(&app, undo).await?;
    answer(&app, &request, list, lang, outcome)
}

/// The use case: the row is back as it was, once and within the time, unless a newer one has taken its place.
pub async fn restore(app: &App, undo: Undo) -> Result<RestoreOutcome, Refusal> {
    match Restore::new(&app.keys, undo, App::random(), app.clock.now()) {
        Ok(restore) => Ok(app.store.restore(restore).await?),
        Err(CannotRestore::TooLate) => Ok(RestoreOutcome::TooLate),
        Err(CannotRestore::Damaged(_)) => Err(Refusal::DamagedUndo),
    }
}

/// What the page's form holds.
fn given(request: &Request) -> Result<String, Refusal> {
    let body = request.body()?;
    if request.asked.content != ContentKind::Form {
        return Err(Refusal::MediaType);
    }
    let form = form::parse(body).map_err(|_| Refusal::BadRequest)?;
    let undo = form::one(&form, "undo").map_err(|_| Refusal::BadRequest)?;
    Ok(undo.unwrap_or_default().to_owned())
}

fn answer(app: &App, request: &Request, list: List, lang: &str, outcome: RestoreOutcome) -> Answer {
    let (status, template) = match outcome {
        RestoreOutcome::Restored => (StatusCode::OK, "restored"),
        RestoreOutcome::AlreadyRestored => (StatusCode::OK, "already_restored"),
        RestoreOutcome::TooLate => (StatusCode::GONE, "undo_late"),
        // The same answer: the newsletter may have been forwarded, and whether its reader has come back is their own.
        RestoreOutcome::Used | RestoreOutcome::Taken => (StatusCode::GONE, "undo_used"),
        RestoreOutcome::Closed => return Err(Refusal::ListClosed { slug: list.slug }),
        RestoreOutcome::Stale => return Err(Refusal::Busy),
    };
    let context = json!({
        "list": { "slug": list.slug, "title": list.title(lang) },
        "signup_url": format!("/lists/{}", list.slug),
    });
    act_answer(app, &request.asked, status, lang, template, context)
}
