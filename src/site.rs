//! Sites: where a page stands, as browsers tell it in `Origin`.

use url::{Host, Url};

/// The longest site that is believed, in bytes: longer than any host name can be (RFC 1035 §2.3.4).
const MAX_BYTES: usize = 255;

/// The site of a URL: `scheme://host[:port]`, http or https, host in lower-case A-labels, no default port (RFC 6454
/// §6.2). `None` for what is no such URL, and for opaque origins (`null`).
pub fn site(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let site = url.origin().ascii_serialization();
    (matches!(url.scheme(), "http" | "https") && site.len() <= MAX_BYTES).then_some(site)
}

/// Whether what travels there is safe from others: https, or this machine.
pub fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether its host is a name of letters, digits, dots and hyphens, or an address: whatever else a URL lets pass means
/// something in a header or in a key's name.
pub fn has_plain_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        }
        host => host.is_some(),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_scheme_host_and_port_and_nothing_more() {
        let is = |url: &str, expected: &str| assert_eq!(site(url).as_deref(), Some(expected), "{url}");
        is("https://Shop.example:443/a?b#c", "https://shop.example");
        is("http://[::1]:8080", "http://[::1]:8080");
        is("https://user:secret@blog.example:8443/", "https://blog.example:8443");
        is("https://b\u{fc}cher.example", "https://xn--bcher-kva.example");
        for bad in ["", "null", "a.example", "file:///etc", "data:text/html,x", "javascript:x", "https://"] {
            assert_eq!(site(bad), None, "{bad}");
        }
        assert_eq!(site(&format!("https://{}example", "a.".repeat(130))), None);
    }

    #[test]
    fn only_https_and_this_machine_are_safe() {
        let safe = |url: &str| is_safe(&Url::parse(url).unwrap());
        assert!(safe("https://a.example") && safe("http://127.0.0.1:1") && safe("http://[::1]/"));
        assert!(safe("http://localhost") && !safe("http://localhost.example") && !safe("http://a.example"));
        assert!(!safe("ftp://localhost"));
        let plain = |url: &str| has_plain_host(&Url::parse(url).unwrap());
        assert!(plain("https://a-1.example") && plain("http://[::1]") && plain("http://127.0.0.1"));
        assert!(!plain("https://*.example") && !plain("https://a;sandbox") && !plain("https://a,b.example"));
    }
}
