//! `Authentication-Results` (RFC 8601): what the mail server in front of us found out about a mail.

use crate::consent::address::Address;

/// Whether the fields of one server say that the mail passed DMARC for this domain (in A-labels), and none of them says
/// otherwise.
///
/// `fields` are the values of all fields of that name; those of other servers, which anybody may have written, say
/// nothing. That nobody else has written one in our server's name is that server's duty (section 5).
pub fn passed_dmarc<'a>(fields: impl Iterator<Item = &'a str>, believed: &str, domain: &str) -> bool {
    let mut found = fields.filter_map(|field| of_server(field, believed)).flatten().peekable();
    found.peek().is_some() && found.all(|result| result.is_pass_for(domain))
}

/// What one DMARC check came to.
struct Dmarc {
    is_pass: bool,
    /// The domain in From that was checked, as the server writes it.
    from: Option<String>,
}

impl Dmarc {
    fn is_pass_for(&self, domain: &str) -> bool {
        // Read as a person's domain would be, so that an IDN means the same in both spellings.
        let checked = self.from.as_ref().and_then(|from| Address::parse(&format!("x@{from}")).ok());
        self.is_pass && checked.is_some_and(|checked| checked.domain() == domain)
    }
}

/// The DMARC results of a field, where it is the server's.
fn of_server(field: &str, believed: &str) -> Option<Vec<Dmarc>> {
    let mut statements = statements(field)?.into_iter();
    // The server's name, perhaps a version.
    let server = statements.next()?.into_iter().next()?;
    server.eq_ignore_ascii_case(believed).then(|| statements.filter_map(dmarc).collect())
}

/// `dmarc=pass header.from=example.org`, as its words.
fn dmarc(words: Vec<String>) -> Option<Dmarc> {
    let mut pairs = words.iter().filter_map(|word| word.split_once('='));
    let (method, result) = pairs.next()?;
    // A method may name its version: `dmarc/1`.
    let method = method.split('/').next().unwrap_or_default();
    method.eq_ignore_ascii_case("dmarc").then(|| Dmarc {
        is_pass: result.eq_ignore_ascii_case("pass"),
        from: pairs
            .find(|(name, _)| name.eq_ignore_ascii_case("header.from"))
            .map(|(_, from)| from.to_owned()),
    })
}

/// A field's statements, which semicolons part, each as its words; comments are left out, and quoted strings taken out
/// of their quotes. Nothing where a comment or a quoted string does not end.
fn statements(field: &str) -> Option<Vec<Vec<String>>> {
    let mut statements = vec![String::new()];
    let (mut comments, mut is_quoted) = (0_u32, false);
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        let text = statements.last_mut()?;
        match c {
            '\\' if is_quoted || comments > 0 => {
                let escaped = chars.next()?;
                if comments == 0 {
                    text.push(escaped);
                }
            }
            '"' if comments == 0 => is_quoted = !is_quoted,
            _ if is_quoted => text.push(c),
            '(' => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            ';' => statements.push(String::new()),
            c => text.push(c),
        }
    }
    let is_whole = comments == 0 && !is_quoted;
    is_whole.then(|| statements.iter().map(|text| words(text)).collect())
}

/// Words, where white space around `=` counts for nothing.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if is_open || word.starts_with('=') => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
        is_open = word.ends_with('=');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn passed(fields: &[&str]) -> bool {
        passed_dmarc(fields.iter().copied(), "mx.example.org", "example.com")
    }

    #[test]
    fn what_servers_write_is_understood() {
        for field in [
            "mx.example.org; dmarc=pass header.from=example.com",
            "mx.example.org; dmarc=pass (p=none dis=none) header.from=example.com",
            "mx.example.org 1; spf=fail smtp.mailfrom=x@y; dkim=pass header.d=z; dmarc=pass header.from=example.com",
            "MX.Example.ORG;\r\n\tdkim=none;\r\n\tDMARC = PASS (p=REJECT; sp=none) Header.From = Example.COM",
            "mx.example.org; dmarc/1=pass reason=\"a; dmarc=fail\" header.from=\"example.com\"",
            "mx.example.org (the (nested) \\) server); dmarc=pass header.from=example.com",
        ] {
            assert!(passed(&[field]), "{field}");
        }
        let other = "mx.elsewhere.org; dmarc=fail header.from=example.com";
        assert!(passed(&[other, "mx.example.org; dmarc=pass header.from=example.com"]));
        let idn = ["mx.example.org; dmarc=pass header.from=bücher.example"];
        assert!(passed_dmarc(idn.into_iter(), "mx.example.org", "xn--bcher-kva.example"));
    }

    #[test]
    fn whatever_does_not_say_pass_for_that_domain_is_none() {
        for field in [
            "",
            ";",
            "mx.example.org",
            "mx.example.org; none",
            "mx.example.org; dmarc=fail header.from=example.com",
            "mx.example.org; dmarc=none header.from=example.com",
            "mx.example.org; dmarc=pass",
            "mx.example.org; dmarc=pass header.from=sub.example.com",
            "mx.example.org; dmarc=pass header.from=example.com.evil.org",
            "mx.example.org; dmarc=pass header.from=",
            "mx.example.org; spf=pass dmarc=pass header.from=example.com",
            "mx.example.org; dmarc=pass (header.from=example.com)",
            "mx.example.org; dkim=pass (\" dmarc=pass header.from=example.com",
            "mx.example.org; xdmarc=pass header.from=example.com",
            "evil.org; x=\"mx.example.org; dmarc=pass header.from=example.com\"",
            "evil.org (mx.example.org; dmarc=pass header.from=example.com)",
            "mx.example.org.evil.org; dmarc=pass header.from=example.com",
            "dmarc=pass header.from=example.com",
        ] {
            assert!(!passed(&[field]), "{field}");
        }
        assert!(!passed(&[]));
    }

    #[test]
    fn one_field_that_says_otherwise_outweighs_one_that_says_pass() {
        let pass = "mx.example.org; dmarc=pass header.from=example.com";
        for other in [
            "mx.example.org; dmarc=fail header.from=example.com",
            "mx.example.org; dmarc=pass header.from=example.net",
        ] {
            assert!(!passed(&[pass, other]));
            assert!(!passed(&[other, pass]));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_pass(text in "[a-z.=; \"()\\\\]{0,60}") {
            prop_assert!(!passed(&[&text]));
        }
    }
}
