//! Answers: pages, JSON, and RFC 9457 problems.

use http::header::{ALLOW, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use warp::Reply as _;
use warp::reply::Response;

use super::asked::Asked;
use super::refusal::Refusal;
use super::server::RouteName;
use crate::app::App;

/// What a journey comes to.
pub type Answer = Result<Response, Refusal>;

/// The language to speak: the best of those asked for that there is, else `fallback`, else English.
pub fn language<'a>(app: &'a App, asked: &Asked, fallback: &'a str) -> &'a str {
    language_of(app, asked, None, fallback)
}

/// The same to somebody whose `own` language is known: it yields to what they chose, and comes before their browser's.
/// An operator's language may have gone since; nobody is refused for that.
pub fn language_of<'a>(app: &'a App, asked: &Asked, own: Option<&str>, fallback: &str) -> &'a str {
    let chosen = asked.lang.as_deref().into_iter();
    app.templates.words().pick(chosen.chain(own).chain(asked.languages()).chain([fallback])).unwrap_or("en")
}

/// A page from its template.
pub fn page(
    app: &App,
    status: StatusCode,
    lang: &str,
    template: &str,
    context: impl Serialize,
) -> Result<Response, Refusal> {
    html(app, status, lang, &format!("pages/{template}.html"), context)
}

/// The same from any template, such as `desk/login.html`.
pub fn html(
    app: &App,
    status: StatusCode,
    lang: &str,
    file: &str,
    context: impl Serialize,
) -> Result<Response, Refusal> {
    let html = app.templates.render(file, lang, context)?;
    let mut response = warp::reply::html(html).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert("content-language", header(lang));
    Ok(response)
}

/// Words of the catalogue; none, and a line in the log, where they are missing.
pub fn say(app: &App, lang: &str, key: &str, args: &[(&str, &dyn std::fmt::Display)]) -> String {
    app.templates.words().t(lang, key, args).unwrap_or_else(|error| {
        tracing::error!(%error, "words are missing");
        String::new()
    })
}

/// JSON with a status.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    warp::reply::with_status(warp::reply::json(body), status).into_response()
}

/// Sends a browser on, to a path of ours (RFC 9110 §15.4.4).
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, place);
    response
}

/// A problem (RFC 9457), with what else belongs to it.
pub fn problem(
    status: StatusCode,
    name: &str,
    title: &str,
    detail: &str,
    more: Map<String, Value>,
) -> Response {
    let mut body = json!({
        "type": format!("urn:optin:problem:{name}"), "title": title, "status": status.as_u16(), "detail": detail,
    });
    if let Value::Object(members) = &mut body {
        members.extend(more);
    }
    let mut response = json(status, &body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// What an act came to: its page, or `{"status": name}`, or a problem with the page's own words.
pub fn act_answer(
    app: &App,
    asked: &Asked,
    status: StatusCode,
    lang: &str,
    template: &str,
    context: Value,
) -> Answer {
    if !asked.json {
        return page(app, status, lang, template, context);
    }
    if status.is_success() {
        return Ok(json(status, &json!({ "status": template })));
    }
    let title = context["list"]["title"].as_str().unwrap_or_default();
    let word = |part: &str| {
        let key = format!("{template}.{part}");
        app.templates.words().t(lang, &key, &[("list", &title)]).unwrap_or_default()
    };
    let more = ["signup_url", "notice"].into_iter().filter(|name| !context[*name].is_null());
    let more = more.map(|name| (name.to_owned(), context[name].clone())).collect();
    Ok(problem(status, template, &word("title"), &word("lead"), more))
}

/// The end of every journey: a refusal becomes a page in the person's language or a problem, and the route gets
/// its name for the log.
pub fn finish(app: &App, route: &'static str, asked: &Asked, answer: Answer) -> Response {
    let mut response = match answer.or_else(|refusal| refused(app, asked, &refusal)) {
        Ok(response) => response,
        Err(refusal) => warp::reply::with_status(warp::reply(), refusal.status()).into_response(),
    };
    response.extensions_mut().insert(RouteName(route));
    response
}

/// A refusal as a page or as a problem.
pub fn refused(app: &App, asked: &Asked, refusal: &Refusal) -> Answer {
    if let Refusal::GoTo(path) = refusal {
        return Ok(see_other(path));
    }
    let lang = language(app, asked, "en");
    let (seconds, notice_url) = (refusal.retry_after(), refusal.notice_url());
    let mut response = if asked.json {
        let word = |part: &str| {
            let key = format!("refusal.{}.{part}", refusal.name());
            let n = seconds.unwrap_or_default();
            app.templates.words().t(lang, &key, &[("n", &n)]).unwrap_or_default()
        };
        let detail = format!("{} {}", word("why"), word("do"));
        let mut more: Map<_, _> =
            notice_url.map(|url| ("notice_url".to_owned(), Value::from(url))).into_iter().collect();
        if let Refusal::Invalid(faults) = refusal {
            more.insert("errors".into(), json!(faults));
        }
        problem(refusal.status(), refusal.name(), &word("title"), &detail, more)
    } else {
        let context = json!({
            "refusal": refusal.name(),
            "status": refusal.status().as_u16(),
            "seconds": seconds,
            "notice_url": notice_url,
        });
        page(app, refusal.status(), lang, "refused", context)?
    };
    if let Some(seconds) = seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 6750 §3.
    let wanted = match refusal {
        Refusal::NoToken => Some("Bearer"),
        Refusal::UnknownToken => Some("Bearer error=\"invalid_token\""),
        _ => None,
    };
    if let Some(wanted) = wanted {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(wanted));
    }
    if let Refusal::Method(allowed) = refusal {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    Ok(response)
}

fn header(lang: &str) -> HeaderValue {
    HeaderValue::from_str(lang).unwrap_or(HeaderValue::from_static("en"))
}
