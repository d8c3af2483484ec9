//! What the API tells of itself: its document, and the same as a page for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{Modify, ToSchema};
use warp::Reply as _;

use crate::app::App;
use crate::web::answer::{self, Answer};
use crate::web::request::Request;
use crate::web::wish::{Fault, Slug};

/// Why a request was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it tells the document what `web::answer::problem` writes")]
pub struct Problem {
    #[schema(example = "urn:optin:problem:invalid")]
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// Why, and what to do.
    pub detail: String,
    /// What is wrong with the request, and where.
    #[schema(nullable = false)]
    pub errors: Option<Vec<Fault>>,
}

/// What any door may answer. It is the same everywhere, and told once.
const PROBLEMS: [(u16, &str); 11] = [
    (400, "The request is damaged, or a parameter is not right"),
    (401, "There is no token, or it is nobody's"),
    (403, "The operator's role, or the token, does not allow it; whether there is such a list is not told"),
    (404, "There is no such thing"),
    (405, "Another method is meant; `Allow` names those that would do"),
    (409, "The notice has another version by now"),
    (410, "The list has ended, or the cursor is too old"),
    (413, "The body is too large"),
    (415, "The body is to be JSON"),
    (422, "Something in the body is not right: `errors` says where"),
    (503, "Too much is asked for at once; `Retry-After` says when to come again, in seconds"),
];

/// Adds to every operation what all have in common.
pub struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An operator's access token, as `optin operator` makes them"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                add_problems(operation);
            }
        }
    }
}

fn add_problems(operation: &mut Operation) {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    for (status, description) in PROBLEMS {
        let response =
            ResponseBuilder::new().description(description).content("application/problem+json", content());
        operation.responses.responses.insert(status.to_string(), response.build().into());
    }
}

/// Who came to the list and who left it since an export or an earlier look: the person's columns, or the opaque `ref`
/// alone (docs/FEED.md).
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}/feed", tag = "Feed", operation_id = "read_feed",
    params(
        ("slug" = inline(Slug), Path, description = "The list's slug"),
        ("after" = String, Query, pattern = "^A[Q-Za-f][A-Za-z0-9_-]{36}[AEIMQUYcgkosw048]$", description = "`feed` of an export's manifest, or `next` of the last page"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 10000, description = "How many, 1000 unless said"),
        ("wait" = Option<u32>, Query, maximum = 30, description = "How many seconds to wait for news")
    ),
    responses((status = 200, description = "What has changed", body = Object)),
    security(("token" = []))
)]
#[allow(dead_code, reason = "it tells the document of the door in `feed.rs`")]
pub fn feed() {}

/// `GET /api/v1/openapi.json`
pub async fn json_file(request: Arc<Request>, document: &OpenApi) -> Answer {
    request.looks_only()?;
    Ok(answer::json(StatusCode::OK, document))
}

/// `GET /api/v1`: for people. It speaks English, as the desk does.
pub async fn page(app: Arc<App>, request: Arc<Request>, document: &OpenApi) -> Answer {
    request.looks_only()?;
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(item) {
            let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            groups.entry(tag).or_default().push(told(path, method, operation));
        }
    }
    let groups: Vec<Value> =
        groups.into_iter().map(|(name, doors)| json!({ "name": name, "doors": doors })).collect();
    let problems: Vec<Value> =
        PROBLEMS.iter().map(|(status, told)| json!({ "status": status, "told": told })).collect();
    let context = json!({ "version": document.info.version, "groups": groups, "problems": problems });
    let html = app.templates.render("desk/api.html", "en", context)?;
    Ok(warp::reply::html(html).into_response())
}

fn operations(item: &utoipa::openapi::PathItem) -> impl Iterator<Item = (HttpMethod, &Operation)> {
    let get = item.get.as_ref().map(|operation| (HttpMethod::Get, operation));
    get.into_iter().chain(item.post.as_ref().map(|operation| (HttpMethod::Post, operation)))
}

fn told(path: &str, method: HttpMethod, operation: &Operation) -> Value {
    let method = if method == HttpMethod::Get { "GET" } else { "POST" };
    let parameters = serde_json::to_value(&operation.parameters).unwrap_or_default();
    let parameters: Vec<Value> = parameters
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!({ "name": one["name"], "told": one["description"] }))
        .collect();
    let text = [&operation.summary, &operation.description];
    let text: Vec<&str> = text.into_iter().flatten().map(String::as_str).collect();
    json!({
        "id": operation.operation_id,
        "method": method,
        "path": path,
        "told": text.join(" "),
        "parameters": parameters,
        "has_body": operation.request_body.is_some(),
    })
}
