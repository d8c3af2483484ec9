//! How a client wants its answer: as a page or as JSON, in which language; what it sent, and from which site.

use std::convert::Infallible;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, ORIGIN, REFERER};
use http::{HeaderMap, HeaderName};
use warp::Filter;
use warp::path::FullPath;

use super::form;
use crate::site::site;

mod accept;

/// What a request's headers and query say about the answer. Holds nothing about the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whether to answer in JSON. Otherwise the answer is a page.
    ///
    /// True if `Accept` gives JSON (`application/json` or anything `+json`) a higher weight than `text/html`, or
    /// the same weight but names JSON more exactly, as in `application/json, */*`. Where `Accept` does not decide
    /// (missing, broken, `*/*`, both the same), whoever sends JSON gets JSON, as curl's users expect.
    pub json: bool,
    /// `?lang=`, in lower case: what the person chose, and what links on the page should carry on.
    pub lang: Option<String>,
    /// What the browser's `Origin` header says of the page that sent the request.
    pub origin: Origin,
    /// The site in the `Referer` header, which older browsers send alone.
    referer: Option<String>,
    /// Whether the browser says that a page of ours sent the request (Fetch Metadata). Our pages send no referrer,
    /// and so no origin either.
    pub from_our_page: bool,
    /// Whether the browser says that a page of another site sent it. Such a page can keep its name to itself, and then
    /// its origin is opaque.
    pub from_elsewhere: bool,
    /// What kind of body came with the request.
    pub content: ContentKind,
    accept_language: Vec<String>,
}

/// An `Origin` header (RFC 6454 §7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// There is none: no browser sent the request, or one that saw no need for it.
    #[default]
    Absent,
    /// One that names no site: `null`, broken, or more than one.
    Opaque,
    /// A site: `scheme://host[:port]`, http or https, host in lower-case A-labels, at most 255 bytes.
    Site(String),
}

/// A body's kind, by `Content-Type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentKind {
    /// `application/x-www-form-urlencoded`
    Form,
    /// `application/json`
    Json,
    /// `multipart/form-data`
    Multipart,
    /// No `Content-Type`, or an empty one.
    #[default]
    None,
    /// Anything else, more than one `Content-Type`, or a charset other than UTF-8.
    Other,
}

/// Reads [`Asked`] off any request; rejects none.
pub fn asked() -> impl Filter<Extract = (Asked,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::header::headers_cloned().and(query).and(warp::path::full()).map(
        |headers, query: String, path: FullPath| {
            let mut asked = Asked::read(&headers, &query);
            asked.json |= is_for_programs(path.as_str());
            asked
        },
    )
}

/// Whether all is JSON there, whatever is asked for.
fn is_for_programs(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

impl Asked {
    fn read(headers: &HeaderMap, query: &str) -> Asked {
        let content = content_kind(headers);
        Asked {
            json: accept::prefers_json(&joined(headers, ACCEPT)).unwrap_or(content == ContentKind::Json),
            lang: lang(query),
            origin: origin(headers),
            referer: headers.get(REFERER).and_then(|referer| site(referer.to_str().ok()?)),
            from_our_page: headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
            from_elsewhere: headers
                .get("sec-fetch-site")
                .is_some_and(|site| site == "cross-site" || site == "same-site"),
            content,
            accept_language: accept::languages(&joined(headers, ACCEPT_LANGUAGE)),
        }
    }

    /// The site of the page that sent the request, as far as it is told. `Origin` is not overruled by `Referer`.
    pub fn site(&self) -> Option<&str> {
        match &self.origin {
            Origin::Absent => self.referer.as_deref(),
            Origin::Opaque => None,
            Origin::Site(site) => Some(site),
        }
    }

    /// Whether a page of another site sent it, as far as browsers tell. Whoever is no browser can claim anything, and
    /// gains nothing by it. `public_url` is ours.
    pub fn is_foreign(&self, public_url: &str) -> bool {
        match &self.origin {
            Origin::Absent | Origin::Opaque => self.from_elsewhere,
            Origin::Site(name) => !self.from_our_page && site(public_url).as_ref() != Some(name),
        }
    }

    /// The languages to try, best first, in lower case: `?lang=`, then `Accept-Language` by weight; each is
    /// followed by what it is a kind of (`zh-hant-tw`, `zh-hant`, `zh`), as RFC 4647 §3.4 looks them up.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        let chosen = self.lang.iter().chain(&self.accept_language);
        chosen.flat_map(|tag| std::iter::successors(Some(tag.as_str()), |tag| Some(tag.rsplit_once('-')?.0)))
    }
}

/// All lines of a header as one list (RFC 9110 §5.3). Lines that are not text are left out.
fn joined(headers: &HeaderMap, name: HeaderName) -> String {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    lines.join(",")
}

fn lang(query: &str) -> Option<String> {
    let pairs = form::parse(query.as_bytes()).ok()?;
    let (_, tag) = pairs.iter().find(|(name, _)| name == "lang")?;
    accept::language_tag(tag)
}

fn origin(headers: &HeaderMap) -> Origin {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => Origin::Absent,
        (Some(_), Some(_)) => Origin::Opaque,
        (Some(origin), None) => origin.to_str().ok().and_then(site).map_or(Origin::Opaque, Origin::Site),
    }
}

fn content_kind(headers: &HeaderMap) -> ContentKind {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (None, _) => ContentKind::None,
        (Some(value), None) => value.to_str().map_or(ContentKind::Other, kind_of),
        (Some(_), Some(_)) => ContentKind::Other,
    }
}

