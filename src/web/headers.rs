//! The headers that every answer carries, so that no journey can forget one.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response};

/// No script, no image, nothing from elsewhere: our pages are text, one stylesheet and forms.
pub const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 8] = [
    (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // A token in a path must not travel on to the next site.
    (REFERRER_POLICY, "no-referrer"),
    // Nearly every page is about one person; a public one says for itself how long it may be kept.
    (CACHE_CONTROL, "no-store"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A year (RFC 6797 §6.1). Without `includeSubDomains`: the neighbours are not ours to decide for.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Pages and JSON are chosen by these (RFC 9110 §12.5.5). Files, tiles and the like are the same for everybody.
pub const CHOSEN_BY: &str = "accept, accept-language";

/// What to add to each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityHeaders {
    /// Whether the public URL is https: then browsers are told to use nothing else.
    pub https: bool,
}

impl SecurityHeaders {
    /// Adds what the response does not say for itself; what it says stands.
    pub fn set<B>(self, response: &mut Response<B>) {
        for (name, value) in ALWAYS {
            add(response, name, value);
        }
        if self.https {
            add(response, STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
        }
        if is_page_or_json(response) {
            add(response, VARY, CHOSEN_BY);
        }
    }
}

fn add<B>(response: &mut Response<B>, name: HeaderName, value: &'static str) {
    response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
}

fn is_page_or_json<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind == "text/html" || kind == "application/json" || kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(response: http::response::Builder, https: bool) -> http::HeaderMap {
        let mut response = response.body(()).unwrap();
        SecurityHeaders { https }.set(&mut response);
        response.headers().clone()
    }

    #[test]
    fn a_bare_answer_gets_them_all() {
        let headers = answered(Response::builder(), false);
        for (name, value) in [
            ("content-security-policy", CONTENT_POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!(headers.len(), 8);
    }

    #[test]
    fn https_is_demanded_only_where_it_is_served() {
        assert_eq!(answered(Response::builder(), true)["strict-transport-security"], HTTPS_ONLY);
        assert!(!answered(Response::builder(), false).contains_key("strict-transport-security"));
    }

    #[test]
    fn what_the_answer_says_for_itself_stands() {
        let own = Response::builder().header("cache-control", "public, max-age=60").header("vary", "cookie");
        let headers = answered(own.header("content-type", "text/html"), true);
        assert_eq!(headers["cache-control"], "public, max-age=60");
        assert_eq!(headers.get_all("cache-control").iter().count(), 1);
        assert_eq!(headers["vary"], "cookie");
    }

    #[test]
    fn only_what_is_negotiated_varies() {
        let varies =
            |kind| answered(Response::builder().header("content-type", kind), true).contains_key("vary");
        assert!(varies("Text/HTML; charset=utf-8"));
        assert!(varies("application/json"));
        assert!(varies("application/problem+json"));
        assert!(!varies("text/css"));
        assert!(!varies("application/octet-stream"));
    }
}
