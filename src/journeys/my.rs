//! "What do you hold about me?": by address; the answer comes by mail alone, to whoever has the mailbox.

use std::sync::Arc;

use serde_json::json;

use crate::app::App;
use crate::consent::change::Asked;
use crate::web::answer::{Answer, language};
use crate::web::ask::AddressDoor;
use crate::web::request::Request;

/// `GET` and `POST /my`: of all lists that go on. What was stored about people on others is erased.
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    let lists = app.store.lists().await?;
    let door = AddressDoor {
        kind: Asked::Data,
        open: lists.iter().filter(|list| !list.is_closed).map(|list| list.number).collect(),
        lang: language(&app, &request.asked, "en"),
        path: "/my".to_owned(),
        form: "my",
        asked: "data_asked",
        context: json!({}),
    };
    door.answer(&app, &request).await
}
