//! "This wasn't me": erases a pending signup, and nothing else.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::consent::change::Erase;
use crate::consent::subscription::{DENIABLE, EraseOutcome, on_erase};
use crate::store::StoreError;
use crate::token::{Purpose, Token};
use crate::web::answer::{Answer, act_answer, page};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::seen::{Seen, see};

/// `GET` and `POST /n/{token}`. The link's expiry does not matter: it can only erase what nobody confirmed.
pub async fn handle(app: Arc<App>, request: Arc<Request>, text: String) -> Answer {
    let token = app.links.tokens.read(Purpose::NotMe, &text).map_err(|_| Refusal::IncompleteLink)?;
    let verb = request.verb()?;
    let seen = see(&app, &request, &token).await?;
    match verb {
        Verb::Look => {
            let state = seen.subscription.as_ref().map(|subscription| subscription.row.state);
            match on_erase(state, DENIABLE) {
                EraseOutcome::Erased => {
                    let context = json!({ "list": seen.list_context(), "action": format!("/n/{text}") });
                    page(&app, StatusCode::OK, &seen.lang, "not_me", context)
                }
                outcome => answer(&app, &request, &seen, outcome),
            }
        }
        Verb::Act => {
            request.button()?;
            let outcome = deny(&app, &token).await?;
            answer(&app, &request, &seen, outcome)
        }
    }
}

/// The use case: erases the signup if nobody has confirmed it.
pub async fn deny(app: &App, token: &Token) -> Result<EraseOutcome, StoreError> {
    app.store.erase(Erase::not_me(token, app.clock.now())).await
}

fn answer(app: &App, request: &Request, seen: &Seen, outcome: EraseOutcome) -> Answer {
    let template = match outcome {
        EraseOutcome::Erased => "not_me_done",
        // Nobody stays on a list that has ended, so there is nothing to leave.
        EraseOutcome::Spared if !seen.list.is_closed => "not_me_active",
        EraseOutcome::Spared | EraseOutcome::NoRow => "nothing_here",
    };
    let context = seen.nothing_here();
    act_answer(app, &request.asked, StatusCode::OK, &seen.lang, template, context)
}
