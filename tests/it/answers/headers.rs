//! What every answer carries, and what none does.

use regex::Regex;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap};

use crate::house::pages::{anchors, loads};
use crate::house::{House, languages};

const SECURITY: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("x-frame-options", "DENY"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

fn is_guarded(headers: &HeaderMap, what: &str) {
    for (name, value) in SECURITY {
        assert_eq!(
            headers.get(name).unwrap_or_else(|| panic!("{what} lacks {name}")),
            value,
            "{what}: {name}"
        );
        assert_eq!(headers.get_all(name).iter().count(), 1, "{what}: {name}");
    }
    assert!(!headers.contains_key("set-cookie"), "{what}");
    assert!(!headers.contains_key("location") && !headers.contains_key("refresh"), "{what}");
}

#[tokio::test]
async fn every_page_is_guarded_and_loads_nothing_from_elsewhere_and_runs_nothing() {
    let handler = Regex::new(r"(?i)<[^>]*\son[a-z]+\s*=").unwrap();
    for lang in languages() {
        let house = House::open().await;
        let harmless = |html: &str, name: &str| {
            let lower = html.to_lowercase();
            for word in ["<script", "javascript:", "<iframe", "<object", "<embed", "<img"] {
                assert!(!lower.contains(word), "{name} has {word}");
            }
            assert!(!handler.is_match(html), "{name} has a handler");
        };
        for page in house.every_page(&lang).await {
            is_guarded(&page.headers, page.name);
            assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{}", page.name);
            assert_eq!(page.headers["content-language"], lang, "{}", page.name);
            let varies = page.headers["vary"].to_str().unwrap();
            assert_eq!(varies.trim_end_matches(", origin"), "accept, accept-language", "{}", page.name);
            harmless(&page.html, page.name);
            let loads = loads(&page.html);
            assert!(loads.contains(&"/assets/optin.css".to_owned()), "{}: {loads:?}", page.name);
            for url in loads {
                assert!(is_ours(&url, &house.url), "{} loads {url}", page.name);
            }
            for url in anchors(&page.html) {
                assert!(
                    is_ours(&url, &house.url) || is_the_controllers(&url),
                    "{} leads to {url}",
                    page.name
                );
            }
        }
        let letters = house.all_letters().await;
        assert!(letters.len() > 2);
        for letter in letters {
            harmless(&letter.html, &letter.subject);
            assert_eq!(loads(&letter.html), [""; 0], "{} loads something", letter.subject);
            for url in anchors(&letter.html) {
                let is_the_way_out = url.starts_with("mailto:leave+");
                assert!(
                    is_ours(&url, &house.url) || is_the_controllers(&url) || is_the_way_out,
                    "it leads elsewhere"
                );
            }
        }
        let css = house.get("/assets/optin.css").await.text().await.unwrap();
        assert_eq!(loads(&css), [""; 0], "the stylesheet loads something");
        house.close().await;
    }
}

fn is_ours(url: &str, house: &str) -> bool {
    let relative = url.starts_with(['/', '?', '#']) && !url.starts_with("//");
    relative || url.strip_prefix(house).is_some_and(|rest| rest.starts_with('/'))
}

/// What the controller's own words name: where to complain.
fn is_the_controllers(url: &str) -> bool {
    ["mailto:privacy@example.org", "https://authority.example"].contains(&url)
}

#[tokio::test]
async fn answers_that_are_no_pages_are_guarded_too() {
    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    let json = |method, path| house.request(method, path).header(ACCEPT, "application/json");
    for (what, request) in [
        ("JSON", json(Method::GET, "/lists/news")),
        ("a problem", json(Method::GET, "/lists/nothing")),
        ("health", json(Method::GET, "/healthz")),
        ("HEAD", house.request(Method::HEAD, "/lists/news")),
        ("a one-click answer", house.request(Method::POST, &leave)),
    ] {
        is_guarded(request.send().await.unwrap().headers(), what);
    }
    let css = house.get("/assets/optin.css").await;
    assert_eq!(css.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(css.headers()["x-content-type-options"], "nosniff");
    assert!(!css.headers().contains_key("set-cookie"));
    house.close().await;
}
