//! Forms on other websites: whose may sign people up, what their scripts may read, where people go afterwards, and
//! whether docs/FORMS.md says so truly.

mod guide;
mod onward;
mod origins;

use reqwest::header::{ACCEPT, ORIGIN};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::house::{House, NEWS};

/// The website whose forms the news declare.
const SITE: &str = "https://www.example.org";
/// One that they do not.
const FOREIGN: &str = "https://elsewhere.example";

/// A house whose news know one website.
async fn house() -> House {
    let house = House::open().await;
    house.set_options(NEWS, json!({ "origins": [SITE] })).await;
    house
}

/// A signup as a script in a page of this origin posts it.
fn by_script(house: &House, origin: &str, email: &str) -> RequestBuilder {
    let body = json!({ "email": email, "consent": true, "notice": 1, "lang": "en" });
    house.request(Method::POST, "/lists/news").header(ORIGIN, origin).json(&body)
}

/// A signup as a browser posts it from a form in a page of this origin.
fn by_form(house: &House, origin: &str, email: &str, lang: &str) -> RequestBuilder {
    let form =
        [("email", email), ("consent", "yes"), ("notice", "1"), ("lang", lang), ("name", "Ann O'Hara")];
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    house.request(Method::POST, "/lists/news").header(ORIGIN, origin).header(ACCEPT, accept).form(&form)
}
