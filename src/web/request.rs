//! A request as journeys see it.

use bytes::Bytes;
use http::Method;
use warp::{Filter, Rejection};

use super::asked::{Asked, ContentKind, asked};
use super::body::{self, BodyError};
use super::form;
use super::refusal::Refusal;

/// The longest body that any public door takes.
const MAX_BODY: usize = 16 * 1024;

/// Method, wishes and body of one request. The path's parts are handed over beside it.
pub struct Request {
    pub method: Method,
    pub asked: Asked,
    /// The raw query string, without its question mark.
    pub query: String,
    body: Result<Bytes, BodyError>,
}

/// What a request wants to do. HEAD is a GET whose answer has no body, and never acts.
pub enum Verb {
    Look,
    Act,
}

/// Reads any request; rejects none.
pub fn request() -> impl Filter<Extract = (Request,), Error = Rejection> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(asked())
        .and(query)
        .and(body::bytes(MAX_BODY))
        .map(|method, asked, query, body| Request { method, asked, query, body })
}

impl Request {
    /// Looking or acting; doors that only show take `looks_only`.
    pub fn verb(&self) -> Result<Verb, Refusal> {
        match self.method {
            Method::GET | Method::HEAD => Ok(Verb::Look),
            Method::POST => Ok(Verb::Act),
            _ => Err(Refusal::Method("GET, HEAD, POST")),
        }
    }

    /// Refuses everything but GET and HEAD.
    pub fn looks_only(&self) -> Result<(), Refusal> {
        match self.method {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(Refusal::Method("GET, HEAD")),
        }
    }

    /// The body's bytes.
    pub fn body(&self) -> Result<&Bytes, Refusal> {
        self.body.as_ref().map_err(|error| match error {
            BodyError::TooLarge => Refusal::TooLarge,
            BodyError::Broken => Refusal::BadRequest,
        })
    }

    /// Accepts the body of a button press: a form, or nothing at all.
    pub fn button(&self) -> Result<(), Refusal> {
        let body = self.body()?;
        match self.asked.content {
            ContentKind::Form => form::parse(body).map(|_| ()).map_err(|_| Refusal::BadRequest),
            _ if body.is_empty() => Ok(()),
            _ => Err(Refusal::MediaType),
        }
    }
}
