//! The front door and the stylesheet.

use std::sync::Arc;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::json;
use warp::Reply as _;

use crate::app::App;
use crate::web::answer::{Answer, language, page};
use crate::web::request::Request;

/// `GET /`: the newsletters that one can sign up for here. Those that have ended are not among them.
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let lang = language(&app, &request.asked, "en");
    let lists = app.store.lists().await?;
    let open = lists.iter().filter(|list| !list.is_closed);
    let lists: Vec<_> = open.map(|list| json!({ "slug": list.slug, "title": list.title(lang) })).collect();
    page(&app, StatusCode::OK, lang, "home", json!({ "lists": lists, "inbox": app.inbox.is_some() }))
}

/// `GET /assets/optin.css`
pub async fn stylesheet(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let mut response = app.templates.stylesheet().to_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}
