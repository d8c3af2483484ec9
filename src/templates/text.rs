//! What templates do with plain text: filters, and finding the words that a template asks for.

use minijinja::value::Value;
use minijinja::{Environment, HtmlEscape};

/// The widest line of a letter's plain text, in characters (RFC 5322, section 2.1.1).
const COLUMNS: usize = 78;

pub fn add_to(env: &mut Environment<'_>) {
    env.add_filter("paragraphs", |text: &str| paragraphs(text));
    env.add_filter("links", |text: &str| Value::from_safe_string(links(text)));
    env.add_filter("wrap", |text: &str| wrap(text));
}

/// The paragraphs of a plain text: what stands between empty lines.
fn paragraphs(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in text.lines().map(str::trim_end) {
        match (line.is_empty(), found.last_mut()) {
            (false, Some(paragraph)) if paragraph.is_empty() => paragraph.push_str(line),
            (false, Some(paragraph)) => *paragraph = format!("{paragraph}\n{line}"),
            _ => found.push(String::new()),
        }
    }
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

/// The text as HTML, with its web and mail addresses made clickable.
fn links(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(linked).collect()
}

/// One word with the blank behind it. Brackets and stops around an address are not part of it.
fn linked(word: &str) -> String {
    let open = |c: char| "(<[\"'„“«".contains(c);
    let close = |c: char| c.is_whitespace() || ")>]\"'”“»,;:.!?".contains(c);
    let core = word.trim_start_matches(open);
    let before = &word[..word.len() - core.len()];
    let core = core.trim_end_matches(close);
    let after = &word[before.len() + core.len()..];
    let (before, shown, after) = (HtmlEscape(before), HtmlEscape(core), HtmlEscape(after));
    if core.starts_with("https://") || core.starts_with("http://") {
        format!("{before}<a href=\"{shown}\" rel=\"noopener noreferrer\">{shown}</a>{after}")
    } else if is_mail_address(core) {
        format!("{before}<a href=\"mailto:{shown}\">{shown}</a>{after}")
    } else {
        format!("{before}{shown}{after}")
    }
}

/// Plain addresses only: what is unusual stays text.
fn is_mail_address(word: &str) -> bool {
    let plain = |part: &str, also: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let parts = word.split_once('@');
    parts.is_some_and(|(local, domain)| plain(local, "._+-") && plain(domain, ".-") && domain.contains('.'))
}

/// Breaks lines between words, so that none is wider than [`COLUMNS`] unless one word is.
fn wrap(text: &str) -> String {
    text.trim().lines().map(wrap_line).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let (mut out, mut width) = (String::new(), 0);
    for word in line.split_whitespace() {
        let length = word.chars().count();
        match width {
            0 => width = length,
            _ if width + 1 + length > COLUMNS => {
                out.push('\n');
                width = length;
            }
            _ => {
                out.push(' ');
                width += 1 + length;
            }
        }
        out.push_str(word);
    }
    out
}

/// Every key that a template asks `t` for, with its line. Of a key that is put together, as in
/// `t("refusal." ~ name)`, the beginning; of one that is wholly computed, nothing.
pub fn keys_in(template: &str) -> impl Iterator<Item = (usize, &str)> {
    template.lines().enumerate().flat_map(|(line, text)| {
        let in_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let calls = text.match_indices("t(").filter(move |(at, _)| !text[..*at].ends_with(in_a_name));
        calls.filter_map(move |(at, call)| {
            let argument = &text[at + call.len()..];
            let quote = argument.chars().next().filter(|c| ['"', '\''].contains(c))?;
            Some((line + 1, argument[1..].split_once(quote)?.0))
        })
    })
}

/// Whether `asked` is this key, or its beginning up to a dot.
pub fn names(asked: &str, key: &str) -> bool {
    asked == key || (asked.ends_with('.') && key.starts_with(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_parted_by_empty_lines() {
        assert_eq!(paragraphs("\r\none\r\ntwo\r\n\r\n \r\nthree\r\n"), ["one\ntwo", "three"]);
        assert!(paragraphs(" \n\n").is_empty());
    }

    #[test]
    fn addresses_become_links_and_nothing_else_does() {
        let link = "<a href=\"https:&#x2f;&#x2f;a.example&#x2f;?x&amp;y\" rel=\"noopener noreferrer\">\
                    https:&#x2f;&#x2f;a.example&#x2f;?x&amp;y</a>";
        assert_eq!(links("see (https://a.example/?x&y).\nOK"), format!("see ({link}).\nOK"));
        assert_eq!(
            links("an leave+x@a.example."),
            "an <a href=\"mailto:leave+x@a.example\">leave+x@a.example</a>."
        );
        for text in ["javascript:alert(1)", "a@b", "@a.example", "a@b@c.example", "x https:// "] {
            assert!(
                !links(text).contains("javascript:alert(1)\"") && !links(text).contains("mailto:"),
                "{text}"
            );
        }
        assert_eq!(links("<script>"), "&lt;script&gt;");
        assert_eq!(links("https://a.example/\"><script>").matches("<script").count(), 0);
    }

    #[test]
    fn lines_are_broken_between_words_only() {
        let url = format!("https://a.example/{}", "x".repeat(90));
        assert_eq!(wrap(&url), url);
        let long = "word ".repeat(40);
        let wrapped = wrap(&long);
        assert_eq!(wrapped.lines().count(), 3);
        assert!(wrapped.lines().all(|line| line.chars().count() <= COLUMNS && !line.ends_with(' ')));
        assert_eq!(wrapped.split_whitespace().count(), 40);
        assert_eq!(wrap("ä".repeat(78).as_str()), "ä".repeat(78));
        assert_eq!(wrap("a\n\n-- \nb"), "a\n\n-- \nb");
    }

    #[test]
    fn keys_are_found_with_their_lines() {
        let template = "{{ t(\"a.b\") }}{{ list(\"no\") }}\n{{ x.t(\"no\") }}{{ t('c.' ~ d) ~ t(e) }}";
        assert_eq!(keys_in(template).collect::<Vec<_>>(), [(1, "a.b"), (2, "c.")]);
        assert!(names("c.", "c.d") && names("c.d", "c.d") && !names("c", "c.d"));
    }
}
