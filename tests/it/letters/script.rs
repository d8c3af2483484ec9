//! What a letter's bytes are where its words are not ASCII.

use serde_json::json;

use crate::house::{House, NEWS};

/// The header as it stands in the bytes: its lines, unfolded by nobody.
fn lines<'a>(raw: &'a str, name: &str) -> Vec<&'a str> {
    let head = raw.split_once("\r\n\r\n").unwrap().0;
    let mut lines = head.split("\r\n").skip_while(|line| !line.starts_with(&format!("{name}: ")));
    let first = lines.next().unwrap_or_else(|| panic!("there is no {name}"));
    [first].into_iter().chain(lines.take_while(|line| line.starts_with([' ', '\t']))).collect()
}

/// What an encoded word says (RFC 2047, section 4.1).
fn said(word: &str) -> String {
    let base64 = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
    let bytes = data_encoding::BASE64.decode(base64.expect(word).as_bytes()).unwrap();
    String::from_utf8(bytes).expect("a letter of the alphabet is not broken in two")
}

/// A header's words, and what all of them say together.
fn decoded(lines: &[&str], name: &str) -> (Vec<String>, String) {
    let whole = lines.concat();
    let value = whole.strip_prefix(&format!("{name}: ")).unwrap();
    let words: Vec<String> =
        value.split(' ').filter(|word| word.starts_with("=?")).map(str::to_owned).collect();
    let text = words.iter().map(|word| said(word)).collect();
    (words, text)
}

#[tokio::test]
async fn subject_and_sender_in_russian_are_encoded_words_that_stand_on_their_own() {
    let house = House::open().await;
    // Longer than one encoded word can be, and than one line.
    let sender = "Издательство «Ёлочные игрушки, открытки и книги для всей семьи»";
    let options = json!({ "name": sender, "subject_prefix": { "en": "[News]", "ru": "[Новости]" } });
    house.set_options(NEWS, json!({ "sender": options })).await;
    let form = [("email", "raisa@example.org"), ("consent", "yes"), ("notice", "1"), ("lang", "ru")];
    assert_eq!(house.post("/lists/news", &form).await.status(), 200);
    let letter = house.letter("raisa@example.org").await;
    assert!(letter.raw.is_ascii());

    let subject = lines(&letter.raw, "Subject");
    let from = lines(&letter.raw, "From");
    assert!(
        subject.iter().chain(&from).all(|line| line.len() <= 76),
        "RFC 2047 section 2: {subject:?} {from:?}"
    );
    for (lines, name, text) in
        [(&subject, "Subject", "[Новости] Подтвердите подписку: Новости Примерска"), (&from, "From", sender)]
    {
        let (words, told) = decoded(lines, name);
        assert_eq!(told, text);
        assert!(
            words.len() > 1 && words.iter().all(|word| word.len() <= 75),
            "RFC 2047 section 2: {words:?}"
        );
    }
    assert!(from.concat().ends_with(" <newsletter@example.org>"), "the address stands as it is: {from:?}");
    assert_eq!(letter.subject, "[Новости] Подтвердите подписку: Новости Примерска");

    for kind in ["text/plain; charset=utf-8", "text/html; charset=utf-8"] {
        assert_eq!(letter.raw.matches(&format!("Content-Type: {kind}\r\n")).count(), 1, "{kind}");
    }
    assert!(letter.text.starts_with("Здравствуйте!") && letter.html.contains("Здравствуйте!"));
    house.close().await;
}
