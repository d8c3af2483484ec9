//! A mail taken apart, level by level. Whatever a stranger makes of a megabyte, it costs time and memory of its size.
//!
//! mail-parser reads single fields and encodings here, never the structure: it follows mails within mails to any depth,
//! copies an encoded mail whole for each of the mails within, and looks for each boundary that never comes up to the end.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, HeaderValue, MessageParser};

/// How deep parts may stand in parts; a newsletter or a report needs three. What is deeper is not looked at.
const DEPTH: u32 = 10;

/// The longest field that is taken apart, in bytes.
const LONGEST: usize = 8 * 1024;

/// A mail, or a part of one: a header, and what follows it.
pub struct Part<'x> {
    fields: Vec<Field<'x>>,
    header: &'x [u8],
    body: &'x [u8],
    /// Whether an empty line ends the header.
    is_ended: bool,
}

/// A field of a header, as it lies there.
#[derive(Clone, Copy)]
pub struct Field<'x> {
    name: &'x str,
    /// From its name to the end of its last line.
    bytes: &'x [u8],
    value: &'x [u8],
}

/// A mail without what some programs save before its header: a byte order mark, the `From ` line of an mbox.
pub fn start(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if bytes.starts_with(b"From ") => &bytes[end + 1..],
        _ => bytes,
    }
}

impl<'x> Part<'x> {
    /// The header ends with the first empty line, or where a line belongs to no field, as mail servers have it.
    pub fn read(bytes: &'x [u8]) -> Part<'x> {
        let (mut fields, mut rest) = (Vec::new(), bytes);
        while let Some(field) = Field::read(rest) {
            rest = &rest[field.bytes.len()..];
            fields.push(field);
        }
        let header = &bytes[..bytes.len() - rest.len()];
        let body = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"));
        Part { fields, header, body: body.unwrap_or(rest), is_ended: body.is_some() }
    }

    /// Whether it begins as a mail does: with a field, or with the empty line after none.
    pub fn has_header(&self) -> bool {
        self.is_ended || !self.fields.is_empty()
    }

    /// The fields in their order.
    pub fn fields(&self) -> &[Field<'x>] {
        &self.fields
    }

    /// The fields of that name, in any case.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field<'x>> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// Whether every reader finds the same fields in the header: only one kind of line end, and after it an empty
    /// line or nothing.
    /// A field that is hidden from one of two readers is how the one is made to speak for the other.
    pub fn is_plain(&self) -> bool {
        let count = |byte| self.header.iter().filter(|one| **one == byte).count();
        let (cr, lf) = (count(b'\r'), count(b'\n'));
        let crlf = self.header.windows(2).filter(|pair| pair == b"\r\n").count();
        let is_ended = self.is_ended || self.body.is_empty();
        is_ended && cr == crlf && (crlf == 0 || crlf == lf)
    }

    pub fn content_type(&self) -> Option<ContentType<'x>> {
        self.kind_in("Content-Type")
    }

    /// Whether it is of that type and one of these subtypes, in lower case (RFC 2045 §5.1). What does not say is plain
    /// text (§5.2).
    pub fn is(&self, kind: &str, subkinds: &[&str]) -> bool {
        let content = self.content_type();
        let (own, sub) = match &content {
            Some(content) => (content.ctype(), content.subtype().unwrap_or_default()),
            None => ("text", "plain"),
        };
        own.eq_ignore_ascii_case(kind) && subkinds.iter().any(|one| one.eq_ignore_ascii_case(sub))
    }

    /// Whether it is to be saved rather than shown (RFC 2183).
    pub fn is_attached(&self) -> bool {
        self.kind_in("Content-Disposition").is_some_and(|kind| kind.is_attachment())
    }

    /// What to call it when it is saved (RFC 2183 §2.3, and what was there before).
    pub fn file_name(&self) -> Option<String> {
        let name = |field, attribute| Some(self.kind_in(field)?.attribute(attribute)?.to_owned());
        name("Content-Disposition", "filename").or_else(|| name("Content-Type", "name"))
    }

