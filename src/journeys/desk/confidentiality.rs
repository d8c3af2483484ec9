//! What every operator says before they see anything (med-12).

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::store::access::Access;
use crate::web::answer::{Answer, see_other};
use crate::web::desk::{Session, confidentiality};
use crate::web::request::{Request, Verb};

/// `GET` and `POST /desk/confidentiality`
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    let verb = request.verb()?;
    let (session, has_accepted) = Session::before_acceptance(&app, &request).await?;
    let (text, sha256) = confidentiality(&app)?;
    match verb {
        Verb::Look if has_accepted => Ok(see_other("/desk")),
        Verb::Look => session.page(&app, StatusCode::OK, "confidentiality", json!({ "text": text })),
        Verb::Act => {
            session.form(&request)?;
            let (name, now) = (&session.operator.name, app.clock.now());
            app.store.record_access(0, name, Access::Confidentiality, now).await?;
            app.store.accept_confidentiality(name, &sha256, now).await?;
            Ok(see_other("/desk"))
        }
    }
}
