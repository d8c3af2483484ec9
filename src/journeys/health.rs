//! Health, for whoever runs the service: is it alive, and can it work?

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::web::answer::{Answer, json as json_answer};
use crate::web::request::Request;

/// `GET /healthz`: 200 as long as the service answers at all, whatever its neighbours do.
pub async fn healthz(_: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    Ok(json_answer(StatusCode::OK, &json!({ "status": "ok" })))
}

/// `GET /readyz`: 503 while the database does not answer. A relay that is down is told but is no reason to turn
/// people away: their letters wait.
pub async fn readyz(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let database = app.store.ping().await.is_ok();
    let relay = app.mailer.reachable();
    let word = |up| if up { "ok" } else { "down" };
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": word(database), "database": word(database), "relay": word(relay) });
    Ok(json_answer(status, &body))
}