    /// What it is made of, in order: itself, where it is not made of parts. A mail within it is one part.
    pub fn leaves(self) -> Vec<Part<'x>> {
        let mut found = Vec::new();
        self.collect(DEPTH, &mut found);
        found
    }

    /// What follows its header, as it lies there.
    pub fn body(&self) -> &'x [u8] {
        self.body
    }

    /// The bytes that it carries, out of their encoding for the way (RFC 2045 §6); as they are where they keep to none.
    pub fn contents(&self) -> Cow<'x, [u8]> {
        let encoding = self.named("Content-Transfer-Encoding").next().map(Field::value);
        let decoded = match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(self.body), Cow::Owned)
    }

    /// The text that it carries, out of its charset.
    pub fn text(&self) -> String {
        let contents = self.contents();
        let content = self.content_type();
        let charset = content.as_ref().and_then(|content| content.attribute("charset"));
        match charset.and_then(|charset| charset_decoder(charset.as_bytes())) {
            Some(decode) => decode(&contents),
            None => String::from_utf8_lossy(&contents).into_owned(),
        }
    }

    fn kind_in(&self, name: &str) -> Option<ContentType<'x>> {
        match self.named(name).next()?.parsed()? {
            HeaderValue::ContentType(kind) => Some(kind),
            _ => None,
        }
    }

    fn collect(self, depth: u32, found: &mut Vec<Part<'x>>) {
        let content = self.content_type().filter(|content| content.ctype().eq_ignore_ascii_case("multipart"));
        match content.as_ref().and_then(|content| content.attribute("boundary")) {
            Some(boundary) if depth > 0 => {
                between(self.body, boundary)
                    .into_iter()
                    .for_each(|part| Part::read(part).collect(depth - 1, found));
            }
            Some(_) => {}
            None => found.push(self),
        }
    }
}

impl<'x> Field<'x> {
    /// The field that begins here, with the lines in which it goes on (RFC 5322 §2.2.3).
    fn read(bytes: &'x [u8]) -> Option<Field<'x>> {
        let colon = bytes.iter().position(|byte| matches!(byte, b':' | b'\n'))?;
        let name = std::str::from_utf8(&bytes[..colon]).ok()?.trim_end_matches([' ', '\t']);
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if bytes[colon] != b':' || !is_name {
            return None;
        }
        let mut end = end_of_line(bytes, colon);
        while matches!(bytes.get(end), Some(b' ' | b'\t')) {
            end = end_of_line(bytes, end);
        }
        Some(Field { name, bytes: &bytes[..end], value: &bytes[colon + 1..end] })
    }

    /// As it was written.
    pub fn name(&self) -> &'x str {
        self.name
    }

    /// The value as it lies there, folds and all.
    pub fn value(&self) -> Cow<'x, str> {
        String::from_utf8_lossy(self.value)
    }

    /// The value as its name has it read: addresses, say. Nothing where it is longer than any that is meant to be read:
    /// some take the square of their length.
    pub fn parsed(&self) -> Option<HeaderValue<'x>> {
        if self.bytes.len() > LONGEST {
            return None;
        }
        let mut read = MessageParser::default().parse_headers(self.bytes)?;
        let header = read.parts.pop()?.headers.into_iter().next()?;
        Some(header.value)
    }
}

/// Where the line ends that this place is on.
fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length + 1)
}

/// What stands between the lines of a boundary, to which the line end before them belongs (RFC 2046 §5.1.1).
fn between<'x>(body: &'x [u8], boundary: &str) -> Vec<&'x [u8]> {
    let delimiter = format!("--{boundary}");
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let after = at + line.len();
        if let Some(rest) = line.strip_prefix(delimiter.as_bytes()).map(<[u8]>::trim_ascii)
            && matches!(rest, b"" | b"--")
        {
            parts.extend(begun.map(|from| without_line_end(&body[from..at])));
            begun = rest.is_empty().then_some(after);
        }
        at = after;
    }
    parts.extend(begun.map(|from| &body[from..]));
    parts
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests;
