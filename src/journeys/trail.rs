//! The trail, for anybody: checkpoints, tiles and the key, as C2SP tlog-tiles names and shapes them. What an auditor's
//! token opens: the newest checkpoint instead of the public one, and the entries where the list does not show them to
//! everybody.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY};
use warp::Reply as _;

use crate::app::App;
use crate::consent::list::List;
use crate::consent::operator::Right;
use crate::store::trail::{Sealed, Trail};
use crate::trail::note::Signer;
use crate::trail::tile::{Kind, Tile};
use crate::web::answer::Answer;
use crate::web::guard;
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// What never changes may be kept for a year (RFC 9111 §5.2.2.1, RFC 8246).
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_EVER_PRIVATELY: &str = "private, max-age=31536000, immutable";
/// A checkpoint that everybody sees is renewed once a minute at most.
const A_MINUTE: &str = "public, max-age=60";
const NEVER: &str = "no-store";

/// A trail, and as whom it is read.
struct Reading {
    list: List,
    trail: Trail,
    is_auditor: bool,
}

impl Reading {
    async fn begin(app: &App, request: &Request, slug: &str) -> Result<Reading, Refusal> {
        request.looks_only()?;
        let operator = match request.bearer() {
            None => None,
            Some(_) => Some(guard::bearer(app, request).await?),
        };
        let (list, _) = app.store.find_list(slug).await?.ok_or(Refusal::UnknownList)?;
        let is_auditor = operator.is_some_and(|operator| operator.may(Right::Trail, list.number));
        // A list's first entry is sealed within a second of its making.
        let trail = app.store.trail(list.number).await?.ok_or(Refusal::NotFound)?;
        Ok(Reading { list, trail, is_auditor })
    }

    fn sealed(&self) -> &Sealed {
        if self.is_auditor { &self.trail.newest } else { &self.trail.public }
    }

    fn may_read_entries(&self) -> bool {
        self.is_auditor || self.list.options.public_entries
    }
}

/// `GET /trails/{slug}/checkpoint`
pub async fn checkpoint(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let reading = Reading::begin(&app, &request, &slug).await?;
    let kept = if reading.is_auditor { NEVER } else { A_MINUTE };
    Ok(file(reading.sealed().checkpoint.clone(), "text/plain; charset=utf-8", kept))
}

/// `GET /trails/{slug}/key`: what checks the checkpoint's signature, in the form that other tools take.
pub async fn key(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let reading = Reading::begin(&app, &request, &slug).await?;
    let signer = Signer::new(&reading.trail.origin, app.keys.trail_seed()).map_err(|_| Refusal::Internal)?;
    Ok(file(format!("{}\n", signer.verifier()), "text/plain; charset=utf-8", A_MINUTE))
}

/// `GET /trails/{slug}/tile/…`
pub async fn tile(app: Arc<App>, request: Arc<Request>, (slug, rest): (String, String)) -> Answer {
    let tile: Tile = format!("tile/{rest}").parse().map_err(|_| Refusal::NotFound)?;
    let reading = Reading::begin(&app, &request, &slug).await?;
    let is_entries = tile.kind() == Kind::Entries;
    if is_entries && !reading.may_read_entries() {
        return Err(Refusal::AuditorsOnly);
    }
    if !reading.sealed().has(&tile) {
        return Err(Refusal::NotFound);
    }
    let bytes = app.store.tile(reading.list.number, &tile).await?.ok_or(Refusal::NotFound)?;
    // What one may see and another not must not be kept by a cache between them.
    let kept = if reading.is_auditor { FOR_EVER_PRIVATELY } else { FOR_EVER };
    Ok(file(bytes, "application/octet-stream", kept))
}

fn file(bytes: impl Into<Vec<u8>>, kind: &'static str, kept: &'static str) -> warp::reply::Response {
    let bytes: Vec<u8> = bytes.into();
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(VARY, HeaderValue::from_static("authorization"));
    response
}
