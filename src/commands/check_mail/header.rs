//! A mail's header as it lies in the file, line by line: what parsers unfold and forgive can be seen here.

/// RFC 5322 §2.1.1: the most bytes of a line, less its end.
pub const LONGEST: usize = 998;
/// RFC 5322 §2.1.1: what a line should not be longer than.
const SHOULD: usize = 78;

/// The header fields in their order.
pub struct Header<'a> {
    fields: Vec<Field<'a>>,
    /// Whether a line belongs to no field: a fold without the white space that it begins with.
    pub has_stray_line: bool,
}

/// One field, with its lines as they are but for their ends.
pub struct Field<'a> {
    name: &'a str,
    lines: Vec<&'a [u8]>,
}

/// What is wrong with the value of a field of URIs (RFC 2369 §2), and how it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a line is longer than 998 bytes: fold it after the comma between its URIs")]
    TooLong,
    #[error("a line of it is blank, which ends the header for some readers: fold it after the comma alone")]
    BlankLine,
    #[error(
        "it is encoded as words are (RFC 2047), which no provider reads: have the sending program leave it as it is"
    )]
    Encoded,
    #[error("it holds characters beyond ASCII: send the row's `list_unsubscribe` as it is")]
    NotAscii,
    #[error("each URI stands in angle brackets, `<…>`: send the row's `list_unsubscribe` as it is")]
    NoBrackets,
    #[error("a URI is broken by a blank or a fold: fold only after the comma between URIs")]
    SpaceInUri,
    #[error("a comma stands between two URIs, and nowhere else: send the row's `list_unsubscribe` as it is")]
    NoComma,
}

impl<'a> Header<'a> {
    /// Reads up to the first empty line. Nothing where it does not begin with a field.
    pub fn read(bytes: &'a [u8]) -> Option<Header<'a>> {
        let mut header = Header { fields: Vec::new(), has_stray_line: false };
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line.first() {
                None => break,
                Some(b' ' | b'\t') => header.fields.last_mut()?.lines.push(line),
                Some(_) => match name(line) {
                    Some(name) => header.fields.push(Field { name, lines: vec![line] }),
                    None if header.fields.is_empty() => return None,
                    None => header.has_stray_line = true,
                },
            }
        }
        (!header.fields.is_empty()).then_some(header)
    }

    pub fn named(&self, name: &str) -> Vec<&Field<'a>> {
        self.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).collect()
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn has_too_long_line(&self) -> bool {
        self.fields.iter().any(Field::has_too_long_line)
    }
}

/// What stands before the colon: printable ASCII (RFC 5322 §3.6.8).
fn name(line: &[u8]) -> Option<&str> {
    let end = line.iter().position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(&line[..end]).ok()?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())).then_some(name)
}

impl Field<'_> {
    /// The value, unfolded: line ends go, the white space after them stays (RFC 5322 §2.2.3).
    pub fn value(&self) -> String {
        let whole = self.lines.concat();
        String::from_utf8_lossy(&whole[self.name.len() + 1..]).trim().to_owned()
    }

    /// Whether a line longer than 78 bytes has white space to be folded at. That after the colon does not count: many
    /// programs would leave nothing on the first line then.
    pub fn should_be_folded(&self) -> bool {
        let parts = self.lines.iter().enumerate().map(|(n, line)| {
            let value = if n == 0 { &line[self.name.len() + 1..] } else { line };
            (line.len(), value.trim_ascii())
        });
        parts.into_iter().any(|(length, value)| length > SHOULD && value.iter().any(u8::is_ascii_whitespace))
    }

    fn has_too_long_line(&self) -> bool {
        self.lines.iter().any(|line| line.len() > LONGEST)
    }

    /// The URIs in the value, and the first that is wrong with its form. White space in a URI is left out of it, as
    /// RFC 2369 §2 has it, though not every reader does that.
    pub fn uris(&self) -> (Vec<String>, Option<Malformed>) {
        let value = self.value();
        let (mut uris, mut malformed) = (Vec::new(), None);
        let mut rest = after_comments(&value);
        while !rest.is_empty() {
            let (uri, after) = match rest.strip_prefix('<').map(|inner| inner.split_once('>')) {
                Some(Some((uri, after))) if !uri.contains('<') => (uri, after),
                bare => {
                    malformed = malformed.or(Some(Malformed::NoBrackets));
                    let rest = if bare.is_some() { &rest[1..] } else { rest };
                    rest.split_at(rest.find(',').unwrap_or(rest.len()))
                }
            };
            let packed: String = uri.split_ascii_whitespace().collect();
            if packed != uri.trim() || uri.trim() != uri {
                malformed = malformed.or(Some(Malformed::SpaceInUri));
            }
            uris.extend(Some(packed).filter(|uri| !uri.is_empty()));
            rest = after_comments(after);
            let next = rest.strip_prefix(',').map(after_comments);
            // What follows is parted by a comma, and a comma has something to part.
            if !rest.is_empty() && next.is_none_or(str::is_empty) {
                malformed = malformed.or(Some(Malformed::NoComma));
            }
            rest = next.unwrap_or(rest);
        }
        (uris, self.unreadable().or(malformed))
    }

    /// Whether a signature's `h=` names From and both headers (RFC 6376 §3.5, RFC 8058 §4).
    pub fn signs_what_counts(&self) -> bool {
        let value = self.value();
        let tags = value.split(';').filter_map(|tag| tag.split_once('='));
        let signed = tags.into_iter().find(|(name, _)| name.trim() == "h").map_or("", |(_, names)| names);
        let names: Vec<&str> = signed.split(':').map(str::trim).collect();
        let is_named = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        ["From", "List-Unsubscribe", "List-Unsubscribe-Post"].into_iter().all(is_named)
    }

    /// What keeps even a patient reader from the value.
    fn unreadable(&self) -> Option<Malformed> {
        let value = self.value();
        match () {
            () if self.has_too_long_line() => Some(Malformed::TooLong),
            () if value.contains("=?") && value.contains("?=") => Some(Malformed::Encoded),
            () if !value.is_ascii() => Some(Malformed::NotAscii),
            () if self.lines.iter().any(|line| line.trim_ascii().is_empty()) => Some(Malformed::BlankLine),
            () => None,
        }
    }
}

