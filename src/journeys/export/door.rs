//! Exports over HTTP: a file that is made while it is taken, and what exports there were.
//!
//! An export leaves entries in the trail, so it is a POST; what it answers is the file. A client that goes away, that takes
//! nothing for half a minute, or that meets the end of the service, has half a file and no last chunk: it begins again.

use std::sync::Arc;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, VARY};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::oneshot;

use super::manifest::Manifest;
use super::{By, Export, ExportError, Format, Running};
use crate::app::App;
use crate::consent::list::List;
use crate::consent::operator::{Operator, Right};
use crate::store::export::history::{Made, Older};
use crate::web::answer::{Answer, json};
use crate::web::guard;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::stream::{self, Gone, Outlet, takes_gzip};
use crate::web::wish::{Items, Members, PageWish};

/// What an export is to be.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "format": "csv" }))]
#[allow(dead_code, reason = "it is read member by member, and this tells of it")]
pub struct ExportWish {
    pub format: Format,
}

/// A list's exports, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "`Items` is what is written")]
pub struct ExportPage {
    pub items: Vec<Manifest>,
    /// `after` of the next page.
    pub next: Option<String>,
}

/// `GET` and `POST /api/v1/lists/{slug}/exports`
pub async fn all(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    match request.verb()? {
        Verb::Look => history(&app, &request, &slug).await,
        Verb::Act => make(app, &request, &slug).await,
    }
}

/// Makes an export. The answer's body is the file, made while it is taken; it is whole if it ends as HTTP says that it
/// does, and its manifest then says `finished`.
#[utoipa::path(
    post, path = "/api/v1/lists/{slug}/exports", tag = "Exports", operation_id = "make_export",
    params(("slug" = inline(crate::web::wish::Slug), Path, description = "The list's slug")),
    request_body = ExportWish,
    responses((
        status = 201, description = "The file",
        content((String = "text/csv"), (String = "application/jsonl")),
        headers(("Location" = String, description = "The export's manifest"))
    )),
    security(("token" = []))
)]
pub async fn make(app: Arc<App>, request: &Request, slug: &str) -> Answer {
    let operator = guard::bearer(&app, request).await?;
    let guard::Entered { operator, list, .. } = guard::enter(&app, operator, Right::Export, slug).await?;
    let mut members = Members::read(request)?;
    let format = members.text("format");
    let format = Format::ALL.into_iter().find(|known| known.name() == format);
    if format.is_none() {
        members.fault("format", "This is to be `csv`, `jsonl`, `listmonk` or `mailchimp`.");
    }
    members.end()?;
    let gzip = request.header("accept-encoding").is_some_and(|header| takes_gzip(&header));
    file(app, operator, list, format.unwrap_or(Format::Csv), gzip).await
}

/// The file as an answer. What goes wrong before its first part is made is a refusal.
pub async fn file(app: Arc<App>, operator: Operator, list: List, format: Format, gzip: bool) -> Answer {
    let seat = app.export_seats.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let (outlet, mut response) = stream::body(gzip);
    let (tell, told) = oneshot::channel();
    let slug = list.slug.clone();
    let made_at = app.clock.now();
    tokio::spawn(async move {
        let _seat = seat;
        run(&app, &operator, list, format, tell, outlet).await;
    });
    let manifest = told.await.map_err(|_| Refusal::Internal)??;
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let location = format!("/api/v1/lists/{slug}/exports/{}", manifest.export);
    let file = format!("attachment; filename=\"{}\"", Manifest::file_name(&slug, format, made_at));
    for (name, value) in [(LOCATION, location), (CONTENT_DISPOSITION, file)] {
        headers.insert(name, HeaderValue::from_str(&value).map_err(|_| Refusal::Internal)?);
    }
    Ok(response)
}

async fn run(
    app: &App,
    operator: &Operator,
    list: List,
    format: Format,
    tell: oneshot::Sender<Result<Manifest, Refusal>>,
    outlet: Outlet,
) {
    let by = By { operator: &operator.name, token: operator.token() };
    let (running, first) = match begin(app, by, list, format).await {
        Ok(begun) => begun,
        Err(error) => {
            _ = tell.send(Err(error.into()));
            return;
        }
    };
    if tell.send(Ok(running.manifest())).is_err() {
        return;
    }
    match app.closing.run_until_cancelled(hand_over(running, first, outlet)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(%error, "an export over HTTP broke off"),
        None => tracing::warn!("an export over HTTP broke off, since the service ends"),
    }
}

