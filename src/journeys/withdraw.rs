//! Withdraw: by the link of any newsletter, in a browser or by a mail provider's one-click POST (RFC 8058).

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use warp::Reply as _;

use crate::app::App;
use crate::consent::change::Erase;
use crate::consent::subscription::{EraseOutcome, UNDO_FOR};
use crate::store::StoreError;
use crate::token::{Purpose, Token};
use crate::web::answer::{Answer, act_answer, page};
use crate::web::fields;
use crate::web::form;
use crate::web::notice;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::seen::{Seen, see};

/// `GET` and `POST /u/{token}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, text: String) -> Answer {
    let token = app.links.tokens.read(Purpose::Unsubscribe, &text).map_err(|_| Refusal::IncompleteLink)?;
    match request.verb()? {
        Verb::Look => show(&app, &see(&app, &request, &token).await?, &text),
        Verb::Act => {
            // The link is the authority. Whatever body comes with it, multipart, urlencoded, empty or odd: nobody
            // is kept because of how their mail program posts (RFC 8058 §3.2).
            let form = form::parse(request.body()?).unwrap_or_default();
            let by_person = matches!(form::one(&form, "from"), Ok(Some("page")));
            if !by_person && !request.asked.json {
                // A provider wants no page, no redirect and no cookie.
                withdraw(&app, &token).await?;
                return Ok(warp::reply().into_response());
            }
            // Seen before the act, for the language: afterwards nothing is known.
            let seen = see(&app, &request, &token).await?;
            let (outcome, undo) = app.withdraw_undoably(&token).await?;
            answer(&app, &request, &seen, outcome, undo)
        }
    }
}

/// The use case: everything personal goes at once, whatever the subscription's state.
pub async fn withdraw(app: &App, token: &Token) -> Result<EraseOutcome, StoreError> {
    app.store.erase(Erase::withdraw(token, app.clock.now())).await
}

/// Kinds of data, never values: the link may have been forwarded with the newsletter it stood in.
fn show(app: &App, seen: &Seen, text: &str) -> Answer {
    let lang = seen.lang.as_str();
    if seen.subscription.is_none() {
        return page(app, StatusCode::OK, lang, "nothing_here", seen.nothing_here());
    }
    let fields = seen.list.options.fields.iter();
    let fields: Vec<_> = fields.map(|field| fields::label(app, &seen.list, field, lang)).collect();
    let context = json!({
        "list": seen.list_context(),
        "fields": fields,
        "action": format!("/u/{text}"),
        // Not the version that was agreed to: that, too, would tell something of the person.
        "notice_url": notice::current_url(&seen.list, lang),
    });
    page(app, StatusCode::OK, lang, "unsubscribe", context)
}

fn answer(app: &App, request: &Request, seen: &Seen, outcome: EraseOutcome, undo: Option<String>) -> Answer {
    let template = match outcome {
        EraseOutcome::Erased => "unsubscribed",
        EraseOutcome::Spared | EraseOutcome::NoRow => "nothing_here",
    };
    let mut context = seen.nothing_here();
    // Nobody comes back to a list that has ended.
    context["undo"] = json!(undo.filter(|_| !seen.list.is_closed));
    context["minutes"] = json!(UNDO_FOR.as_mins());
    act_answer(app, &request.asked, StatusCode::OK, &seen.lang, template, context)
}