/// Without the white space and comments that it begins with (RFC 5322 §3.2.2).
fn after_comments(text: &str) -> &str {
    let mut text = text.trim_ascii_start();
    while let Some((_, after)) = text.strip_prefix('(').and_then(|comment| comment.split_once(')')) {
        text = after.trim_ascii_start();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(value: &str) -> (Vec<String>, Option<Malformed>) {
        let mail = format!("List-Unsubscribe:{value}\r\n\r\n");
        Header::read(mail.as_bytes()).unwrap().named("list-unsubscribe")[0].uris()
    }

    #[test]
    fn a_header_ends_at_the_first_empty_line_and_is_read_with_either_line_end() {
        for end in ["\r\n", "\n"] {
            let mail = ["A: 1", "B:2", "\t3", " 4 ", "a: 5", "", "C: 6", ""].join(end);
            let header = Header::read(mail.as_bytes()).unwrap();
            let values = |name| header.named(name).iter().map(|field| field.value()).collect::<Vec<_>>();
            assert_eq!(
                (values("a"), values("b"), header.len()),
                (vec!["1".into(), "5".into()], vec!["2\t3 4".to_owned()], 3)
            );
            assert!(values("c").is_empty() && !header.has_stray_line);
        }
        assert!(Header::read(b"A: 1\nno field\nB: 2\n\n").unwrap().has_stray_line);
        for other in
            ["", "\r\nA: 1", " A: 1", "<html>", "email,lang\n", "Dear Ann: hello", "\u{fc}: 1", ":", "\0"]
        {
            assert!(Header::read(other.as_bytes()).is_none(), "{other:?}");
        }
    }

    #[test]
    fn uris_are_read_and_what_is_wrong_with_their_form_is_seen() {
        let two = vec!["https://a.example/u/1".to_owned(), "mailto:b@a.example?subject=x".to_owned()];
        for (value, malformed) in [
            (" <https://a.example/u/1>, <mailto:b@a.example?subject=x>", None),
            ("\r\n <https://a.example/u/1>,\r\n\t<mailto:b@a.example?subject=x>", None),
            ("<https://a.example/u/1>,<mailto:b@a.example?subject=x>", None),
            (" (Web) <https://a.example/u/1> (one click), <mailto:b@a.example?subject=x> (mail)", None),
            (" <https://a.exa\r\n mple/u/1>, <mailto:b@a.example?subject=x>", Some(Malformed::SpaceInUri)),
            (" < https://a.example/u/1>, <mailto:b@a.example?subject=x>", Some(Malformed::SpaceInUri)),
            (" <https://a.example/u/1> <mailto:b@a.example?subject=x>", Some(Malformed::NoComma)),
            (" <https://a.example/u/1>, <mailto:b@a.example?subject=x>,", Some(Malformed::NoComma)),
            (" <https://a.example/u/1>,, <mailto:b@a.example?subject=x>", Some(Malformed::NoBrackets)),
            (" https://a.example/u/1, mailto:b@a.example?subject=x", Some(Malformed::NoBrackets)),
            (" <https://a.example/u/1, <mailto:b@a.example?subject=x>", Some(Malformed::NoBrackets)),
            (" <https://a.example/u/1>,\r\n \r\n <mailto:b@a.example?subject=x>", Some(Malformed::BlankLine)),
            (" <https://a.example/u/\u{e9}>", Some(Malformed::NotAscii)),
            (" =?utf-8?q?=3Chttps=3A//a=2Eexample/u/1=3E?=", Some(Malformed::Encoded)),
        ] {
            let (found, told) = uris(value);
            assert_eq!(told, malformed, "{value}");
            if told.is_none() || matches!(told, Some(Malformed::SpaceInUri | Malformed::NoComma)) {
                assert_eq!(found, two, "{value}");
            }
        }
        assert_eq!(uris(&format!(" <https://a.example/{}>", "x".repeat(998))).1, Some(Malformed::TooLong));
        assert_eq!(uris(" ").0, Vec::<String>::new());
    }

    #[test]
    fn a_line_is_too_long_to_stay_whole_only_where_it_could_be_parted() {
        let folded = |value: &str| {
            let mail = format!("List-Unsubscribe:{value}\r\n\r\n");
            Header::read(mail.as_bytes()).unwrap().named("list-unsubscribe")[0].should_be_folded()
        };
        let long = format!("<https://a.example/{}>", "x".repeat(80));
        assert!(!folded(&format!(" {long}")) && !folded(&format!("\r\n {long},\r\n <mailto:a@b.example>")));
        assert!(folded(&format!(" {long}, <mailto:a@b.example>")));
        assert!(folded(&format!("\r\n {long}, <mailto:a@b.example>")));
        assert!(!folded(" <https://a.example/>, <mailto:a@b.example>"));
    }
}
