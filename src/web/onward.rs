//! Sending a browser on to a page of the list's own website.

use std::collections::BTreeSet;

use http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderValue, StatusCode};
use url::Url;
use warp::Reply as _;
use warp::reply::Response;

use super::headers::CONTENT_POLICY;
use crate::consent::list::ByLang;
use crate::site::site;

/// 303 to a page, which gets neither a body nor a referrer. `None` where the page is no URL.
pub fn onward(page: &str) -> Option<Response> {
    let location = HeaderValue::from_str(Url::parse(page).ok()?.as_str()).ok()?;
    let mut response = warp::reply::with_status(warp::reply(), StatusCode::SEE_OTHER).into_response();
    response.headers_mut().insert(LOCATION, location);
    Some(response)
}

/// Lets the form on a page be answered by sending the browser on to one of these: Chrome holds a page's `form-action`
/// against redirects too (CSP Level 3, §6.4.2).
pub fn let_forms_lead_to(pages: &ByLang, response: &mut Response) {
    let sites: BTreeSet<String> = pages.values().filter_map(|page| site(page)).collect();
    if sites.is_empty() {
        return;
    }
    let sites: String = sites.iter().map(|site| format!(" {site}")).collect();
    let own = "form-action 'self'";
    let policy = CONTENT_POLICY.replace(own, &format!("{own}{sites}"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(pages: &[(&str, &str)]) -> Option<String> {
        let pages = pages.iter().map(|(lang, page)| (lang.to_string(), page.to_string())).collect();
        let mut response = warp::reply().into_response();
        let_forms_lead_to(&pages, &mut response);
        let policy = response.headers().get(CONTENT_SECURITY_POLICY)?;
        Some(policy.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_page_is_sent_as_a_header_can_hold_it() {
        let location =
            |page| onward(page).map(|response| response.headers()[LOCATION].to_str().unwrap().to_owned());
        let page = "https://www.example.org/gr\u{fc}n?a=b#c";
        assert_eq!(location(page).as_deref(), Some("https://www.example.org/gr%C3%BCn?a=b#c"));
        assert_eq!(location("somewhere"), None);
    }

    #[test]
    fn forms_lead_to_the_sites_of_the_pages_and_nowhere_else() {
        assert_eq!(policy(&[]), None);
        let both = [
            ("de", "https://b.example/x"),
            ("en", "https://a.example/y;script-src *"),
            ("fr", "https://b.example/z"),
        ];
        let expected =
            CONTENT_POLICY.replace("'self'; base", "'self' https://a.example https://b.example; base");
        assert_eq!(policy(&both), Some(expected));
    }
}
