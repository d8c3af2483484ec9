//! A list's exports at the desk: which there were, and one more.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use warp::{Filter as _, path};

use super::door::file;
use super::format::Format;
use crate::app::App;
use crate::consent::figures::grouped;
use crate::consent::operator::Right;
use crate::store::export::history::Made;
use crate::web::answer::Answer;
use crate::web::desk::Session;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::route::{Route, part};

/// Exports that the page shows.
const SHOWN: u32 = 50;

/// The page's line of the URL table.
pub fn route(app: &Arc<App>) -> Route {
    part(app, "desk_exports", path!("desk" / "lists" / String / "exports").boxed(), handle)
}

/// `GET /desk/lists/{slug}/exports`, and `POST` with a `format`, whose answer is the file.
async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let verb = request.verb()?;
    let session = Session::of(&app, &request).await?;
    if let Verb::Act = verb {
        let list = session.enter(&app, Right::Export, &slug).await?.list;
        let form = session.form(&request)?;
        let format = form.text("format")?;
        let format =
            Format::ALL.into_iter().find(|known| known.name() == format).ok_or(Refusal::BadRequest)?;
        return file(app, session.operator, list, format, false).await;
    }
    let list = session.enter(&app, Right::Read, &slug).await?.list;
    let made = app.store.exports(list.number, None, SHOWN).await?;
    let context = json!({
        "list": session.list(&list, "/exports"),
        "may_export": session.operator.may(Right::Export, list.number) && !list.is_closed,
        "exports": made.iter().map(told).collect::<Vec<_>>(),
        "shown": SHOWN,
    });
    session.page(&app, StatusCode::OK, "exports", context)
}

fn told(made: &Made) -> Value {
    json!({
        "at": made.at,
        "operator": made.operator,
        "format": made.format,
        "rows": made.whole.as_ref().map(|whole| grouped(whole.rows)),
        "sha256": made.whole.as_ref().map(|whole| data_encoding::HEXLOWER.encode(&whole.sha256)),
        "valid_until": made.valid_until,
    })
}
