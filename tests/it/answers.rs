//! The table of answers: what a browser and a program get for whatever can be asked, right or wrong, and that a
//! refusal stores nothing.

mod bodies;
mod closed;
mod headers;
mod links;
mod methods;
mod notices;
mod once;
mod refusals;
mod same;
mod wishes;

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Map, Value, json};

use crate::house::House;

/// A signup as it is sent; good unless it is spoilt.
#[derive(Clone)]
struct Signup {
    email: String,
    consent: bool,
    notice: Option<u32>,
    fields: Vec<(&'static str, String)>,
}

impl Signup {
    fn of(email: &str) -> Signup {
        Signup { email: email.into(), consent: true, notice: Some(1), fields: Vec::new() }
    }

    fn with(mut self, field: &'static str, value: &str) -> Signup {
        self.fields.push((field, value.into()));
        self
    }

    async fn by_browser(&self, house: &House, slug: &str, lang: &str) -> Response {
        let notice = self.notice.map(|notice| notice.to_string());
        let mut form = vec![("email", self.email.as_str()), ("lang", lang)];
        form.extend(self.consent.then_some(("consent", "yes")));
        form.extend(notice.iter().map(|notice| ("notice", notice.as_str())));
        form.extend(self.fields.iter().map(|(name, value)| (*name, value.as_str())));
        browser(house, Method::POST, &format!("/lists/{slug}"), lang).form(&form).send().await.unwrap()
    }

    async fn by_program(&self, house: &House, slug: &str, lang: &str) -> Response {
        let fields = self.fields.iter().map(|(name, value)| (name.to_string(), json!(value)));
        let mut body = json!({ "email": self.email, "lang": lang, "fields": Map::from_iter(fields) });
        if let Some(notice) = self.notice {
            body["notice"] = json!(notice);
        }
        if self.consent {
            body["consent"] = json!(true);
        }
        program(house, Method::POST, &format!("/lists/{slug}"), lang).json(&body).send().await.unwrap()
    }
}

/// A request as a browser makes it.
fn browser(house: &House, method: Method, path: &str, lang: &str) -> RequestBuilder {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    house.request(method, path).header(ACCEPT, accept).header(ACCEPT_LANGUAGE, lang)
}

/// A request as a program makes it that speaks JSON.
fn program(house: &House, method: Method, path: &str, lang: &str) -> RequestBuilder {
    house.request(method, path).header(ACCEPT, "application/json").header(ACCEPT_LANGUAGE, lang)
}

/// A page of this status in this language.
async fn page(response: Response, status: u16, lang: &str) -> String {
    let (got, headers) = (response.status(), response.headers().clone());
    let html = response.text().await.unwrap();
    assert_eq!(got, status, "{html}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["content-language"], lang);
    assert!(html.contains(&format!("<html lang=\"{lang}\">")), "{html}");
    html
}

/// A problem of this status and kind (RFC 9457), whose every part says something.
async fn problem(response: Response, status: u16, name: &str) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], format!("urn:optin:problem:{name}"));
    assert_eq!(problem["status"], status);
    for part in ["title", "detail"] {
        let words = problem[part].as_str().unwrap_or_default();
        assert!(!words.trim().is_empty() && !words.contains(['{', '}']), "{part} of {problem}");
    }
    problem
}

/// `{"status": …}` and nothing else.
async fn done(response: Response, code: u16, status: &str) {
    assert_eq!(response.status(), code);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "status": status }));
}
