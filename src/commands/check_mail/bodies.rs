//! What people see of a newsletter, decoded, and the links in it.

use mail_parser::{MessageParser, MimeHeaders as _, PartType};

/// How deep parts may stand in parts; a newsletter needs three. What is deeper is not looked at.
const DEPTH: u32 = 10;

/// A body that a mail program may show.
pub enum Body {
    Text(String),
    Html(String),
}

/// The bodies of a mail, or of a part of one, whatever they are encoded in.
///
/// The parts are found here, since the parser would follow mails within mails to any depth.
pub fn bodies(part: &[u8]) -> Vec<Body> {
    let mut found = Vec::new();
    look(part, DEPTH, &mut found);
    found
}

fn look(part: &[u8], depth: u32, found: &mut Vec<Body>) {
    let headers = MessageParser::default().parse_headers(part);
    let root = headers.as_ref().and_then(|headers| headers.parts.first());
    let content = root.and_then(|root| root.content_type());
    let kind = content.map_or(("text", Some("plain")), |content| (content.ctype(), content.subtype()));
    let disposition = root.and_then(|root| root.content_disposition());
    let is_attached = disposition.is_some_and(|disposition| disposition.is_attachment());
    let boundary = content.and_then(|content| content.attribute("boundary"));
    match (kind, boundary) {
        (("multipart", _), Some(boundary)) if depth > 0 => {
            parts(part, boundary).into_iter().for_each(|part| look(part, depth - 1, found));
        }
        (("text", Some("plain" | "html")), _) if !is_attached => {
            let parsed = MessageParser::default().parse(part);
            let parts = parsed.map_or_else(Vec::new, |message| message.parts);
            found.extend(parts.into_iter().filter_map(|part| match part.body {
                PartType::Text(text) => Some(Body::Text(text.into_owned())),
                PartType::Html(html) => Some(Body::Html(html.into_owned())),
                _ => None,
            }));
        }
        _ => {}
    }
}

/// What stands between the lines of a boundary (RFC 2046 §5.1.1).
fn parts<'a>(whole: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0);
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        let after = at + line.len();
        if let Some(rest) = line.strip_prefix(delimiter.as_bytes()).map(<[u8]>::trim_ascii)
            && matches!(rest, b"" | b"--")
        {
            parts.extend(begun.map(|from| &whole[from..at]));
            begun = rest.is_empty().then_some(after);
        }
        at = after;
    }
    parts.extend(begun.map(|from| &whole[from..]));
    parts
}

impl Body {
    /// Where its links lead: in a text whatever begins as a URL does, in HTML what can be clicked on.
    pub fn links(&self) -> Vec<String> {
        match self {
            Body::Text(text) => links_of_text(text),
            Body::Html(html) => links_of_html(html),
        }
    }
}

fn links_of_text(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || "<>\"'()[]".contains(c));
    let link = |word: &str| {
        let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?', '*']);
        let from = ["https://", "http://"].into_iter().filter_map(|scheme| word.find(scheme)).min()?;
        Some(word[from..].to_owned())
    };
    words.filter_map(link).collect()
}

fn links_of_html(html: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        rest = &rest[1..];
        let name = rest.find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest, |end| &rest[..end]);
        rest = &rest[name.len()..];
        if name.is_empty() {
            continue;
        }
        let (target, after) = target(rest);
        rest = after;
        if ["a", "area"].iter().any(|tag| name.eq_ignore_ascii_case(tag)) {
            links.extend(target.map(|target| unescaped(target.trim())));
        }
    }
    links
}

/// Reads a tag's attributes to its end: its `href`, and what follows the tag.
fn target(mut rest: &str) -> (Option<&str>, &str) {
    let mut target = None;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (target, after);
        }
        // A name may begin with any sign, also with a `=`.
        let Some(first) = rest.chars().next() else { return (target, "") };
        let ends = |c: char| c.is_whitespace() || "=>/".contains(c);
        let length = rest[first.len_utf8()..].find(ends).map_or(rest.len(), |end| end + first.len_utf8());
        let (name, after) = rest.split_at(length);
        rest = after.trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else { continue };
        let quote = value.chars().next().filter(|c| "\"'".contains(*c));
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => {
                value.split_at(value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len()))
            }
        };
        rest = after;
        if name.eq_ignore_ascii_case("href") {
            target = target.or(Some(value));
        }
    }
}

