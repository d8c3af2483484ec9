//! Correct: a new address takes the old one's place once its mailbox has answered, on every list that it was entered for.
//! The old one stays until then; the id stays, so that every link to leave goes on working.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::app::acts::CorrectionError;
use crate::consent::address::Address;
use crate::consent::change::{CannotCorrect, Erase, Held, Rewrite};
use crate::consent::list::List;
use crate::consent::person::{Correction, Person, PersonError};
use crate::consent::subscription::{EraseOutcome, RewriteOutcome};
use crate::token::{Purpose, SubscriptionId, Token};
use crate::web::answer::{Answer, act_answer, page};
use crate::web::form;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::seen::{Seen, see};

/// Rows for which a new address waits.
struct Waiting {
    address: String,
    rows: Vec<(List, SubscriptionId)>,
}

/// What a yes came to.
struct Corrected {
    done: Vec<List>,
    /// Where the new address is somebody's already, its own most likely.
    taken: Vec<List>,
}

/// `GET` and `POST /k/{token}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, text: String) -> Answer {
    let token = app.links.tokens.read(Purpose::Correct, &text).map_err(|_| Refusal::IncompleteLink)?;
    let verb = request.verb()?;
    let seen = see(&app, &request, &token).await?;
    if i64::from(token.expiry) <= app.clock.now().as_second() {
        return refuse(&app, &request, &seen, StatusCode::GONE);
    }
    let Some(waiting) = waiting(&app, &seen, &token).await? else {
        return refuse(&app, &request, &seen, StatusCode::OK);
    };
    match verb {
        Verb::Look => {
            let context = json!({
                "address": waiting.address,
                "lists": titles(waiting.rows.iter().map(|(list, _)| list), &seen.lang),
                "action": format!("/k/{text}"),
            });
            page(&app, StatusCode::OK, &seen.lang, "correct", context)
        }
        Verb::Act => {
            if !is_theirs(&request)? {
                forget(&app, &token, &waiting).await?;
                let (asked, lang) = (&request.asked, &seen.lang);
                return act_answer(&app, asked, StatusCode::OK, lang, "not_corrected", json!({}));
            }
            let corrected = correct(&app, &token, &waiting).await?;
            if corrected.done.is_empty() && corrected.taken.is_empty() {
                return refuse(&app, &request, &seen, StatusCode::OK);
            }
            let context = json!({
                "address": waiting.address,
                "lists": titles(corrected.done.iter(), &seen.lang),
                "taken": titles(corrected.taken.iter(), &seen.lang),
            });
            act_answer(&app, &request.asked, StatusCode::OK, &seen.lang, "corrected", context)
        }
    }
}

/// The rows that a link means, the one that it names last: should it break off, the link still works.
async fn waiting(app: &App, seen: &Seen, token: &Token) -> Result<Option<Waiting>, Refusal> {
    let Some(own) = &seen.subscription else { return Ok(None) };
    let person = Person::open(&app.keys, token.list, token.id, &own.seal)?;
    let Some(correction) = person.correction.filter(|correction| correction.is_meant_by(token)) else {
        return Ok(None);
    };
    let address = Address::parse(&person.address).map_err(|_| PersonError::Malformed)?;
    let mut rows = Vec::new();
    for (list, id) in app.subscriptions_of(&address).await? {
        let Some(subscription) = app.store.find_subscription(list.number, id).await? else { continue };
        let other = Person::open(&app.keys, list.number, id, &subscription.seal)?.correction;
        if other.as_ref() == Some(&correction) {
            rows.push((list, id));
        }
    }
    rows.sort_by_key(|(list, id)| (list.number, *id) == (token.list, token.id));
    Ok((!rows.is_empty()).then_some(Waiting { address: correction.address, rows }))
}

