//! One's own password, and the tokens by which programs act in one's name.

use std::sync::Arc;

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::login;
use crate::app::App;
use crate::consent::list::List;
use crate::consent::operator::{EVERY_LIST, Right};
use crate::password;
use crate::store::access::Access;
use crate::store::operators::{KnownToken, NewToken};
use crate::web::answer::{Answer, see_other};
use crate::web::desk::{self, Session};
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// Characters of a token's name.
const LONGEST_NAME: usize = 60;
const MOST_DAYS: i64 = 3650;

/// `GET /desk/account`
pub async fn show(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let session = Session::of(&app, &request).await?;
    page(&app, &session, StatusCode::OK, Said::default()).await
}

/// `POST /desk/account/password`
pub async fn change_password(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.acts_only()?;
    let session = Session::of(&app, &request).await?;
    let (form, name, now) = (session.form(&request)?, &session.operator.name, app.clock.now());
    let (before, typed) = (form.text("before")?, form.text("password")?);
    if let Err(problem) = password::check(typed, form.text("again")?, name) {
        return refuse(&app, &session, &problem.to_string()).await;
    }
    let kept = app.store.operator(name).await?.and_then(|operator| operator.password);
    let Some(kept) = kept.filter(|_| before.len() <= password::LONGEST) else {
        return refuse(&app, &session, "That is not your password.").await;
    };
    if !login::is_right(&app, &request, name, before, now).await? {
        return refuse(&app, &session, "That is not your password.").await;
    }
    let typed = typed.to_owned();
    let hashed = login::slowly(&app, move || password::hash(&typed, App::random())).await?;
    if !app.store.change_password(name, &kept, &hashed).await? {
        let problem = "Your password was changed elsewhere meanwhile: this one was not set.";
        return refuse(&app, &session, problem).await;
    }
    // This session has ended too, with all others.
    Ok(desk::let_out(&app, see_other("/desk/login")))
}

/// `POST /desk/account/tokens`
pub async fn make_token(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.acts_only()?;
    let session = Session::of(&app, &request).await?;
    let form = session.form(&request)?;
    let (operator, now) = (&session.operator, app.clock.now());
    let name = form.text("name")?.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return refuse(
            &app,
            &session,
            "A token has a name of one line, so that you know later what it is for.",
        )
        .await;
    }
    let rights: Option<Vec<Right>> = form.all("right").into_iter().map(Right::of_programs).collect();
    let Some(rights) = rights.filter(|rights| !rights.is_empty()) else {
        return refuse(&app, &session, "A token may do something: choose what.").await;
    };
    let days = form.text("days")?.trim().parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    let Some(days) = days else {
        return refuse(&app, &session, "A token is for 1 to 3650 days.").await;
    };
    let mut lists = Vec::new();
    for slug in form.all("list") {
        // Whoever may nothing there learns nothing of it.
        lists.push(session.enter(&app, Right::Read, slug).await?.list.number);
    }
    let token = App::access_token();
    let new = NewToken {
        name,
        rights: &rights,
        lists: (!lists.is_empty()).then_some(&lists),
        expires_at: now + SignedDuration::from_hours(24 * days),
    };
    app.store.record_access(0, &operator.name, Access::Token, now).await?;
    app.store.add_token(&token, &operator.name, &new, now).await?;
    page(&app, &session, StatusCode::OK, Said { new_token: Some(token), ..Said::default() }).await
}

/// `POST /desk/account/tokens/end`
pub async fn end_token(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.acts_only()?;
    let session = Session::of(&app, &request).await?;
    let form = session.form(&request)?;
    let number = form.text("number")?.parse().map_err(|_| Refusal::BadRequest)?;
    let name = &session.operator.name;
    app.store.record_access(0, name, Access::Token, app.clock.now()).await?;
    app.store.revoke_token(name, number).await?;
    let said = Some("That token opens nothing any more.".to_owned());
    page(&app, &session, StatusCode::OK, Said { said, ..Said::default() }).await
}

#[derive(Default)]
struct Said {
    said: Option<String>,
    problem: Option<String>,
    new_token: Option<String>,
}

async fn refuse(app: &App, session: &Session, problem: &str) -> Answer {
    let said = Said { problem: Some(problem.to_owned()), ..Said::default() };
    page(app, session, StatusCode::UNPROCESSABLE_ENTITY, said).await
}

async fn page(app: &App, session: &Session, status: StatusCode, said: Said) -> Answer {
    let operator = &session.operator;
    let lists = app.store.lists().await?;
    let own: Vec<&List> =
        lists.iter().filter(|list| !list.is_closed && operator.may(Right::Read, list.number)).collect();
    let rights = Right::OF_PROGRAMS.into_iter().filter(|right| operator.may_somewhere(*right));
    let rights: Vec<_> = rights.map(|right| json!({ "name": right.name(), "what": right.what() })).collect();
    let tokens = app.store.tokens(&operator.name).await?;
    session.page(
        app,
        status,
        "account",
        json!({
            "said": said.said,
            "problem": said.problem,
            "new_token": said.new_token,
            "tokens": tokens.iter().map(|token| told(token, &lists)).collect::<Vec<_>>(),
            "rights": rights,
            "lists": own.iter().map(|list| &list.slug).collect::<Vec<_>>(),
        }),
    )
}

fn told(token: &KnownToken, lists: &[List]) -> Value {
    let slug = |number: &u32| lists.iter().find(|list| list.number == *number).map(|list| &list.slug);
    json!({
        "number": token.number,
        "name": token.name,
        "rights": token.rights.iter().map(|right| right.name()).collect::<Vec<_>>(),
        "lists": token.lists.as_ref().map(|of| of.iter().filter(|of| **of != EVERY_LIST).filter_map(slug).collect::<Vec<_>>()),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
    })
}
