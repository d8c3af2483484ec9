//! Confirm: the second yes. The link's page asks; only its button acts.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::consent::change::Confirm;
use crate::consent::subscription::{CONFIRMABLE, ConfirmOutcome};
use crate::store::StoreError;
use crate::token::{Purpose, Token};
use crate::web::answer::{Answer, act_answer, page};
use crate::web::notice;
use crate::web::onward::{let_forms_lead_to, onward};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::seen::{Seen, see};

/// `GET` and `POST /c/{token}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, text: String) -> Answer {
    let token = app.links.tokens.read(Purpose::Confirm, &text).map_err(|_| Refusal::IncompleteLink)?;
    match request.verb()? {
        Verb::Look => show(&app, &request, &token, &text).await,
        Verb::Act => {
            request.button()?;
            let outcome = confirm(&app, &token).await?;
            answer(&app, &request, &token, outcome).await
        }
    }
}

/// The use case: makes a pending subscription active, and its entry joins the trail, or says why not.
pub async fn confirm(app: &App, token: &Token) -> Result<ConfirmOutcome, StoreError> {
    let now = app.clock.now();
    match app.store.confirm(Confirm::new(token, now)).await? {
        ConfirmOutcome::Confirmed => {
            app.letters_wait.notify_one();
            Ok(ConfirmOutcome::Confirmed)
        }
        // The sweeper may have been there before: the link itself knows when it died.
        ConfirmOutcome::NoRow if i64::from(token.expiry) <= now.as_second() => Ok(ConfirmOutcome::Expired),
        outcome => Ok(outcome),
    }
}

async fn show(app: &App, request: &Request, token: &Token, text: &str) -> Answer {
    let seen = see(app, request, token).await?;
    let expired = i64::from(token.expiry) <= app.clock.now().as_second();
    match &seen.subscription {
        Some(subscription) if !CONFIRMABLE.has(subscription.row.state) => {
            answer_seen(app, request, &seen, ConfirmOutcome::AlreadyConfirmed)
        }
        _ if expired => answer_seen(app, request, &seen, ConfirmOutcome::Expired),
        None => answer_seen(app, request, &seen, ConfirmOutcome::NoRow),
        Some(subscription) if !subscription.row.purpose_is_current => {
            answer_seen(app, request, &seen, ConfirmOutcome::PurposeChanged)
        }
        Some(subscription) => {
            let context = json!({
                "list": seen.list_context(),
                "notice": notice::shown(&seen.list, &subscription.notice, &seen.lang),
                "action": format!("/c/{text}"),
                "not_me_url": format!("/n/{}", app.links.tokens.mint(Purpose::NotMe, token)),
            });
            let mut response = page(app, StatusCode::OK, &seen.lang, "confirm", context)?;
            let_forms_lead_to(&seen.list.options.after_confirm, &mut response);
            Ok(response)
        }
    }
}

async fn answer(app: &App, request: &Request, token: &Token, outcome: ConfirmOutcome) -> Answer {
    let seen = see(app, request, token).await?;
    let list = &seen.list;
    let is_subscribed = matches!(outcome, ConfirmOutcome::Confirmed | ConfirmOutcome::AlreadyConfirmed);
    if is_subscribed && !list.is_closed && !request.asked.json {
        let page = list.text_in(&seen.lang, &list.options.after_confirm);
        if let Some(onward) = page.and_then(onward) {
            return Ok(onward);
        }
    }
    answer_seen(app, request, &seen, outcome)
}

fn answer_seen(app: &App, request: &Request, seen: &Seen, outcome: ConfirmOutcome) -> Answer {
    let (asked, lang) = (&request.asked, &seen.lang);
    let nothing_here = || act_answer(app, asked, StatusCode::OK, lang, "nothing_here", seen.nothing_here());
    let (status, template) = match outcome {
        ConfirmOutcome::NoRow => return nothing_here(),
        // Whatever there was is erased, or is about to be.
        _ if seen.list.is_closed => return nothing_here(),
        ConfirmOutcome::Confirmed => (StatusCode::OK, "confirmed"),
        ConfirmOutcome::AlreadyConfirmed => (StatusCode::OK, "already_confirmed"),
        ConfirmOutcome::Expired => (StatusCode::GONE, "expired"),
        ConfirmOutcome::PurposeChanged => (StatusCode::CONFLICT, "notice_changed"),
    };
    let agreed = seen.subscription.as_ref().map(|subscription| subscription.notice.version);
    let context = json!({
        "list": seen.list_context(),
        "notice": notice::shown(&seen.list, &seen.current, &seen.lang),
        "agreed_url": agreed.map(|version| notice::url(&seen.list, version, &seen.lang)),
        "signup_url": seen.signup_path(),
        "leave_url": seen.leave_path(),
    });
    act_answer(app, asked, status, lang, template, context)
}
