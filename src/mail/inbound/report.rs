//! Reports by mail: that a letter did not arrive (RFC 3464), that somebody complained of one (RFC 5965).

use mail_parser::{Message, MessagePart, MimeHeaders as _, PartType};

use crate::mail::status::is_enhanced;

/// Complaints that mean "no more of this". Others say that a letter was no spam after all, or speak of a domain's
/// settings (RFC 6591).
const NO_MORE: [&str; 3] = ["abuse", "fraud", "opt-out"];

/// The enhanced status of each recipient that a delivery failed for, for good.
pub fn failures(mail: &Message) -> Vec<String> {
    let is_status =
        |part: &&MessagePart| is_kind(part, "message", &["delivery-status", "global-delivery-status"]);
    mail.parts.iter().filter(is_status).flat_map(|part| failures_in(&text_of(part))).collect()
}

fn failures_in(text: &str) -> Vec<String> {
    let blocks = unfolded(text).replace("\r\n", "\n");
    // The first block tells of the mail as a whole, each further one of a recipient (RFC 3464 section 2.1).
    let failed = blocks.split("\n\n").filter_map(|block| {
        let action = field(block, "action")?;
        let status = field(block, "status")?.split_whitespace().next()?.to_owned();
        let is_final = action.trim().eq_ignore_ascii_case("failed") && status.starts_with('5');
        (is_final && is_enhanced(&status)).then_some(status)
    });
    failed.collect()
}

/// What the letter said that somebody complained of; nothing where they did not complain.
pub fn complaint(mail: &Message) -> Option<Vec<String>> {
    let report = mail.parts.iter().find(|part| is_kind(part, "message", &["feedback-report"]))?;
    let kind = field(&unfolded(&text_of(report)), "feedback-type")?;
    let is_meant = NO_MORE.iter().any(|meant| kind.trim().eq_ignore_ascii_case(meant));
    is_meant.then(|| mail.parts.iter().flat_map(original).collect())
}

/// What a part holds of the original: the header that leads out before its bodies, where another's link may be quoted.
fn original(part: &MessagePart) -> Vec<String> {
    match &part.body {
        PartType::Message(letter) => {
            let header = letter.header_raw("List-Unsubscribe").map(unfolded);
            let bodies =
                letter.parts.iter().filter(|part| matches!(part.body, PartType::Text(_) | PartType::Html(_)));
            header.into_iter().chain(bodies.map(text_of)).collect()
        }
        _ if is_kind(part, "text", &["rfc822-headers"]) || is_kind(part, "message", &["rfc822-headers"]) => {
            field(&unfolded(&text_of(part)), "list-unsubscribe").into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn is_kind(part: &MessagePart, kind: &str, subkinds: &[&str]) -> bool {
    part.content_type().is_some_and(|of| {
        let is_sub = |sub: &str| subkinds.iter().any(|one| one.eq_ignore_ascii_case(sub));
        of.ctype().eq_ignore_ascii_case(kind) && of.subtype().is_some_and(is_sub)
    })
}

fn text_of(part: &MessagePart) -> String {
    String::from_utf8_lossy(part.contents()).into_owned()
}

/// A line that begins with white space goes on from the one before (RFC 5322 section 2.2.3).
fn unfolded(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.replace("\n ", " ").replace("\n\t", " ")
}

/// The first field of that lower-case name.
fn field(text: &str, name: &str) -> Option<String> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let mut named = fields.filter(|(of, _)| of.trim().eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim().to_owned())
}
