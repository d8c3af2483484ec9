//! Which links and addresses in a newsletter are ours, and whose.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::links::Links;
use crate::token::{Purpose, Token};

/// What a link in a newsletter is to this service.
#[derive(Debug, PartialEq, Eq)]
pub enum Link {
    /// The link to leave of the subscription that the token names.
    Leave {
        token: Token,
        /// Whether something was hung on to it.
        has_tail: bool,
    },
    /// It leads to where links to leave do, and its token is none of ours.
    Broken,
    /// It leads somewhere else, and brings a link to leave along.
    Rewritten,
    Elsewhere,
}

/// What a `mailto:` is to this service.
#[derive(Debug, PartialEq, Eq)]
pub enum Mailto {
    /// The address to leave of the subscription that the token names, at this domain.
    Leave {
        token: Token,
        domain: String,
    },
    Elsewhere,
}

impl Link {
    pub fn read(text: &str, links: &Links) -> Link {
        let (Ok(url), Ok(own)) = (Url::parse(text), Url::parse(&links.public_url)) else {
            return Link::Elsewhere;
        };
        if url.origin() != own.origin() {
            return if brings_along(text, links) { Link::Rewritten } else { Link::Elsewhere };
        }
        let Some(token) = url.path().strip_prefix("/u/") else { return Link::Elsewhere };
        let has_tail = url.query().is_some() || url.fragment().is_some();
        let read = links.tokens.read(Purpose::Unsubscribe, token);
        read.map_or(Link::Broken, |token| Link::Leave { token, has_tail })
    }
}

/// Whether a link of ours stands within another, escaped up to twice, as click counters have it.
fn brings_along(text: &str, links: &Links) -> bool {
    let within = format!("{}/u/", links.host());
    let once = percent_decode_str(text).decode_utf8_lossy().into_owned();
    let twice = percent_decode_str(&once).decode_utf8_lossy();
    [text, &once, &twice].iter().any(|text| text.contains(&within))
}

impl Mailto {
    /// Reads what stands after `mailto:` (RFC 6068 §2).
    pub fn read(text: &str, links: &Links) -> Mailto {
        let address = text.split_once('?').map_or(text, |(address, _)| address);
        let address = percent_decode_str(address).decode_utf8_lossy();
        let Some((local, domain)) = address.rsplit_once('@') else { return Mailto::Elsewhere };
        match links.read_local(local) {
            Some((Purpose::Unsubscribe, token)) => {
                Mailto::Leave { token, domain: domain.to_ascii_lowercase() }
            }
            _ => Mailto::Elsewhere,
        }
    }
}

/// Whether an address is one that erases whoever it belongs to, as soon as a mail reaches it.
pub fn erases(address: &str, links: &Links) -> bool {
    matches!(Mailto::read(address, links), Mailto::Leave { .. })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::keys::KeyRing;
    use crate::token::SubscriptionId;

    fn links(seed: u8) -> Links {
        Links::new("https://news.example:8443".into(), &KeyRing::generate(Zeroizing::new([seed; 96])))
    }

    const ID: SubscriptionId = SubscriptionId([7; 14]);
    const TOKEN: Token = Token { list: 3, id: ID, expiry: 0 };

    #[test]
    fn a_link_is_ours_by_its_host_its_path_and_its_token() {
        let url = links(1).unsubscribe(3, ID);
        let read = |text: &str| Link::read(text, &links(1));
        let whole = Link::Leave { token: TOKEN, has_tail: false };
        assert_eq!(read(&url), whole);
        assert_eq!(read(&url.replace("https://news.example", "HTTPS://News.Example")), whole);
        assert_eq!(read(&format!("{url}?utm=1")), Link::Leave { token: TOKEN, has_tail: true });
        assert_eq!(read(&format!("{url}#a")), Link::Leave { token: TOKEN, has_tail: true });
        for broken in [
            url[..url.len() - 1].to_owned(),
            format!("{url}/"),
            format!("{url}x"),
            links(2).unsubscribe(3, ID),
        ] {
            assert_eq!(read(&broken), Link::Broken, "{broken}");
        }
        let escaped = url.replace(':', "%3A").replace('/', "%2F");
        for rewritten in [
            format!("https://click.example/?to={url}"),
            format!("https://click.example/{escaped}"),
            format!("https://click.example/?to={}", escaped.replace('%', "%25")),
            url.replace("https:", "http:"),
        ] {
            assert_eq!(read(&rewritten), Link::Rewritten, "{rewritten}");
        }
        let confirm = links(1).confirm(3, ID, jiff::Timestamp::MAX);
        for other in
            ["https://click.example/abc", "https://news.example:8443/", "{{unsubscribe}}", "", &confirm]
        {
            assert_eq!(read(other), Link::Elsewhere, "{other}");
        }
    }

    #[test]
    fn an_address_is_ours_by_its_local_part() {
        let address = links(1).leave_mailto("leave@Lists.example", 3, ID).unwrap();
        let whole = Mailto::Leave { token: TOKEN, domain: "lists.example".into() };
        for text in [
            address.clone(),
            format!("{address}?subject=unsubscribe"),
            address.to_ascii_uppercase(),
            address.replace('+', "%2B"),
        ] {
            assert_eq!(Mailto::read(&text, &links(1)), whole, "{text}");
        }
        for other in ["leave@lists.example", "a@b.example", "leave+x@b.example", "", "@", "leave+@"] {
            assert_eq!(Mailto::read(other, &links(1)), Mailto::Elsewhere, "{other}");
        }
        assert_eq!(Mailto::read(&address, &links(2)), Mailto::Elsewhere);
        assert!(erases(&address, &links(1)) && !erases("leave@lists.example", &links(1)));
    }
}
