//! Whose page sends a signup, and what its browser is told (CORS: Fetch standard, §3.2).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderValue, StatusCode};
use warp::Reply as _;
use warp::reply::Response;

use crate::consent::list::List;
use crate::web::answer::Answer;
use crate::web::asked::{Asked, ContentKind, Origin};
use crate::web::headers::CHOSEN_BY;
use crate::web::refusal::Refusal;

/// Who sends a request, as its browser tells. Whoever is no browser can claim anything, and gains nothing by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// No browser, or a page of our own.
    Ours,
    /// A page of this site, which the list declares.
    Declared(&'a str),
    /// A page that names no site (`Origin: null`), of a browser that does not tell whether it is ours.
    Nameless,
    /// A page of any other site.
    Foreign,
}

impl<'a> Caller<'a> {
    /// `public_url` is ours.
    pub fn of(asked: &'a Asked, list: &List, public_url: &str) -> Caller<'a> {
        match &asked.origin {
            Origin::Site(name) if list.knows_site(name) => Caller::Declared(name),
            _ if asked.is_foreign(public_url) => Caller::Foreign,
            Origin::Opaque if !asked.from_our_page => Caller::Nameless,
            _ => Caller::Ours,
        }
    }

    /// Refuses a script's signup unless its page is known. A person's form is looked at again instead (see
    /// [`Caller::is_foreign`]): its owner cannot mend the page that they were on.
    pub fn may_sign_up(self, asked: &Asked) -> Result<(), Refusal> {
        let by_program = asked.json || asked.content == ContentKind::Json;
        match self {
            Caller::Nameless | Caller::Foreign if by_program => Err(Refusal::UndeclaredOrigin),
            _ => Ok(()),
        }
    }

    /// Whether the form stood on a site that the list does not know.
    pub fn is_foreign(self) -> bool {
        self == Caller::Foreign
    }

    /// What a browser asks before a script of another site may post JSON.
    pub fn preflight(self) -> Answer {
        match self {
            Caller::Ours | Caller::Declared(_) => {
                let mut response =
                    warp::reply::with_status(warp::reply(), StatusCode::NO_CONTENT).into_response();
                let headers = response.headers_mut();
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
                // Seconds: an hour, so that a site which is declared no more is soon noticed.
                headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
                Ok(response)
            }
            Caller::Nameless | Caller::Foreign => Err(Refusal::UndeclaredOrigin),
        }
    }

    /// Lets the caller's page read the answer, if its site is declared; never with credentials, of which we have none.
    pub fn let_read(self, response: &mut Response) {
        let headers = response.headers_mut();
        if let Ok(varies) = HeaderValue::from_str(&format!("{CHOSEN_BY}, origin")) {
            headers.insert(VARY, varies);
        }
        if let Caller::Declared(name) = self
            && let Ok(name) = HeaderValue::from_str(name)
        {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, name);
        }
    }
}