/// The use case: on each list the new address takes the old one's place, where it is free there.
async fn correct(app: &App, token: &Token, waiting: &Waiting) -> Result<Corrected, Refusal> {
    let mut corrected = Corrected { done: Vec::new(), taken: Vec::new() };
    for (list, id) in &waiting.rows {
        let outcome = match correct_one(app, token, list, *id).await? {
            Some(RewriteOutcome::Taken) if erase_pending(app, list, &waiting.address).await? => {
                correct_one(app, token, list, *id).await?
            }
            outcome => outcome,
        };
        match outcome {
            Some(RewriteOutcome::Done) => corrected.done.push(list.clone()),
            Some(RewriteOutcome::Taken) => {
                drop_one(app, token, list, *id).await?;
                corrected.taken.push(list.clone());
            }
            // Another press was faster, or the person has left.
            _ => {}
        }
    }
    Ok(corrected)
}

/// `None` where the address does not wait any more.
async fn correct_one(
    app: &App,
    token: &Token,
    list: &List,
    id: SubscriptionId,
) -> Result<Option<RewriteOutcome>, Refusal> {
    let now = app.clock.now();
    let make = |held: &Held<'_>, nonce| {
        Ok::<_, CorrectionError>(Rewrite::correct(&app.keys, held, token, nonce, now)?)
    };
    unless_gone(app.rewrite(list.number, id, make).await)
}

/// A signup of the new address that nobody has confirmed stands in nobody's way: its mailbox has just answered. Whether
/// there was one.
async fn erase_pending(app: &App, list: &List, address: &str) -> Result<bool, Refusal> {
    let address = Address::parse(address).map_err(|_| PersonError::Malformed)?;
    let found = app.find_on(&[list.number], &address).await?;
    let Some((_, id)) = found.first() else { return Ok(false) };
    let erase = Erase::expired(list.number, *id, app.clock.now());
    Ok(app.store.erase(erase).await? == EraseOutcome::Erased)
}

/// "This wasn't me", by whoever has the new address: it is forgotten at once.
async fn forget(app: &App, token: &Token, waiting: &Waiting) -> Result<(), Refusal> {
    for (list, id) in &waiting.rows {
        drop_one(app, token, list, *id).await?;
    }
    Ok(())
}

async fn drop_one(app: &App, token: &Token, list: &List, id: SubscriptionId) -> Result<(), Refusal> {
    let is_meant = |correction: &Correction| correction.is_meant_by(token);
    let drop = |held: &Held<'_>, nonce| {
        Ok::<_, CorrectionError>(Rewrite::drop_correction(&app.keys, held, nonce, is_meant)?)
    };
    unless_gone(app.rewrite(list.number, id, drop).await).map(|_| ())
}

fn unless_gone(written: Result<RewriteOutcome, CorrectionError>) -> Result<Option<RewriteOutcome>, Refusal> {
    match written {
        Ok(outcome) => Ok(Some(outcome)),
        Err(CorrectionError::Cannot(CannotCorrect::NoneWaits | CannotCorrect::TooLate)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Which of the page's two buttons was pressed.
fn is_theirs(request: &Request) -> Result<bool, Refusal> {
    request.button()?;
    let pairs = form::parse(request.body()?).map_err(|_| Refusal::BadRequest)?;
    match form::one(&pairs, "answer").map_err(|_| Refusal::BadRequest)? {
        Some("yes") => Ok(true),
        Some("not_me") => Ok(false),
        _ => Err(Refusal::BadRequest),
    }
}

/// No such address waits, or not any more: its time is over, and the link is gone.
fn refuse(app: &App, request: &Request, seen: &Seen, status: StatusCode) -> Answer {
    let context = json!({ "late": status == StatusCode::GONE });
    act_answer(app, &request.asked, status, &seen.lang, "correct_gone", context)
}

fn titles<'a>(lists: impl Iterator<Item = &'a List>, lang: &str) -> Vec<&'a str> {
    lists.map(|list| list.title(lang)).collect()
}
