//! Whoever was invited sets a password. The link is the proof of who it is, once.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use super::login::{begin, slowly};
use crate::app::App;
use crate::password;
use crate::store::access::Access;
use crate::web::answer::Answer;
use crate::web::desk::{self, Form};
use crate::web::request::{Request, Verb};

/// `GET` and `POST /desk/join/{secret}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, secret: String) -> Answer {
    let (verb, now) = (request.verb()?, app.clock.now());
    let Some(name) = app.store.invited(&secret, now).await? else { return gone(&app) };
    let Verb::Act = verb else { return show(&app, StatusCode::OK, &name, None) };
    let form = Form::of(&request)?;
    let (typed, again) = (form.text("password")?, form.text("again")?);
    if let Err(problem) = password::check(typed, again, &name) {
        return show(&app, StatusCode::UNPROCESSABLE_ENTITY, &name, Some(&problem.to_string()));
    }
    let typed = typed.to_owned();
    let hashed = slowly(&app, move || password::hash(&typed, App::random())).await?;
    match app.store.accept_invitation(&secret, &hashed, now).await? {
        Some(name) => {
            app.store.record_access(0, &name, Access::LogIn, now).await?;
            begin(&app, &name, "/desk", now).await
        }
        None => gone(&app),
    }
}

fn show(app: &App, status: StatusCode, name: &str, problem: Option<&str>) -> Answer {
    desk::page(app, status, "join", json!({ "name": name, "problem": problem }))
}

fn gone(app: &App) -> Answer {
    desk::page(app, StatusCode::GONE, "join_gone", json!({}))
}
