use super::*;
use proptest::prelude::*;

const MEGABYTE: usize = 1 << 20;

/// A megabyte: the head, and the unit as often as fits.
fn filled(head: &str, unit: &str) -> Vec<u8> {
    format!("{head}{}", unit.repeat((MEGABYTE - head.len()) / unit.len())).into_bytes()
}

fn texts(mail: &[u8]) -> Vec<String> {
    Part::read(mail).leaves().iter().map(Part::text).collect()
}

#[test]
fn what_programs_save_before_a_header_is_passed_over() {
    assert_eq!(start(b"From - Sun Nov 22\nA: 1\n"), b"A: 1\n");
    assert_eq!(start(b"\xEF\xBB\xBFA: 1"), b"A: 1");
    assert_eq!(start(b"From: ann\n"), b"From: ann\n");
}

#[test]
fn a_header_ends_where_mail_servers_end_it() {
    let names = |mail: &str| -> Vec<String> {
        Part::read(mail.as_bytes()).fields().iter().map(|field| field.name().to_owned()).collect()
    };
    for whole in ["A: 1\nB : 2\n\nC: 3", "A: 1\r\nB:\r\n\t2\r\n \r\n\r\nC: 3", "A: 1\nB: 2", "A:\nB:\n"] {
        assert_eq!(names(whole), ["A", "B"], "{whole:?}");
        assert!(Part::read(whole.as_bytes()).is_plain(), "{whole:?}");
    }
    for torn in [
        "A: 1\nstray\nB: 2\n\n",
        "A: 1\n\u{fc}: 1\nB: 2\n\n",
        "A: 1\nB C: 2\n\n",
        "A: 1\n: 2\n\n",
        "A: 1\r\n\rB: 2\r\n\r\n",
    ] {
        assert_eq!(names(torn), ["A"], "{torn:?}");
        assert!(!Part::read(torn.as_bytes()).is_plain(), "{torn:?}");
    }
    for mixed in ["A: 1\r\nB: 2\n\r\n", "A: 1\nB: 2\r\n\n", "A: 1\rB: 2\r\n\r\n", "A: 1\rB: 2\n\n"] {
        assert!(!Part::read(mixed.as_bytes()).is_plain(), "{mixed:?}");
    }
    for none in ["", "\r\nA: 1", " A: 1", "stray"] {
        assert!(names(none).is_empty(), "{none:?}");
    }
}

#[test]
fn parts_are_found_decoded_and_a_mail_within_is_one() {
    let mail = "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\nPreamble\r\n\
        --a b \r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\nOne\r\n\r\n--c--\r\nBetween\r\n\
        --a b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: BASE64\r\n\r\n/PY=\r\n\
        --a b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThr=C3=BC=\r\n!\r\n--a bc\r\n\
        --a b\r\nContent-Transfer-Encoding: base64\r\n\r\n?\r\n\
        --a b\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/x; boundary=d\r\n\r\n--d--\r\n\
        --a b--\r\nEpilogue";
    let within = "Content-Type: multipart/x; boundary=d\r\n\r\n--d--";
    assert_eq!(texts(mail.as_bytes()), ["One\r\n", "\u{fc}\u{f6}", "Thr\u{fc}!\r\n--a bc", "?", within]);
    assert_eq!(texts(b"Content-Type: multipart/x; boundary=a\n\n--a\n\nnot ended\n"), ["not ended\n"]);
    let kind = |mail: &str| Part::read(mail.as_bytes()).is("text", &["plain", "html"]);
    assert!(kind("A: 1\n\nx") && kind("CONTENT-type: Text/HTML\n\nx"));
    assert!(!kind("Content-Type: text/x\n\nx") && !kind("Content-Type: image/plain\n\nx"));
}

/// Some of these cost mail-parser, when it takes the mail apart, a minute; others gigabytes, or all of its stack.
#[test]
fn no_megabyte_costs_more_than_a_megabyte_should() {
    let head = "From: a@example.org\nContent-Type: multipart/mixed; boundary=a\n\n";
    let encoded = |inner: &[u8]| {
        let kind = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n";
        let inner = &inner[..MEGABYTE / 8 * 5];
        format!("{kind}{}", data_encoding::BASE64.encode(inner)).into_bytes()
    };
    let mails = filled("", "Content-Type: message/rfc822\n\n");
    let digests = filled("Content-Type: multipart/digest; boundary=a\n\n", "--a\n\nA:b\n\nx\n");
    let deep: Vec<String> =
        (0..15_000).map(|n| format!("Content-Type: multipart/x; boundary=a{n}\n\n--a{n}\n")).collect();
    let long = "-".repeat(MEGABYTE / 2);
    for mail in [
        encoded(&mails),
        encoded(&digests),
        mails,
        digests,
        filled("", "Content-Type: multipart/digest; boundary=a\n\n--a\n\n"),
        filled(head, "--a\nContent-Type: multipart/x; boundary=z\n\n"),
        filled(head, "--a\nContent-Transfer-Encoding: base64\n\n!\n"),
        filled(head, "--a\n"),
        deep.concat().into_bytes(),
        filled(&format!("Content-Type: multipart/mixed; boundary=\"{long}x\"\n\n"), "-"),
        filled("Content-Type: text/plain", ";a*1=b"),
        filled("From: ", "("),
        filled("From: ", "a:"),
    ] {
        let part = Part::read(&mail);
        part.named("from").for_each(|field| drop(field.parsed()));
        assert!(texts(&mail).iter().map(String::len).sum::<usize>() <= 3 * mail.len());
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_none_come_twice(mail: Vec<u8>) {
        prop_assert!(texts(&mail).concat().len() <= 3 * mail.len());
    }
}
