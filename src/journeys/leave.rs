//! For those who lost the mail: how to leave a list. Leaving by address alone comes later; until then the page says
//! where the link stands and whom to ask.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::web::answer::{Answer, language, page};
use crate::web::refusal::{Refusal, open_list};
use crate::web::request::Request;

/// `GET /lists/{slug}/leave`
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let (list, _) = open_list(app.store.find_list(&slug).await?.ok_or(Refusal::UnknownList)?)?;
    request.looks_only()?;
    let lang = language(&app, &request.asked, &list.options.lang);
    let context = json!({ "list": { "slug": list.slug, "title": list.title(lang) } });
    page(&app, StatusCode::OK, lang, "leave", context)
}
