//! An e-mail address as this service accepts it: kept as typed, compared folded (RFC 5321 §2.4, RFC 6531).

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// RFC 5321 §4.5.3.1.3: a path of 256 octets, less its angle brackets.
pub const MAX_BYTES: usize = 254;
/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;

/// Why an address is refused. Each says what to mend; none repeats the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressProblem {
    #[error("the address is missing")]
    Missing,
    #[error("the address is longer than 254 bytes, or its part before the @ longer than 64")]
    TooLong,
    #[error("the address holds control characters")]
    Control,
    #[error("the address has no dot in its domain")]
    NoDot,
    #[error("the address names a machine by number instead of a domain")]
    Literal,
    #[error("the address begins with one of = + - @, which a spreadsheet would run as a formula")]
    Formula,
    #[error("the part before the @ is not ASCII, which the relay does not take")]
    NotAscii,
    #[error("this is not an e-mail address")]
    Malformed,
}

/// A valid address. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    typed: String,
    at: usize,
    ascii_domain: String,
}

impl Address {
    /// Reads what a person typed; white space around it is dropped, nothing else is changed.
    pub fn parse(text: &str) -> Result<Address, AddressProblem> {
        let typed = text.trim_matches([' ', '\t', '\r', '\n']);
        if typed.is_empty() {
            return Err(AddressProblem::Missing);
        }
        if typed.chars().any(char::is_control) {
            return Err(AddressProblem::Control);
        }
        if typed.len() > MAX_BYTES {
            return Err(AddressProblem::TooLong);
        }
        if typed.starts_with(['=', '+', '-', '@']) {
            return Err(AddressProblem::Formula);
        }
        let at = typed.rfind('@').ok_or(AddressProblem::Malformed)?;
        let (local, domain) = (&typed[..at], &typed[at + 1..]);
        if local.len() > MAX_LOCAL_BYTES {
            return Err(AddressProblem::TooLong);
        }
        if !is_dot_atom(&local.nfc().collect::<String>()) {
            return Err(AddressProblem::Malformed);
        }
        let ascii_domain = ascii_domain(domain)?;
        if local.len() + 1 + ascii_domain.len() > MAX_BYTES {
            return Err(AddressProblem::TooLong);
        }
        Ok(Address { typed: typed.to_owned(), at, ascii_domain })
    }

    /// The address byte for byte as it was typed.
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The part before the @, as typed: a mail system may tell its case apart.
    pub fn local(&self) -> &str {
        &self.typed[..self.at]
    }

    /// The part after the @, in lower-case A-labels.
    pub fn domain(&self) -> &str {
        &self.ascii_domain
    }

    /// The address for the way: local part as typed, in NFC (RFC 6532 §3.1), and domain in A-labels, so that only a
    /// non-ASCII local part needs SMTPUTF8.
    pub fn for_mail(&self) -> String {
        format!("{}@{}", self.local().nfc(), self.ascii_domain)
    }

