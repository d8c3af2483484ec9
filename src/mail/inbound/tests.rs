use super::*;
use proptest::prelude::*;

const PASSED: &str = "Authentication-Results: mx.test; dmarc=pass header.from=example.org\r\n";

fn mail(head: &str) -> Incoming {
    read("ann@example.org", format!("{head}\r\n\r\nI want to leave.\r\n").as_bytes(), Some("mx.test"))
}

fn letter(address: &str, is_authentic: bool) -> Incoming {
    Incoming::Written(Writer { address: Address::parse(address).ok(), is_authentic })
}

#[test]
fn whatever_somebody_writes_is_a_letter() {
    for head in [
        "From: ann@example.org",
        "From: =?utf-8?q?J=C3=B6rg?= <ann@example.org>\r\nSubject: =?utf-8?b?QWJtZWxkZW4=?=",
        "FROM: \"Doe, Ann\" (me) <ann@example.org>\r\nAuto-Submitted: no\r\nPrecedence: first-class",
        "From: ann@example.org\r\nSubject: Fwd: News\r\nIn-Reply-To: <a@b>\r\nReferences: <a@b>",
        "From: ann@example.org\r\nX-Spam-Flag: NO\r\nX-Spam-Status: No, score=-1",
        "Received: from x\r\n\tby y\r\nFrom:\r\n ann@example.org\r\nContent-Type: multipart/mixed; boundary=x",
    ] {
        assert_eq!(mail(head), letter("ann@example.org", false), "{head}");
    }
    let pressed = "From: ann@example.org\r\nAuto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true";
    assert_eq!(mail(pressed), letter("ann@example.org", false));
    let bare = read("ann@example.org", b"From: ann@example.org\n\nno CR\n", None);
    assert_eq!(bare, letter("ann@example.org", false));
    for head in ["Subject: who?", "From:", "From: nobody", "From: a@[192.0.2.1]", "From: undisclosed:;"] {
        assert_eq!(mail(head), letter("", false), "{head}");
    }
}

#[test]
fn what_programs_write_is_noise() {
    for field in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "auto-submitted: AUTO-REPLIED (rejected)",
        "Precedence: bulk",
        "Precedence: LIST",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Autorespond: x",
        "List-Id: <l.example.org>",
        "List-Post: <mailto:l@example.org>",
        "List-Unsubscribe: <https://example.org/u>",
        "X-Spam-Flag: YES",
        "X-Spam-Status: Yes, score=12",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
        "Content-Type: Multipart/Report; boundary=x",
    ] {
        assert_eq!(mail(&format!("From: ann@example.org\r\n{field}")), Incoming::Noise, "{field}");
    }
    assert_eq!(read("", b"From: ann@example.org\r\n\r\nx", None), Incoming::Noise, "the null sender");
    assert_eq!(read("ann@example.org", b"", None), Incoming::Noise);
    assert_eq!(read("ann@example.org", b"no header\r\n", None), Incoming::Noise);
    assert_eq!(read("ann@example.org", b"\r\n", None), letter("", false), "an empty one");
}

#[test]
fn a_writer_is_believed_where_our_mail_server_says_so_of_their_one_from() {
    let passed = |from: &str| mail(&format!("{PASSED}{from}"));
    assert_eq!(passed("From: Ann <ann@Example.ORG>"), letter("ann@Example.ORG", true));
    assert_eq!(passed("From: ann@elsewhere.org"), letter("ann@elsewhere.org", false));
    for twice in [
        "From: ann@example.org\r\nFrom: bob@example.org",
        "From: ann@example.org, bob@example.org",
        "From: us:ann@example.org, bob@example.org;",
        "From: us:ann@example.org;",
        "From: ann@example.org\r\nfrom: ann@example.org",
    ] {
        assert_eq!(passed(twice), letter("", false), "{twice}");
    }
    // What one reader takes for a field and another does not.
    for torn in
        ["From: ann@example.org\r\nno field", "From: ann@example.org\nX: y", "X: y\rFrom: ann@example.org"]
    {
        assert!(!matches!(passed(torn), Incoming::Written(Writer { is_authentic: true, .. })), "{torn:?}");
    }
    let forged = mail(&format!("From: ann@example.org\r\nno field\r\n{PASSED}X: y"));
    assert_eq!(forged, letter("ann@example.org", false), "below the header's end for mail servers");
    let unset = format!("{PASSED}From: ann@example.org\r\n\r\n");
    assert_eq!(read("x@example.org", unset.as_bytes(), None), letter("ann@example.org", false));
    let other = read("x@example.org", unset.as_bytes(), Some("mx.elsewhere"));
    assert_eq!(other, letter("ann@example.org", false));
}

fn delivery_report(recipients: &str) -> Vec<u8> {
    format!(
        "From: MAILER-DAEMON@mx.test\r\nAuto-Submitted: auto-replied\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"cut\"\r\n\r\n\
         --cut\r\nContent-Type: text/plain\r\n\r\nSorry. Status: 5.1.1\r\n\
         --cut\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n{recipients}\r\n\
         --cut\r\nContent-Type: text/rfc822-headers\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n--cut--\r\n"
    )
    .into_bytes()
}

