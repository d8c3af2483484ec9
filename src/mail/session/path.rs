//! The arguments of MAIL and RCPT (RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.2).

/// An envelope address as it was written, and the parameters behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Argument<'a> {
    /// Without angle brackets and source route; empty for `<>`.
    pub(super) address: &'a str,
    pub(super) parameters: &'a str,
}

/// Reads `FROM:<a@example.org> SIZE=1000`, where `keyword` is `FROM:`. Spaces before the bracket are forbidden and
/// common, so they are allowed.
pub(super) fn argument<'a>(keyword: &str, text: &'a str) -> Option<Argument<'a>> {
    let (head, rest) = text.split_at_checked(keyword.len())?;
    let rest = rest.trim_start_matches(' ').strip_prefix('<')?;
    let close = closing_bracket(rest)?;
    let (inner, parameters) = (&rest[..close], &rest[close + 1..]);
    let address = without_route(inner)?;
    let separated = parameters.is_empty() || parameters.starts_with(' ');
    (head.eq_ignore_ascii_case(keyword) && separated).then_some(Argument { address, parameters })
}

/// A mailbox: a local part, perhaps quoted, an `@`, a domain or address literal. Whether it exists is for others.
pub(super) fn is_mailbox(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let plain =
        |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"\\".contains(c));
    let quoted = || {
        let inner = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.is_some_and(|inner| !inner.contains(char::is_control))
    };
    let local_fits = plain(local) && !local.contains('@') || quoted();
    !local.is_empty() && !domain.is_empty() && local_fits && plain(domain)
}

/// Where the path ends: a `>` within a quoted local part does not count.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Old paths name hosts on the way, `@one,@two:a@example.org`; RFC 5321 appendix C has us skip them.
fn without_route(path: &str) -> Option<&str> {
    match path.starts_with('@') {
        true => path.split_once(':').map(|(_, address)| address),
        false => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_their_parameters() {
        for (text, address, parameters) in [
            ("FROM:<>", "", ""),
            ("from:<a@b.test> SIZE=1", "a@b.test", " SIZE=1"),
            ("FROM: <a@b.test>", "a@b.test", ""),
            ("FROM:<@x,@y:a@b.test>", "a@b.test", ""),
            ("FROM:<\"a>\\\"b\"@b.test>", "\"a>\\\"b\"@b.test", ""),
            ("FROM:<é@b.test> SMTPUTF8", "é@b.test", " SMTPUTF8"),
        ] {
            assert_eq!(argument("FROM:", text), Some(Argument { address, parameters }), "{text}");
        }
        for text in [
            "",
            "FROM",
            "FROM:",
            "FROM:a@b.test",
            "FROM:<a@b.test",
            "FROM:<a@b.test>X",
            "TO:<a@b.test>",
            "éééé",
            "FROM:<@x>",
        ] {
            assert_eq!(argument("FROM:", text), None, "{text}");
        }
    }

    #[test]
    fn mailboxes() {
        for good in
            ["a@b", "a+b@c.test", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "\"a b@c\"@d.test", "é@ü.test"]
        {
            assert!(is_mailbox(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b c",
            "a@b@c",
            "a@<b",
            "\"@b",
            "a\"b\"@c",
            "a\t@b",
            "\"\u{7}\"@b",
        ] {
            assert!(!is_mailbox(bad), "{bad}");
        }
    }
}
