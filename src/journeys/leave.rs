//! For those who lost the mail: how to leave a list. Where no link is at hand, one comes by mail to whoever asks by
//! address.

use std::sync::Arc;

use serde_json::json;

use crate::app::App;
use crate::consent::change::Asked;
use crate::web::answer::{Answer, language};
use crate::web::ask::AddressDoor;
use crate::web::refusal::{Refusal, open_list};
use crate::web::request::Request;

/// `GET` and `POST /lists/{slug}/leave`
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let (list, _) = open_list(app.store.find_list(&slug).await?.ok_or(Refusal::UnknownList)?)?;
    let lang = language(&app, &request.asked, &list.options.lang);
    let door = AddressDoor {
        kind: Asked::Leave,
        open: vec![list.number],
        lang,
        path: format!("/lists/{}/leave", list.slug),
        form: "leave",
        asked: "leave_asked",
        context: json!({ "list": { "slug": list.slug, "title": list.title(lang) } }),
    };
    door.answer(&app, &request).await
}
