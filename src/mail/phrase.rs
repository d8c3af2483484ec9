//! Words in a letter's header: as they are where every reader takes them so, else as encoded words (RFC 2047), one a
//! line.
//!
//! The mail library would do for most. But it leaves ASCII that looks like an encoded word as it stands, so that a list
//! called so would be read as something else, and it puts the sender's address behind a name however long the line gets.

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// RFC 2047 section 2: so long may a line be that holds an encoded word. RFC 5322 would allow two more.
const LINE: usize = 76;
/// The bytes of text in one encoded word. In base64 they are 52, in their frame 64: with `Subject: ` before them, or a
/// space, they fit on a line.
const WORD: usize = 39;

/// A subject, folded.
pub fn subject(text: &str) -> String {
    if !stands_as_it_is(text) {
        return encoded(text);
    }
    let mut lines = String::new();
    let mut room = LINE - "Subject: ".len();
    for (n, word) in text.split(' ').enumerate() {
        if n > 0 && word.len() < room {
            lines.push(' ');
            room -= 1;
        } else if n > 0 {
            lines.push_str("\r\n ");
            room = LINE - 1;
        }
        lines.push_str(word);
        room -= word.len();
    }
    lines
}

/// A mailbox with its name, as `From` shows it, folded.
pub fn mailbox(name: &str, address: &str) -> String {
    let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let name = if stands_as_it_is(&quoted) && quoted.len() <= LINE - "From: ".len() {
        quoted
    } else {
        encoded(name)
    };
    let last = name.rsplit("\r\n").next().unwrap_or_default();
    let fits = "From: ".len() + last.len() + " <>".len() + address.len() <= LINE;
    format!("{name}{}<{address}>", if fits { " " } else { "\r\n " })
}

/// Whether a reader finds no more in it than it says, and lines can be folded between its words.
fn stands_as_it_is(text: &str) -> bool {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    printable && !text.contains("=?") && text.split(' ').all(|word| (1..WORD).contains(&word.len()))
}

/// No letter is broken in two (section 5), and the spaces between the words are none of the text's (section 6.2).
fn encoded(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, more) = rest.split_at(rest.floor_char_boundary(WORD));
        words.push(format!("=?utf-8?b?{}?=", BASE64_STANDARD.encode(word)));
        rest = more;
    }
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    /// Texts of the kinds that headers find hard.
    fn text() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            2 => "[a-z]{1,60}",
            2 => Just(" ".to_owned()),
            1 => Just("=?utf-8?q?x?=".to_owned()),
            1 => "[\"\\\\<>@,;:()=?_.]{1,6}",
            1 => "\\PC{1,20}",
        ];
        let texts = proptest::collection::vec(pieces, 1..12).prop_map(|pieces| pieces.concat());
        texts
            .prop_map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .prop_filter("no text", |text| !text.is_empty())
    }

    proptest! {
        #[test]
        fn any_words_are_read_as_they_were_written_and_no_line_is_long(text in text()) {
            let from = mailbox(&text, "newsletter@example.org");
            let raw = format!("Subject: {}\r\nFrom: {from}\r\n\r\n", subject(&text));
            prop_assert!(raw.is_ascii() && raw.split("\r\n").all(|line| line.len() <= LINE), "{}", raw);
            let message = MessageParser::default().parse(&raw).unwrap();
            prop_assert_eq!(message.subject(), Some(&*text));
            let from = message.from().and_then(|from| from.as_list()).unwrap();
            prop_assert_eq!(from.len(), 1);
            prop_assert_eq!(from[0].address(), Some("newsletter@example.org"));
            prop_assert_eq!(from[0].name(), Some(&*text));
        }
    }

    #[test]
    fn what_is_plain_stays_readable() {
        assert_eq!(subject("Please confirm: Sampletown News"), "Please confirm: Sampletown News");
        assert_eq!(mailbox("Smith, Jones & Co.", "a@example.org"), "\"Smith, Jones & Co.\" <a@example.org>");
        assert_eq!(mailbox("Ü", "a@example.org"), "=?utf-8?b?w5w=?= <a@example.org>");
        let long = format!("{}@example.org", "a".repeat(60));
        assert_eq!(mailbox("Example", &long), format!("\"Example\"\r\n <{long}>"));
    }
}
