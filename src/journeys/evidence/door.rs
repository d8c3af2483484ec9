//! Evidence over HTTP. The address stands in the body, never in a URL, which logs and histories keep.

use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use warp::Reply as _;

use super::{Evidence, EvidenceError, Pieces, bundle};
use crate::app::App;
use crate::consent::operator::Right;
use crate::store::StoreError;
use crate::web::answer::Answer;
use crate::web::guard;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::wish::{Fault, Members};

/// Whose consent is to be shown.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ann@example.org" }))]
#[allow(dead_code, reason = "it is read member by member, and this tells of it")]
pub struct EvidenceWish {
    #[schema(value_type = crate::web::wish::Email, inline)]
    pub email: String,
}

/// Evidence of one person's consent (GDPR Art. 7(1)): a receipt without its secret, which `optin evidence verify` checks.
/// That it was asked for is on record. With `Accept: application/zip` it comes with record, notice and a page for people.
#[utoipa::path(
    post, path = "/api/v1/lists/{slug}/evidence", tag = "Evidence", operation_id = "make_evidence",
    params(("slug" = inline(crate::web::wish::Slug), Path, description = "The list's slug")),
    request_body = EvidenceWish,
    responses((
        status = 200, description = "The evidence",
        content((Object = "application/json"), (String = "application/zip"))
    )),
    security(("token" = []))
)]
pub async fn make(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    request.acts_only()?;
    let operator = guard::bearer(&app, &request).await?;
    let entered = guard::enter(&app, operator, Right::Evidence, &slug).await?;
    let mut members = Members::read(&request)?;
    let email = members.text("email");
    members.end()?;
    let app = &*app;
    let evidence = Evidence {
        store: &app.store,
        keys: &app.keys,
        links: &app.links,
        templates: &app.templates,
        clock: &app.clock,
    };
    let pieces = evidence.make(&entered.list.slug, email.trim(), &entered.operator.name).await?;
    let wants_zip = request.header("accept").is_some_and(|accept| accept.contains("application/zip"));
    if wants_zip { zip(&pieces) } else { Ok(file(pieces.evidence, "application/json")) }
}

fn zip(pieces: &Pieces) -> Answer {
    let zip = bundle::of(pieces).map_err(|_| Refusal::Internal)?;
    let mut response = file(zip, "application/zip");
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"evidence.zip\""));
    Ok(response)
}

fn file(bytes: Vec<u8>, kind: &'static str) -> warp::reply::Response {
    let mut response = bytes.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl From<EvidenceError> for Refusal {
    fn from(error: EvidenceError) -> Refusal {
        match error {
            EvidenceError::NoOperator(_) | EvidenceError::NotAllowed(..) => Refusal::Forbidden,
            EvidenceError::NoList(_) | EvidenceError::NoSlug => Refusal::UnknownList,
            EvidenceError::NoAddress => {
                Refusal::Invalid(vec![Fault::at("#/email", "This is to be an e-mail address.")])
            }
            EvidenceError::Nobody(_) | EvidenceError::Pending => Refusal::NoEvidence,
            EvidenceError::NotSealed => Refusal::Busy,
            EvidenceError::Store(error) => StoreError::into(error),
            EvidenceError::Logged(error) => error.into(),
            error => {
                tracing::error!(%error, "evidence could not be made");
                Refusal::Internal
            }
        }
    }
}