/// Character references that stand in URLs.
fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        plain.push(reference.map_or('&', |(c, _)| c));
        rest = reference.map_or(after, |(_, after)| after);
    }
    plain + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "quot" => Some('"'),
        "sol" => Some('/'),
        "colon" => Some(':'),
        _ => {
            let number = name.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
            char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(mail: &str) -> Vec<String> {
        let told = |body: Body| match body {
            Body::Text(text) => format!("text: {}", text.trim()),
            Body::Html(html) => format!("html: {}", html.trim()),
        };
        bodies(mail.as_bytes()).into_iter().map(told).collect()
    }

    #[test]
    fn bodies_are_decoded_and_attachments_are_none_of_them() {
        let mail = "Content-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n\r\nPreamble\r\n\
            --outer\r\nContent-Type: multipart/alternative; boundary=outer2\r\n\r\n\
            --outer2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Gr=C3=BC=\r\n=C3=9Fe\r\n\
            --outer2\r\nContent-Type: text/x-amp-html\r\n\r\n<html amp4email>\r\n\
            --outer2\r\nContent-Type: TEXT/HTML\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+SGVs\r\nbG88L3A+\r\n\
            --outer2--\r\n\
            --outer\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nAttached\r\n\
            --outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nForwarded\r\n\
            --outer\r\n\r\nFooter\r\n--outer--\r\nEpilogue";
        assert_eq!(found(mail), ["text: Grüße", "html: <p>Hello</p>", "text: Footer"]);
        assert_eq!(found("Subject: x\n\nHello"), ["text: Hello"]);
        assert_eq!(
            found("Content-Type: multipart/mixed; boundary=a\n\n--a\n\nHello, not ended"),
            ["text: Hello, not ended"]
        );
    }

    /// Each of them costs a parser that follows them a frame of its stack.
    #[test]
    fn parts_in_parts_and_mails_in_mails_of_any_depth_are_harmless() {
        let mails = "Content-Type: message/rfc822\n\n".repeat(300_000);
        assert!(bodies(mails.as_bytes()).is_empty());
        let digests = "Content-Type: multipart/digest; boundary=a\n\n--a\n\n".repeat(200_000);
        bodies(digests.as_bytes());
        let parts: String = (0..100_000)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=a{n}\n\n--a{n}\n"))
            .chain(["\nHello".to_owned()])
            .collect();
        assert!(bodies(parts.as_bytes()).is_empty());
    }

    #[test]
    fn links_of_a_text_begin_where_a_url_does() {
        let text = "Leave: https://a.example/u/1. Or (http://b.example/?x=https://a.example/u/1)\n\
            <https://c.example/u/2>, mailto:a@b.example, leave:https://d.example/_-! www.example.org";
        assert_eq!(
            links_of_text(text),
            [
                "https://a.example/u/1",
                "http://b.example/?x=https://a.example/u/1",
                "https://c.example/u/2",
                "https://d.example/_-"
            ]
        );
    }

    #[test]
    fn links_of_html_are_what_can_be_clicked_on() {
        for (html, links) in [
            ("<a href=\"https://a.example/1\">Leave</a>", &["https://a.example/1"][..]),
            ("<A\nclass='x' HREF = 'https://a.example/1' >", &["https://a.example/1"]),
            ("<a href=https://a.example/1>x</a><a href=\"b\">", &["https://a.example/1", "b"]),
            ("<area href='&#x68;ttps:&#47;&#X2F;a.example&sol;?a&amp;b&c'/>", &["https://a.example/?a&b&c"]),
            ("<a title=\"<a href='b'>\" data-href=c href=\" a \" href=d>", &["a"]),
            ("<!-- <a href=a> --><!--[if mso]><a href=b><![endif]--><a href=c>", &["c"]),
            ("<p>https://a.example/1</p><abbr href=a><a name=a><link href=b>< a href=c>", &[]),
            ("<a href=\"https://a.example/1", &["https://a.example/1"]),
            ("<a href", &[]),
            ("<a =href=a ü='ß' href=&#xffffffff;ü>", &["&#xffffffff;ü"]),
            ("<a href=a<!-- ", &["a<!--"]),
            ("<", &[]),
            ("<!--", &[]),
        ] {
            assert_eq!(links_of_html(html), links, "{html}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_html_makes_it_panic(html in "[<>a!=\"'&;#x/ üh-]{0,60}", text in "\\PC{0,60}") {
            links_of_html(&html);
            links_of_html(&format!("<a href={text}"));
            links_of_text(&text);
            bodies(html.as_bytes());
        }
    }
}