#[test]
fn a_delivery_report_tells_whom_it_failed_for_for_good() {
    let failed = |recipients: &str| match read("", &delivery_report(recipients), None) {
        Incoming::Bounce(failed) => failed,
        other => panic!("{other:?}"),
    };
    let one =
        "Final-Recipient: rfc822; ann@example.org\r\nAction: failed\r\nStatus: 5.1.1 (no such user)\r\n";
    assert_eq!(failed(one), ["5.1.1"]);
    let folded = "Original-Recipient: rfc822;a@b\r\nStatus:\r\n 5.2.2\r\nACTION:\tFailed\r\n";
    assert_eq!(failed(&format!("{one}\r\n{folded}")), ["5.1.1", "5.2.2"]);
    for nothing in [
        "Action: delayed\r\nStatus: 4.4.1\r\n",
        "Action: delivered\r\nStatus: 2.0.0\r\n",
        "Action: failed\r\nStatus: 4.4.7\r\n",
        "Action: failed\r\nStatus: 5.1.1.1\r\n",
        "Action: failed\r\n\r\nStatus: 5.1.1\r\n",
        "Status: 5.1.1\r\n",
    ] {
        assert_eq!(failed(nothing), Vec::<String>::new(), "{nothing}");
    }
}

fn feedback(kind: &str, original: &str) -> Incoming {
    let report = format!(
        "From: fbl@provider.test\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=cut\r\n\r\n\
         --cut\r\nContent-Type: text/plain\r\n\r\nSomebody complained. https://x/u/mine\r\n\
         --cut\r\nContent-Type: message/feedback-report\r\n\r\n{kind}User-Agent: x\r\nVersion: 1\r\n\
         --cut\r\n{original}\r\n--cut--\r\n"
    );
    read("fbl@provider.test", report.as_bytes(), None)
}

#[test]
fn a_complaint_brings_what_the_letter_said() {
    let whole = "Content-Type: message/rfc822\r\n\r\nList-Unsubscribe: <https://x/u/a>,\r\n <mailto:leave@x>\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\r\nhttps://x/u=\r\n/b";
    for kind in ["abuse", "Fraud", "opt-out"] {
        let Incoming::Complaint(texts) = feedback(&format!("Feedback-Type: {kind}\r\n"), whole) else {
            panic!("{kind}")
        };
        assert!(texts[0].contains("<https://x/u/a>, <mailto:leave@x>"), "{texts:?}");
        assert!(texts[1].contains("https://x/u/b") && texts.len() == 2, "{texts:?}");
    }
    let header =
        "Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\nList-Unsubscribe:\r\n\t<https://x/u/a>\r\n";
    let Incoming::Complaint(texts) = feedback("Feedback-Type: abuse\r\n", header) else { panic!() };
    assert_eq!(texts, ["<https://x/u/a>"]);
    for other in ["Feedback-Type: not-spam\r\n", "Feedback-Type: auth-failure\r\n", ""] {
        assert_eq!(feedback(other, whole), Incoming::Noise, "{other}");
    }
}

#[test]
fn depth_length_and_junk_end_in_an_answer() {
    let deep = (0..100).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
    let deep = format!("From: ann@example.org\r\n{}", deep.collect::<String>());
    assert_eq!(read("a@b", deep.as_bytes(), None), letter("ann@example.org", false));
    // As many mails within mails as a megabyte holds.
    let nested = "Content-Type: message/rfc822\n\n".repeat(36_000);
    read("a@b", format!("From: ann@example.org\r\n{nested}").as_bytes(), None);
    let long = format!("X-Long: {}\r\nFrom: ann@example.org\r\n\r\nx", "x".repeat(1 << 20));
    assert_eq!(read("a@b", long.as_bytes(), None), letter("ann@example.org", false));
    let many = format!("{}From: ann@example.org\r\n\r\nx", "X: y\r\n".repeat(100_000));
    assert_eq!(read("a@b", many.as_bytes(), None), letter("ann@example.org", false));
    let eight_bit = b"From: ann@example.org\r\nSubject: \xff\xfe\x80\r\n\r\n\xff\x00\xfe";
    assert_eq!(read("a@b", eight_bit, None), letter("ann@example.org", false));
}

#[test]
fn debug_tells_no_word_of_a_mail() {
    let told = format!("{:?}", Incoming::Complaint(vec!["https://x/u/secret".to_owned()]));
    assert_eq!(told, "Complaint(1 pieces)");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mail: Vec<u8>, sender in "\\PC{0,10}") {
        read(&sender, &mail, Some("mx.test"));
    }

    #[test]
    fn no_mail_makes_it_panic(lines in proptest::collection::vec(
        "(From|To|Content-Type|Auto-Submitted|Authentication-Results|Status|--x)?[:;=/<>\"@a-z \t\r\n-]{0,30}", 0..20,
    )) {
        read("a@b", lines.join("\r\n").as_bytes(), Some("mx.test"));
    }
}