fn kind_of(value: &str) -> ContentKind {
    let (media_type, mut parameters) = accept::media_type(value);
    if parameters.any(|(name, value)| name == "charset" && value != "utf-8" && value != "utf8") {
        return ContentKind::Other;
    }
    match media_type.as_str() {
        "application/x-www-form-urlencoded" => ContentKind::Form,
        "application/json" => ContentKind::Json,
        "multipart/form-data" => ContentKind::Multipart,
        "" => ContentKind::None,
        _ => ContentKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};
    use tower::ServiceExt;

    fn read(headers: &[(&str, &str)], query: &str) -> Asked {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
        };
        Asked::read(&headers.iter().map(pair).collect(), query)
    }

    #[test]
    fn accept_decides_between_page_and_json() {
        let json = |accept| read(&[("accept", accept)], "").json;
        assert!(json("application/json"));
        assert!(json("Application/Problem+JSON"));
        assert!(json("text/html;q=0.5, application/json;q=0.6"));
        assert!(json("application/json, text/plain, */*"), "what axios sends");
        assert!(
            !json("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            "what browsers send"
        );
        assert!(!json("application/json, text/html"), "no preference");
        assert!(!json("*/*"));
        assert!(!json("application/json;q=0"));
        assert!(!json("application/json;q=2"), "no weight");
        assert!(!json("\u{e9}") && !json("") && !json(",;=,"));
    }

    #[test]
    fn a_browser_tells_our_own_pages_from_others() {
        assert!(read(&[("sec-fetch-site", "same-origin")], "").from_our_page);
        assert!(!read(&[("sec-fetch-site", "cross-site")], "").from_our_page);
        assert!(!read(&[], "").from_our_page);
    }

    #[test]
    fn accept_lines_are_one_list() {
        assert!(!read(&[("accept", "application/json;q=0.5"), ("accept", "text/html")], "").json);
    }

    #[test]
    fn who_sends_json_gets_json_unless_accept_says_otherwise() {
        let posted = ("content-type", "application/json");
        assert!(read(&[posted], "").json);
        assert!(read(&[posted, ("accept", "*/*")], "").json);
        assert!(!read(&[posted, ("accept", "text/html")], "").json);
        assert!(!read(&[("content-type", "application/x-www-form-urlencoded"), ("accept", "*/*")], "").json);
    }

    #[test]
    fn languages_begin_with_the_chosen_one_and_fall_back() {
        let asked = read(&[("accept-language", "en;q=0.5, de-AT, fr;q=0, *;q=0.1")], "a=b&lang=zh-Hant-TW");
        assert_eq!(asked.lang.as_deref(), Some("zh-hant-tw"));
        assert_eq!(
            asked.languages().collect::<Vec<_>>(),
            ["zh-hant-tw", "zh-hant", "zh", "de-at", "de", "en"]
        );
    }

    #[test]
    fn a_lang_that_is_no_tag_is_no_lang() {
        for query in ["", "lang=", "lang=../x", "lang=%00", "lang=en%FF", "language=de"] {
            assert_eq!(read(&[], query).lang, None, "{query}");
        }
    }

    #[test]
    fn origin_is_a_site_and_nothing_more() {
        let origin = |headers: &[(&str, &str)]| read(headers, "").site().map(str::to_owned);
        let site = |text: &str| Some(text.to_owned());
        assert_eq!(origin(&[("origin", "https://Shop.example:443")]), site("https://shop.example"));
        assert_eq!(origin(&[("origin", "http://[::1]:8080")]), site("http://[::1]:8080"));
        let referer = ("referer", "https://user:secret@blog.example:8443/path?email=x#y");
        assert_eq!(origin(&[referer]), site("https://blog.example:8443"));
        assert_eq!(origin(&[("origin", "https://a.example"), referer]), site("https://a.example"));
        assert_eq!(origin(&[("origin", "null"), referer]), None);
        assert_eq!(
            origin(&[("origin", "https://a.example"), ("origin", "https://b.example"), referer]),
            None
        );
        for bad in
            ["", "a.example", "file:///etc", "data:text/html,x", "javascript:x", "https://", "https://a b"]
        {
            assert_eq!(origin(&[("origin", bad)]), None, "{bad}");
            assert_eq!(read(&[("origin", bad)], "").origin, Origin::Opaque, "{bad}");
        }
        assert_eq!(read(&[referer], "").origin, Origin::Absent);
        assert_eq!(origin(&[("origin", &format!("https://{}example", "a.".repeat(130)))]), None);
    }

    #[test]
    fn content_type_is_matched_loosely_but_its_charset_is_not() {
        let kind = |value| read(&[("content-type", value)], "").content;
        assert_eq!(kind("Application/X-WWW-Form-URLencoded ; Charset=\"UTF-8\""), ContentKind::Form);
        assert_eq!(kind("application/json;charset=utf8"), ContentKind::Json);
        assert_eq!(kind("multipart/form-data; boundary=\"a;charset=x\""), ContentKind::Multipart);
        assert_eq!(kind("application/json; charset=latin1"), ContentKind::Other);
        assert_eq!(kind("text/plain"), ContentKind::Other);
        assert_eq!(kind(""), ContentKind::None);
        assert_eq!(read(&[], "").content, ContentKind::None);
        let twice = [("content-type", "application/json"), ("content-type", "text/plain")];
        assert_eq!(read(&twice, "").content, ContentKind::Other);
    }

    #[tokio::test]
    async fn the_filter_reads_headers_and_query_with_or_without_one() {
        let filter = asked().map(|asked: Asked| asked.languages().collect::<Vec<_>>().join(" "));
        for (uri, expected) in [("/?lang=da", "da sv"), ("/", "sv")] {
            let request = Request::get(uri).header("accept-language", "sv").body(String::new()).unwrap();
            let response = warp::service(filter.clone()).oneshot(request).await.unwrap();
            let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
            assert_eq!(body.to_bytes(), expected);
        }
    }
}
