//! What a program asks for, in JSON or in its query: read member by member, so that everything which is wrong can be told
//! at once, and where (RFC 9457).

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Map, Value};

use super::asked::ContentKind;
use super::form;
use super::refusal::Refusal;
use super::request::Request;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// Where in the body: a JSON pointer as a URI fragment (RFC 6901 §6).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// Which parameter of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    pub detail: String,
}

impl Fault {
    pub fn at(pointer: &str, detail: &str) -> Fault {
        Fault { pointer: Some(pointer.to_owned()), parameter: None, detail: detail.to_owned() }
    }

    pub fn of(parameter: &str, detail: &str) -> Fault {
        Fault { pointer: None, parameter: Some(parameter.to_owned()), detail: detail.to_owned() }
    }
}

/// A body's members.
pub struct Members {
    members: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Members {
    /// Refuses what is no JSON object. PostgreSQL's texts hold no NUL, so no member may.
    pub fn read(request: &Request) -> Result<Members, Refusal> {
        let body = request.body()?;
        if request.asked.content != ContentKind::Json {
            return Err(Refusal::MediaType);
        }
        match serde_json::from_slice(body).map_err(|_| Refusal::BadRequest)? {
            Value::Object(members) => Ok(Members { members, faults: Vec::new() }),
            _ => Err(Refusal::Invalid(vec![Fault::at("#", "The body is to be a JSON object.")])),
        }
    }

    /// A text that has to be there.
    pub fn text(&mut self, name: &str) -> String {
        match self.members.remove(name) {
            Some(Value::String(text)) if !text.contains('\0') => return text,
            Some(_) => self.fault(name, "This is to be a text."),
            None => self.fault(name, "This is missing."),
        }
        String::new()
    }

    pub fn fault(&mut self, name: &str, detail: &str) {
        self.faults.push(Fault::at(&format!("#/{name}"), detail));
    }

    /// Refuses what was wrong, and members that nobody asked for; their names are not repeated.
    pub fn end(mut self) -> Result<(), Refusal> {
        if !self.members.is_empty() {
            self.faults.push(Fault::at("#", "There is a member here that this door does not know."));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.faults)) }
    }
}

/// Which part of a list is asked for: `limit` and `after`.
pub struct PageWish {
    pub limit: u32,
    pub after: Option<String>,
}

/// The most items of one page, and how many there are unless the query says.
pub const LARGEST: u32 = 100;
const USUAL: u32 = 50;

impl PageWish {
    pub fn read(request: &Request) -> Result<PageWish, Refusal> {
        let pairs = form::parse(request.query.as_bytes()).map_err(|_| Refusal::BadRequest)?;
        let mut faults = Vec::new();
        let limit = match form::one(&pairs, "limit") {
            Ok(None) => USUAL,
            Ok(Some(text)) => text.parse().unwrap_or_default(),
            Err(_) => 0,
        };
        if !(1..=LARGEST).contains(&limit) {
            faults.push(Fault::of("limit", "This is to be one whole number from 1 to 100."));
        }
        let after = form::one(&pairs, "after").unwrap_or_else(|_| {
            faults.push(Fault::of("after", "This is to be given once."));
            None
        });
        match faults.is_empty() {
            true => Ok(PageWish { limit, after: after.map(str::to_owned) }),
            false => Err(Refusal::Invalid(faults)),
        }
    }

    /// What a cursor says, as `read` reads it.
    pub fn after<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        let Some(after) = &self.after else { return Ok(None) };
        let fault =
            || Refusal::Invalid(vec![Fault::of("after", "This is to be the `next` of an earlier page.")]);
        read(after).map(Some).ok_or_else(fault)
    }
}

/// The cursor after an item with a number.
pub fn numbered(number: u32) -> String {
    BASE64URL_NOPAD.encode(&number.to_be_bytes())
}

/// The number that a cursor was made of.
pub fn number_of(cursor: &str) -> Option<u32> {
    let bytes: [u8; 4] = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
}

/// A page of a list, and where the next begins.
#[derive(Serialize)]
pub struct Items<T> {
    pub items: Vec<T>,
    /// `after` of the next page; null where this is the last.
    pub next: Option<String>,
}

impl<T> Items<T> {
    /// Of up to `limit` items and one more, which tells that there is a next page.
    pub fn of(mut found: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Items<T> {
        let is_last = found.len() <= limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| !is_last).map(cursor);
        Items { items: found, next }
    }
}

/// A list's name in URLs.
#[derive(utoipa::ToSchema)]
#[schema(pattern = "^[a-z0-9-]{1,63}$", example = "news")]
#[allow(dead_code, reason = "it tells the document what a slug is")]
pub struct Slug(String);

/// `next` of an earlier page.
#[derive(utoipa::ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{5}[AQgw]$")]
#[allow(dead_code, reason = "it tells the document what a cursor looks like")]
pub struct NumberCursor(String);

/// `next` of an earlier page of exports.
#[derive(utoipa::ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{32}$")]
#[allow(dead_code, reason = "it tells the document what a cursor looks like")]
pub struct ExportCursor(String);

/// Somebody's address. What it may be beyond that, `problem.email` in the words tells.
#[derive(utoipa::ToSchema)]
#[schema(format = "email", min_length = 3, max_length = 254)]
#[allow(dead_code, reason = "it tells the document what an address looks like")]
pub struct Email(String);
