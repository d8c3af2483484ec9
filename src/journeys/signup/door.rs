//! Signups by a website's own backend. They are asked twice as everybody is: the same pending row, the same letter.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::form::Form;
use super::page::Page;
use super::sign_up;
use crate::app::App;
use crate::consent::address::Address;
use crate::consent::list::StoreIp;
use crate::consent::network::Network;
use crate::consent::operator::Right;
use crate::site::site;
use crate::store::StoreError;
use crate::store::idempotency::KeyUse;
use crate::web::answer::Answer;
use crate::web::asked::ContentKind;
use crate::web::guard;
use crate::web::refusal::{Refusal, open_list};
use crate::web::request::Request;
use crate::web::wish::{Fault, Slug};

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

/// Somebody who said the first yes on a website.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ann@example.org", "consent": true, "notice": 1, "lang": "en" }))]
#[allow(dead_code, reason = "it is read member by member, and this tells of it")]
pub struct SignupWish {
    #[schema(value_type = crate::web::wish::Email, inline)]
    pub email: String,
    /// Whether they declared their consent: true.
    pub consent: bool,
    /// The version of the notice that they were shown.
    pub notice: u32,
    /// The language that they were shown it in.
    pub lang: Option<String>,
    /// The list's own fields.
    #[schema(value_type = Option<Object>)]
    pub fields: Option<Value>,
    /// The site whose page they were on: `https://www.example.org`.
    pub origin: Option<String>,
    /// Where their browser came from. Kept as a network, and only where the list says so.
    pub ip: Option<String>,
}

/// What the person is to do now.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "it tells the document what `Page::check_your_mail` writes")]
pub struct SignedUp {
    #[schema(example = "check_your_mail")]
    pub status: String,
}

/// Signs somebody up. They get the letter that asks them again; the answer is the same whether the address is known or
/// not. An `Idempotency-Key` makes it safe to send the same again within a day.
#[utoipa::path(
    post, path = "/api/v1/lists/{slug}/signups", tag = "Signups", operation_id = "sign_up",
    params(
        ("slug" = inline(Slug), Path, description = "The list's slug"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]{1,255}$", description = "Up to 255 characters, a new one for each signup")
    ),
    request_body = SignupWish,
    responses((status = 202, description = "A letter is on its way", body = SignedUp)),
    security(("token" = []))
)]
pub async fn take(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    request.acts_only()?;
    let operator = guard::bearer(&app, &request).await?;
    let token = operator.token().unwrap_or_default();
    let entered = guard::enter(&app, operator, Right::Signup, &slug).await?;
    let mut members = members(&request)?;
    let used = key_use(&app, &request, entered.list.number, token, &members)?;
    let before = match &used {
        Some(used) => app.store.earlier_request(entered.list.number, used, app.clock.now()).await?,
        None => None,
    };
    if before.is_some_and(|before| used.as_ref().is_some_and(|used| before != used.request)) {
        return Err(Refusal::KeyReused);
    }
    // The same again is answered as before, whatever has changed since.
    let (list, notice) = if before.is_some() {
        (entered.list, entered.notice)
    } else {
        open_list((entered.list, entered.notice))?
    };
    let (origin, network) = told_beside(&mut members)?;
    let form = Form::from_json(members);
    let page = Page::new(&app, &request.asked, form.lang(), &list, &notice);
    if before.is_some() {
        return page.check_your_mail(&request.asked);
    }
    let mut entered = match form.check(&app, &list, &notice, page.lang, origin.as_deref()) {
        Ok(entered) => entered,
        Err(faults) => return page.again(&request.asked, &form, &faults),
    };
    if list.options.store_ip == StoreIp::Truncated {
        entered.network = network;
    }
    let address = entered.address.clone();
    sign_up(&app, &list, &notice, entered).await?;
    if let Some(used) = used {
        note(&app, list.number, &address, &used).await?;
    }
    page.check_your_mail(&request.asked)
}

/// Ties the key to the row that the address has now, whatever that was before: it goes with the person.
async fn note(app: &App, list: u32, address: &Address, used: &KeyUse) -> Result<(), StoreError> {
    match app.find_on(&[list], address).await?.first() {
        Some((_, id)) => app.store.note_key(list, used, *id, app.clock.now()).await,
        None => Ok(()),
    }
}

fn members(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let body = request.body()?;
    if request.asked.content != ContentKind::Json {
        return Err(Refusal::MediaType);
    }
    match serde_json::from_slice(body).map_err(|_| Refusal::BadRequest)? {
        whole if super::form::holds_nul(&whole) => Err(Refusal::BadRequest),
        Value::Object(members) => Ok(members),
        _ => Err(Refusal::Invalid(vec![Fault::at("#", "The body is to be a JSON object.")])),
    }
}

/// What a backend knows beside the form.
fn told_beside(members: &mut Map<String, Value>) -> Result<(Option<String>, Option<Network>), Refusal> {
    let mut faults = Vec::new();
    let mut read = |name: &str| match members.remove(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => Some(String::new()),
    };
    let (origin, ip) = (read("origin"), read("ip"));
    let told_site = origin.as_deref().and_then(site);
    if origin.is_some() && told_site.is_none() {
        faults.push(Fault::at("#/origin", "This is to be a site, such as `https://www.example.org`."));
    }
    let address: Option<IpAddr> = ip.as_deref().and_then(|ip| ip.parse().ok());
    if ip.is_some() && address.is_none() {
        faults.push(Fault::at("#/ip", "This is to be an IP address."));
    }
    match faults.is_empty() {
        true => Ok((told_site, address.map(Network::of))),
        false => Err(Refusal::Invalid(faults)),
    }
}

/// What the database may know of a key and of the request that came with it: an HMAC of each, and no longer than it knows
/// the person. Keys are often made of what a website calls its user.
fn key_use(
    app: &App,
    request: &Request,
    list: u32,
    token: i64,
    members: &Map<String, Value>,
) -> Result<Option<KeyUse>, Refusal> {
    let Some(key) = request.header("idempotency-key") else { return Ok(None) };
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = "An `Idempotency-Key` has from 1 to 255 visible ASCII characters.";
        return Err(Refusal::Invalid(vec![Fault::of("Idempotency-Key", detail)]));
    }
    // Members come sorted.
    let body = serde_json::to_string(members).map_err(|_| Refusal::Internal)?;
    let mark = |what: &str, text: &str| app.keys.mark(list, &format!("{what}\0{token}\0{text}"));
    Ok(Some(KeyUse { key: mark("key", &key), request: mark("request", &body) }))
}
