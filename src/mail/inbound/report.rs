//! Reports by mail: that a letter did not arrive (RFC 3464), that somebody complained of one (RFC 5965).

use crate::mail::parsed::{Field, Part};
use crate::mail::status::is_enhanced;

/// Complaints that mean "no more of this". Others say that a letter was no spam after all, or speak of a domain's
/// settings (RFC 6591).
const NO_MORE: [&str; 3] = ["abuse", "fraud", "opt-out"];

/// The enhanced status of each recipient that a delivery failed for, for good.
pub fn failures(mail: Part) -> Vec<String> {
    let leaves = mail.leaves();
    let statuses =
        leaves.iter().filter(|part| part.is("message", &["delivery-status", "global-delivery-status"]));
    statuses.flat_map(|part| failures_in(&part.text())).collect()
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
pub fn complaint(mail: Part) -> Option<Vec<String>> {
    let parts = mail.leaves();
    let report = parts.iter().find(|part| part.is("message", &["feedback-report"]))?;
    let kind = field(&unfolded(&report.text()), "feedback-type")?;
    let is_meant = NO_MORE.iter().any(|meant| kind.trim().eq_ignore_ascii_case(meant));
    is_meant.then(|| parts.iter().flat_map(original).collect())
}

/// What a part holds of the original: the header that leads out before its bodies, where another's link may be quoted.
fn original(part: &Part) -> Vec<String> {
    if part.is("text", &["rfc822-headers"]) || part.is("message", &["rfc822-headers"]) {
        return field(&unfolded(&part.text()), "list-unsubscribe").into_iter().collect();
    }
    if !part.is("message", &["rfc822", "global"]) {
        return Vec::new();
    }
    let letter = part.contents();
    let letter = Part::read(&letter);
    let header = letter.named("list-unsubscribe").next().map(Field::value);
    let mut texts: Vec<_> = header.map(|value| unfolded(&value)).into_iter().collect();
    let bodies = letter.leaves();
    texts.extend(bodies.iter().filter(|body| body.is("text", &["plain", "html"])).map(Part::text));
    texts
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
