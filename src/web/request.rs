//! A request as journeys see it.

use std::convert::Infallible;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, Method};
use ipnet::IpNet;
use warp::path::FullPath;
use warp::{Filter, Rejection};
use zeroize::Zeroizing;

use super::asked::{Asked, ContentKind, Origin, asked};
use super::body::{self, BodyError};
use super::client::client;
use super::form;
use super::refusal::Refusal;
use super::server::Peer;

/// The longest body that any public door takes.
pub const MAX_BODY: usize = 16 * 1024;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Method, wishes and body of one request. The path's parts are handed over beside it.
pub struct Request {
    pub method: Method,
    pub asked: Asked,
    /// The raw query string, without its question mark.
    pub query: String,
    /// The path as it came. It may hold a token: not for logs.
    pub path: String,
    bearer: Option<Zeroizing<String>>,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    forwarded_for: String,
    body: Result<Bytes, BodyError>,
}

/// What a request wants to do. HEAD is a GET whose answer has no body, and never acts.
pub enum Verb {
    Look,
    Act,
}

/// Reads any request, with a body of so many bytes at most; rejects none.
pub fn request(most: usize) -> impl Filter<Extract = (Request,), Error = Rejection> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let path = warp::path::full().map(|path: FullPath| path.as_str().to_owned());
    let headers = warp::header::headers_cloned();
    warp::method()
        .and(asked())
        .and(query)
        .and(path)
        .and(bearer())
        .and(headers)
        .and(hops())
        .and(body::bytes(most))
        .map(|method, asked, query, path, bearer, headers, (peer, forwarded_for), body| Request {
            method,
            asked,
            query,
            path,
            bearer,
            headers,
            peer,
            forwarded_for,
            body,
        })
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1); the scheme's case does not matter (RFC 9110 §11.1).
fn bearer() -> impl Filter<Extract = (Option<Zeroizing<String>>,), Error = Infallible> + Clone {
    warp::header::headers_cloned().map(|headers: HeaderMap| {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Zeroizing::new(token.trim().to_owned()))
    })
}

/// Who connected to us, and for whom each proxy says it did.
fn hops() -> impl Filter<Extract = ((Option<IpAddr>, String),), Error = Infallible> + Clone {
    let peer = warp::ext::optional::<Peer>();
    warp::header::headers_cloned()
        .and(peer)
        .map(|headers: HeaderMap, peer: Option<Peer>| (peer.map(|peer| peer.0.ip()), forwarded_for(&headers)))
}

/// All lines as one list. Bytes that are no text stay in their place: nobody can make the rest unreadable.
fn forwarded_for(headers: &HeaderMap) -> String {
    let lines = headers.get_all(FORWARDED_FOR).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    lines.collect::<Vec<_>>().join(",")
}

impl Request {
    /// The bearer token that came with it.
    pub fn bearer(&self) -> Option<&str> {
        self.bearer.as_ref().map(|token| token.as_str())
    }

    /// What a browser sends back under that name (RFC 6265 §4.2.1), if it is one and only one: of two, one was put there
    /// by somebody else.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|pair| pair.0 == name).map(|pair| pair.1);
        values.next().filter(|_| values.next().is_none())
    }

    /// Whether a page of another site sent it, as far as browsers tell: held against the host that it was sent to, which
    /// may be another than the public one.
    pub fn is_from_elsewhere(&self) -> bool {
        match &self.asked.origin {
            Origin::Absent => self.asked.from_elsewhere,
            Origin::Opaque => !self.asked.from_our_page,
            Origin::Site(site) => {
                let authority = site.split_once("://").map_or("", |(_, authority)| authority);
                !self.asked.from_our_page && self.header("host").as_deref() != Some(authority)
            }
        }
    }

    /// A header's lines as one list (RFC 9110 §5.3), if there are any. Bytes that are no text stay in their place.
    pub fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        (!lines.is_empty()).then(|| lines.join(","))
    }

    /// The address of whoever asks, past our own proxies; `None` where nobody trustworthy says.
    pub fn client(&self, proxies: &[IpNet]) -> Option<IpAddr> {
        client(self.peer?, &self.forwarded_for, proxies)
    }

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

    /// Refuses everything but POST: at a door whose page is the answer to another.
    pub fn acts_only(&self) -> Result<(), Refusal> {
        if self.method == Method::POST { Ok(()) } else { Err(Refusal::Method("POST")) }
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
