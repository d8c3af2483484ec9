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
    body: Result<Bytes, BodyError>,
}

/// What a request wants to do. HEAD is a GET whose answer has no body, and never acts.
pub enum Verb {
    Look,
    Act,
}

/// Reads any request; rejects none.
pub fn request() -> impl Filter<Extract = (Request,), Error = Rejection> + Clone {
    warp::method().and(asked()).and(body::bytes(MAX_BODY)).map(|method, asked, body| Request {
        method,
        asked,
        body,
    })
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

    /// The body of a button press: a form, or nothing at all. A provider's one-click POST may come as multipart
    /// (RFC 8058 §3.2); there is nothing in it to read.
    pub fn button(&self) -> Result<Vec<(String, String)>, Refusal> {
        let body = self.body()?;
        match self.asked.content {
            ContentKind::Form => form::parse(body).map_err(|_| Refusal::BadRequest),
            ContentKind::Multipart => Ok(Vec::new()),
            _ if body.is_empty() => Ok(Vec::new()),
            _ => Err(Refusal::MediaType),
        }
    }
}
