//! The checks: a sample's bytes, keys and public URL go in, findings come out. None repeats a token, address or URL.

use mail_parser::HeaderValue;
use url::Url;

use super::bodies::{Body, bodies};
use super::header::{Header, LONGEST, Malformed};
use super::ours::{Link, Mailto, erases};
use super::report::{Finding, fails, note, well};
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::links::Links;
use crate::mail::parsed::{Field, Part, start};
use crate::token::Token;

/// A newsletter as it was sent to somebody.
pub struct Sample<'a> {
    header: Header<'a>,
    parsed: Part<'a>,
    bodies: Vec<Body>,
    /// The URIs of the first `List-Unsubscribe`, and what is wrong with their form.
    uris: Option<(Vec<String>, Option<Malformed>)>,
    links: &'a Links,
}

/// What is known of the list that a sample was sent to.
pub enum Known {
    List(Box<List>),
    NoList,
    /// The database was not asked, or did not answer, and why.
    Unasked(String),
}

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

impl<'a> Sample<'a> {
    /// Nothing where the bytes are no mail.
    pub fn read(bytes: &'a [u8], links: &'a Links) -> Option<Sample<'a>> {
        let mail = start(bytes);
        let header = Header::read(mail)?;
        let uris = header.named("List-Unsubscribe").first().map(|field| field.uris());
        Some(Sample { header, parsed: Part::read(mail), bodies: bodies(mail), uris, links })
    }

    /// The number of the list that the sample says it was sent to.
    pub fn list(&self) -> Option<u32> {
        self.token().map(|token| token.list)
    }

    /// Where a mail provider would post: the one web URI, if it is ours.
    pub fn one_click_url(&self) -> Option<Url> {
        let [uri] = self.web_uris()[..] else { return None };
        self.one_click_token().and(Url::parse(uri).ok())
    }

    /// Every check, in the order of the table.
    pub fn check(&self, known: &Known) -> Vec<Finding> {
        vec![
            self.check_header(),
            self.check_list_unsubscribe(),
            self.check_post(),
            self.check_one_click(),
            self.check_list(known),
            self.check_mailto(known),
            self.check_signatures(),
            self.check_bodies("text", |body| matches!(body, Body::Text(_))),
            self.check_bodies("HTML", |body| matches!(body, Body::Html(_))),
            self.check_senders(known),
        ]
    }

    /// Whom the header says it was sent to: by the https URI, else by the address.
    fn token(&self) -> Option<Token> {
        self.one_click_token().or_else(|| match self.mailtos()[..] {
            [uri] => match Mailto::read(uri, self.links) {
                Mailto::Leave { token, .. } => Some(token),
                Mailto::Elsewhere => None,
            },
            _ => None,
        })
    }

    /// The subscription that the one web URI is of.
    fn one_click_token(&self) -> Option<Token> {
        let [uri] = self.web_uris()[..] else { return None };
        match Link::read(uri, self.links) {
            Link::Leave { token, .. } => Some(token),
            _ => None,
        }
    }

    fn web_uris(&self) -> Vec<&str> {
        let uris = self.uris.iter().flat_map(|(uris, _)| uris).map(String::as_str);
        uris.filter(|uri| ["https:", "http:"].iter().any(|scheme| after(scheme, uri).is_some())).collect()
    }

    /// What stands after each `mailto:`.
    fn mailtos(&self) -> Vec<&str> {
        let uris = self.uris.iter().flat_map(|(uris, _)| uris);
        uris.filter_map(|uri| after("mailto:", uri)).collect()
    }

    fn check_header(&self) -> Finding {
        const CHECK: &str = "header";
        if self.header.has_stray_line {
            return fails(
                CHECK,
                "a line in it belongs to no field: where a field goes on, the next line begins with a blank",
            );
        }
        if self.header.has_too_long_line() {
            return fails(
                CHECK,
                format!("a line is longer than {LONGEST} bytes, which mail servers cut or refuse: fold it"),
            );
        }
        well(CHECK, format!("{} fields can be read", self.header.len()))
    }

    fn check_list_unsubscribe(&self) -> Finding {
        const CHECK: &str = "List-Unsubscribe";
        let fields = self.header.named(CHECK);
        let ([field], Some((_, malformed))) = (&fields[..], &self.uris) else {
            let told = match fields.len() {
                0 => "it is not there: send the row's `list_unsubscribe` as its value".to_owned(),
                count => format!(
                    "it is there {count} times, and each provider picks another: send the row's alone"
                ),
            };
            return fails(CHECK, told);
        };
        match malformed {
            None if field.should_be_folded() => note(
                CHECK,
                "there once and well formed; a line is longer than 78 bytes and could be folded after the comma",
            ),
            None => well(CHECK, "there once, well formed"),
            Some(malformed) => fails(CHECK, malformed.to_string()),
        }
    }

    fn check_post(&self) -> Finding {
        const CHECK: &str = "List-Unsubscribe-Post";
        let values: Vec<String> = self.header.named(CHECK).iter().map(|field| field.value()).collect();
        match &values[..] {
            [] => fails(
                CHECK,
                format!("it is not there, so no provider shows a button: its value is `{ONE_CLICK}`"),
            ),
            [value] if value == ONE_CLICK => well(CHECK, format!("there once, `{ONE_CLICK}`")),
            [_] => fails(CHECK, format!("its value has to be `{ONE_CLICK}`, to the letter (RFC 8058 §3.1)")),
            _ => fails(CHECK, format!("it is there {} times: send it once", values.len())),
        }
    }

    fn check_one_click(&self) -> Finding {
        const CHECK: &str = "one-click link";
        let web = self.web_uris();
        let [uri] = web[..] else {
            return match web.len() {
                0 => fails(
                    CHECK,
                    "there is no https URI to read in List-Unsubscribe: was the row's value filled in?",
                ),
                count => fails(
                    CHECK,
                    format!(
                        "there are {count} in List-Unsubscribe, and providers take exactly one (RFC 8058 §3.1)"
                    ),
                ),
            };
        };
        match Link::read(uri, self.links) {
            Link::Leave { has_tail: true, .. } => note(
                CHECK,
                "it is ours and works, but something was hung on to it, as to count clicks: turn that off for it",
            ),
            Link::Leave { .. } if after("http:", uri).is_some() => note(
                CHECK,
                "it is ours; providers want https, and the public URL of these settings is http, for this machine alone",
            ),
            Link::Leave { .. } => {
                well(CHECK, "exactly one https URI, under the public URL, and its token is one of ours")
            }
            Link::Broken => fails(
                CHECK,
                "it is under the public URL, but its token is cut off, changed, or of another key ring: send the row's as it is",
            ),
            Link::Rewritten => fails(
                CHECK,
                "it was rewritten to lead somewhere else first, as to count clicks: turn that off for it",
            ),
            Link::Elsewhere => fails(
                CHECK,
                "it is not a link to leave under OPTIN_PUBLIC_URL: the sending tool has put in its own, or these are another service's settings",
            ),
        }
    }

    fn check_list(&self, known: &Known) -> Finding {
        const CHECK: &str = "list";
        let Some(token) = self.token() else {
            return note(
                CHECK,
                "whose it is cannot be told, as the header holds neither link nor address of ours",
            );
        };
        let number = token.list;
        match known {
            Known::List(list) => {
                let named = format!("{number}, `{}`: {}", list.slug, list.title(&list.options.lang));
                if list.is_closed {
                    note(CHECK, named + "; it is closed, so nobody may be written to")
                } else {
                    well(CHECK, named)
                }
            }
            Known::NoList => fails(
                CHECK,
                format!(
                    "{number}, which the database does not know: is OPTIN_DATABASE_URL that of the same service?"
                ),
            ),
            Known::Unasked(why) => note(CHECK, format!("{number}; its name could not be asked: {why}")),
        }
    }

    fn check_mailto(&self, known: &Known) -> Finding {
        const CHECK: &str = "mailto";
        let mailtos = self.mailtos();
        let mailbox = match known {
            Known::List(list) => Some(list.mailbox()),
            _ => None,
        };
        let [uri] = mailtos[..] else {
            return match (mailtos.len(), mailbox) {
                (0, Some(Some(_))) => note(
                    CHECK,
                    "it is not there, though the list can be left by mail: the row's `list_unsubscribe` brings both",
                ),
                (0, _) => note(CHECK, "it is not there, and need not be"),
                (count, _) => {
                    fails(CHECK, format!("there are {count} in List-Unsubscribe: send the row's alone"))
                }
            };
        };
        let Mailto::Leave { token, domain } = Mailto::read(uri, self.links) else {
            return fails(
                CHECK,
                "it is not the row's address to leave: a mail to it would unsubscribe nobody here",
            );
        };
        if self.token().is_some_and(|of| of != token) {
            return fails(CHECK, "it is another subscription's than the link: take both from one row");
        }
        match mailbox {
            Some(Some(mailbox)) if mailbox.rsplit_once('@').is_some_and(|(_, of)| of == domain) => {
                well(CHECK, "it is of the same subscription, at the domain of the list's mailbox")
            }
            Some(Some(_)) => {
                fails(CHECK, "its domain is not that of the list's mailbox for cancellations: export again")
            }
            Some(None) => fails(
                CHECK,
                "the list has no mailbox for cancellations, so nobody reads what is sent there: name one (`[list.sender]`), or export again",
            ),
            None => note(
                CHECK,
                "it is of the same subscription; whether its domain is right, only the database can tell",
            ),
        }
    }

    fn check_signatures(&self) -> Finding {
        const CHECK: &str = "DKIM-Signature";
        let signatures = self.header.named(CHECK);
        if signatures.is_empty() {
            return fails(
                CHECK,
                "there is none: take a sample that has arrived in a mailbox, for mail servers sign on the way; if it has, have them sign",
            );
        }
        if signatures.iter().any(|signature| signature.signs_what_counts()) {
            return well(
                CHECK,
                "one covers From and both headers; whether it is right, the receiving server checks: it is not verified here",
            );
        }
        fails(
            CHECK,
            "none covers From, List-Unsubscribe and List-Unsubscribe-Post (its `h=`): have the mail server sign these too (RFC 8058 §4)",
        )
    }

    fn check_bodies(&self, check: &'static str, is_meant: fn(&Body) -> bool) -> Finding {
        if self.bodies.is_empty() {
            return fails(
                check,
                "there is neither text nor HTML to read: the link to leave belongs into both",
            );
        }
        let meant: Vec<&Body> = self.bodies.iter().filter(|body| is_meant(body)).collect();
        if meant.is_empty() {
            return note(check, "there is none");
        }
        let links: Vec<Link> =
            meant.iter().flat_map(|body| body.links()).map(|link| Link::read(&link, self.links)).collect();
        let own = self.token();
        let leave = |with_tail| {
            links.iter().any(|link| match link {
                Link::Leave { token, has_tail } => {
                    *has_tail == with_tail && own.is_none_or(|own| own == *token)
                }
                _ => false,
            })
        };
        let has = |kind: fn(&Link) -> bool| links.iter().any(kind);
        match () {
            () if leave(false) && own.is_none() => {
                note(check, "a link to leave is there, and nothing in the header to hold it against")
            }
            () if leave(false) => well(check, "a link to leave is there, of the same subscription"),
            () if leave(true) => note(
                check,
                "its link to leave works, but something was hung on to it, as to count clicks: turn that off for it",
            ),
            () if has(|link| matches!(link, Link::Leave { .. })) => fails(
                check,
                "its link to leave is another subscription's than that in the header: take both from one row",
            ),
            () if has(|link| matches!(link, Link::Broken)) => fails(
                check,
                "its link to leave is cut off, changed, or of another key ring: put in the row's `unsubscribe_url` as it is",
            ),
            () if has(|link| matches!(link, Link::Rewritten)) => fails(
                check,
                "its link to leave was rewritten to lead somewhere else first, as to count clicks: turn that off for it",
            ),
            () => fails(
                check,
                "no link to leave is in it: put in the row's `unsubscribe_url`; if the draft has it, the sending tool has rewritten it to count clicks: turn that off for it",
            ),
        }
    }

    /// Whoever answers a newsletter wants to say something, not to be erased.
    fn check_senders(&self, known: &Known) -> Finding {
        const CHECK: &str = "From, Reply-To";
        let senders = self.senders();
        let mailbox = match known {
            Known::List(list) => list.mailbox(),
            _ => None,
        };
        let folded = |address: &str| Address::parse(address).ok().map(|address| address.dedupe_form());
        let mailbox = mailbox.as_deref().and_then(folded);
        match known {
            _ if senders.is_empty() => fails(CHECK, "there is no From with an address"),
            _ if senders.iter().any(|sender| erases(sender, self.links)) => fails(
                CHECK,
                "an address to leave stands there: whoever answers would be erased. Put in one that people read",
            ),
            _ if mailbox.is_some() && senders.iter().any(|sender| folded(sender) == mailbox) => fails(
                CHECK,
                "the list's mailbox for cancellations stands there: whoever answers would be erased. Put in one that people read",
            ),
            Known::List(_) => well(CHECK, "not where cancellations go"),
            _ => note(
                CHECK,
                "no address to leave; which mailbox is for cancellations, only the database can tell",
            ),
        }
    }

    /// Every address of From and Reply-To; none where there is no From.
    fn senders(&self) -> Vec<String> {
        let of = |name| self.parsed.named(name).flat_map(addresses).collect::<Vec<_>>();
        let from = of("From");
        if from.is_empty() { from } else { [from, of("Reply-To")].concat() }
    }
}

fn addresses(field: &Field) -> Vec<String> {
    let Some(HeaderValue::Address(list)) = field.parsed() else { return Vec::new() };
    list.iter().filter_map(|one| one.address()).map(str::to_owned).collect()
}

/// What follows a scheme, in whatever case that is (RFC 3986 §3.1).
fn after<'a>(scheme: &str, uri: &'a str) -> Option<&'a str> {
    let (head, rest) = uri.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

#[cfg(test)]
mod tests;