    /// Whether only relays with SMTPUTF8 (RFC 6531) take letters to it.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local().is_ascii()
    }

    /// What two spellings of one mailbox have in common: lower-cased NFC local part, lower-case A-label domain.
    /// Dots and plus tags stay, since only the mailbox's own host knows what they mean.
    pub fn dedupe_form(&self) -> String {
        let local: String = self.local().nfc().flat_map(char::to_lowercase).nfc().collect();
        format!("{local}@{}", self.ascii_domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// RFC 5322 §3.2.3 dot-atom, with letters and digits of any script beside ASCII (RFC 6531 §3.3). Quoted local parts
/// are refused: next to nobody has one, and exports would have to escape them. So are marks that NFC does not join to
/// their letter, since the mail library takes none: better a refusal at signup than a letter that never comes.
fn is_dot_atom(local: &str) -> bool {
    let allowed = |c: char| match c {
        '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~' => true,
        c => c.is_alphanumeric() && !is_combining_mark(c),
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(allowed))
}

fn ascii_domain(domain: &str) -> Result<String, AddressProblem> {
    if domain.starts_with('[') {
        return Err(AddressProblem::Literal);
    }
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| AddressProblem::Malformed)?;
    let (_, last) = ascii.rsplit_once('.').ok_or(AddressProblem::NoDot)?;
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddressProblem::Literal);
    }
    Ok(ascii.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(text: &str) -> Option<AddressProblem> {
        Address::parse(text).err()
    }

    #[test]
    fn good_addresses_are_kept_as_typed() {
        for text in [
            "Ann@Example.org",
            "a.b+c@sub.example.org",
            "o'hara@example.ie",
            "jörg@bücher.example",
            "用户@例子.中国",
        ] {
            assert_eq!(Address::parse(text).unwrap().as_typed(), text);
        }
        assert_eq!(Address::parse(" ann@example.org\r\n").unwrap().as_typed(), "ann@example.org");
    }

    #[test]
    fn bad_addresses_are_refused_with_their_reason() {
        use AddressProblem::*;
        let cases = [
            ("", Missing),
            ("   ", Missing),
            ("ann", Malformed),
            ("@example.org", Formula),
            ("=1+1@example.org", Formula),
            ("+tag@example.org", Formula),
            ("-x@example.org", Formula),
            ("ann@localhost", NoDot),
            ("ann@[192.0.2.1]", Literal),
            ("ann@[IPv6:2001:db8::1]", Literal),
            ("ann@192.0.2.1", Literal),
            ("an\u{0}n@example.org", Control),
            ("ann@exam\tple.org", Control),
            ("a\r\nBcc: b@example.org@example.org", Control),
            ("a b@example.org", Malformed),
            ("a..b@example.org", Malformed),
            (".a@example.org", Malformed),
            ("a.@example.org", Malformed),
            ("a,b@example.org", Malformed),
            ("a<b@example.org", Malformed),
            ("\"a b\"@example.org", Malformed),
            ("a@exa_mple.org", Malformed),
            ("a@-example.org", Malformed),
            ("a@example..org", Malformed),
            ("a@example.org.", Malformed),
            ("a@b@example.org", Malformed),
            ("a\u{fe0f}@example.org", Malformed),
            ("a\u{200b}b@example.org", Malformed),
            ("a\u{202e}b@example.org", Malformed),
        ];
        for (n, (text, why)) in cases.into_iter().enumerate() {
            assert_eq!(problem(text), Some(why), "case {n}");
        }
    }

    #[test]
    fn lengths_are_bounded_where_the_standard_says() {
        let local = "l".repeat(64);
        let domain =
            |bytes: usize| format!("{}.{}.{}.org", "d".repeat(63), "d".repeat(63), "d".repeat(bytes - 132));
        assert_eq!(problem(&format!("{local}@{}", domain(189))), None);
        assert_eq!(problem(&format!("{local}@{}", domain(190))), Some(AddressProblem::TooLong));
        assert_eq!(problem(&format!("{local}l@example.org")), Some(AddressProblem::TooLong));
    }

    #[test]
    fn spellings_of_one_mailbox_fold_together_and_others_do_not() {
        let fold = |text: &str| Address::parse(text).unwrap().dedupe_form();
        assert_eq!(fold("Ann@EXAMPLE.org"), fold("ann@example.ORG"));
        assert_eq!(fold("jo\u{308}rg@example.org"), fold("J\u{d6}RG@example.org"));
        assert_eq!(fold("a@bücher.example"), fold("a@xn--bcher-kva.example"));
        assert_ne!(fold("a.b@example.org"), fold("ab@example.org"));
        assert_ne!(fold("a+x@example.org"), fold("a@example.org"));
    }

    #[test]
    fn only_a_local_part_needs_smtputf8() {
        let needs = |text: &str| Address::parse(text).unwrap().needs_smtputf8();
        assert!(needs("jörg@example.org") && needs("用户@例子.中国"));
        assert!(!needs("jorg@bücher.example") && !needs("ann@example.org"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Address::parse("ann@example.org").unwrap()), "Address(…)");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_passes_is_mailable(text in "\\PC{0,12}@?\\PC{0,12}\\.?[a-z]{0,3}") {
            if let Ok(address) = Address::parse(&text) {
                let again = Address::parse(&address.for_mail()).unwrap();
                prop_assert_eq!(again.dedupe_form(), address.dedupe_form());
                prop_assert!(!address.for_mail().contains(['\r', '\n', ' ', '<', '>', ',', '"']));
            }
        }
    }
}
