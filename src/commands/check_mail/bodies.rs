//! What people see of a newsletter, decoded, and the links in it.

use crate::mail::parsed::Part;

/// A body that a mail program may show.
pub enum Body {
    Text(String),
    Html(String),
}

/// The bodies of a mail, whatever they are encoded in; not what is attached, nor what mails within it say.
pub fn bodies(mail: &[u8]) -> Vec<Body> {
    let leaves = Part::read(mail).leaves();
    let body = |part: &Part| match () {
        () if part.is("text", &["plain"]) => Some(Body::Text(part.text())),
        () if part.is("text", &["html"]) => Some(Body::Html(part.text())),
        () => None,
    };
    leaves.iter().filter(|part| !part.is_attached()).filter_map(body).collect()
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