async fn begin<'a>(
    app: &'a App,
    by: By<'_>,
    list: List,
    format: Format,
) -> Result<(Running<'a>, Option<Vec<u8>>), ExportError> {
    let mut running = Export::of(app).begin(list, by, format).await?;
    let first = running.part().await?;
    Ok((running, first))
}

/// Why a file was not handed over to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// The trail says that it is whole when all of it was taken; the body ends only then.
async fn hand_over(
    mut running: Running<'_>,
    first: Option<Vec<u8>>,
    mut outlet: Outlet,
) -> Result<(), Broken> {
    let mut made = first;
    while let Some(part) = made {
        outlet.put(&part).await?;
        made = running.part().await?;
    }
    outlet.flush().await?;
    running.finish().await?;
    outlet.end();
    Ok(())
}

impl From<ExportError> for Refusal {
    fn from(error: ExportError) -> Refusal {
        match error {
            ExportError::NoList(_) => Refusal::UnknownList,
            ExportError::Closed(slug) => Refusal::ListClosed { slug },
            ExportError::NoOperator(_) | ExportError::NotAllowed(..) => Refusal::Forbidden,
            ExportError::TooLong => Refusal::Busy,
            ExportError::Person(error) => error.into(),
            ExportError::Store(error) => error.into(),
            ExportError::Write(_) => Refusal::Internal,
        }
    }
}

/// The list's exports of the last sixty days, the newest first.
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}/exports", tag = "Exports", operation_id = "list_exports",
    params(
        ("slug" = inline(crate::web::wish::Slug), Path, description = "The list's slug"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many, 50 unless said"),
        ("after" = inline(Option<crate::web::wish::ExportCursor>), Query, description = "`next` of an earlier page")
    ),
    responses((status = 200, description = "Their manifests", body = ExportPage)),
    security(("token" = []))
)]
pub async fn history(app: &App, request: &Request, slug: &str) -> Answer {
    let operator = guard::bearer(app, request).await?;
    let list = guard::enter(app, operator, Right::Read, slug).await?.list;
    let wish = PageWish::read(request)?;
    let after = wish.after(read_cursor)?;
    let found = app.store.exports(list.number, after, wish.limit + 1).await?;
    let Items { items, next } = Items::of(found, wish.limit, cursor);
    let items: Vec<Manifest> = items.iter().map(|made| Manifest::of(&list.slug, made)).collect();
    Ok(json(StatusCode::OK, &Items { items, next }))
}

/// The manifest of one export.
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}/exports/{export}", tag = "Exports", operation_id = "show_export",
    params(
        ("slug" = inline(crate::web::wish::Slug), Path, description = "The list's slug"),
        ("export" = String, Path, description = "The export's id", pattern = "^[0-9a-f]{32}$")
    ),
    responses((status = 200, description = "Its manifest", body = Manifest)),
    security(("token" = []))
)]
pub async fn one(app: Arc<App>, request: Arc<Request>, (slug, export): (String, String)) -> Answer {
    request.looks_only()?;
    let operator = guard::bearer(&app, &request).await?;
    let list = guard::enter(&app, operator, Right::Read, &slug).await?.list;
    let export: Option<[u8; 16]> = HEXLOWER.decode(export.as_bytes()).ok().and_then(|id| id.try_into().ok());
    let Some(export) = export else { return Err(Refusal::NotFound) };
    let made = app.store.find_export(list.number, &export).await?.ok_or(Refusal::NotFound)?;
    Ok(json(StatusCode::OK, &Manifest::of(&list.slug, &made)))
}

/// PostgreSQL's times begin later than ours.
const EARLIEST: Timestamp = Timestamp::UNIX_EPOCH;

/// PostgreSQL keeps microseconds.
fn cursor(made: &Made) -> String {
    BASE64URL_NOPAD.encode(&[&made.at.as_microsecond().to_be_bytes()[..], &made.export].concat())
}

fn read_cursor(text: &str) -> Option<Older> {
    let bytes: [u8; 24] = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
    let (at, export) = bytes.split_first_chunk::<8>()?;
    // What no time can be is before or after all of them.
    let at = i64::from_be_bytes(*at);
    let at = Timestamp::from_microsecond(at).unwrap_or(if at < 0 { EARLIEST } else { Timestamp::MAX });
    Some((at, export.try_into().ok()?))
}
