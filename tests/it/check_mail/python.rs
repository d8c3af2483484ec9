//! Mails as Python's own `email` package makes them, which many send newsletters with.

use super::{Desk, lines};
use crate::process::{is_here, program, run};

/// Makes a newsletter of the header's value and the link, in one of Python's ways.
const SCRIPT: &str = r#"
import sys
from email import policy
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

way, value, url = sys.argv[1:]
text, html = "Grüße! " + url + "\n", '<p>Grüße! <a href="' + url + '">Leave</a></p>\n'
if way.startswith("mime"):
    mail = MIMEMultipart("alternative")
    mail.attach(MIMEText(text, "plain", "utf-8"))
    mail.attach(MIMEText(html, "html", "utf-8"))
else:
    mail = EmailMessage(policy=policy.SMTP.clone(max_line_length=int(way)))
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
mail["DKIM-Signature"] = "v=1; h=from:list-unsubscribe:list-unsubscribe-post; b=AAAA"
mail["From"] = "Neues <news@example.org>"
mail["To"] = "ann@example.org"
mail["Subject"] = "Grüße"
mail["List-Unsubscribe"] = value
mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
sys.stdout.buffer.write(mail.as_string().encode() if way == "mime string" else mail.as_bytes())
"#;

#[tokio::test]
async fn what_pythons_email_makes_is_good_unless_it_encodes_the_header() {
    if !is_here("python3").await {
        return;
    }
    let desk = Desk::open().await;
    for (way, failed, noted) in [
        // Base64 bodies, and the header folded between its URIs.
        ("mime bytes", &[][..], &["one-click link"][..]),
        // `as_string` folds nothing.
        ("mime string", &[], &["List-Unsubscribe", "one-click link"]),
        ("998", &[], &["List-Unsubscribe", "one-click link"]),
        // What its newer half does to a URI that is longer than a line, unless it is told of longer lines.
        ("78", &["List-Unsubscribe"], &[]),
    ] {
        let mut python = program("python3");
        python.args(["-c", SCRIPT, way, desk.value("list_unsubscribe"), desk.value("unsubscribe_url")]);
        let mail = run(python).await;
        let said = desk.check(mail.success(), &[]).await;
        match failed {
            [] => assert_eq!(
                (lines(&said, "FAILS"), lines(&said, "note")),
                (vec![], noted.to_vec()),
                "{way}: {}",
                said.out
            ),
            _ => assert!(said.out.contains("it is encoded as words are (RFC 2047)"), "{way}: {}", said.out),
        }
    }
    desk.house.close().await;
}
