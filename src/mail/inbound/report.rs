//! Reports by mail: that a letter did not arrive (RFC 3464), that somebody complained of one (RFC 5965).

use crate::mail::parsed::Part;
use crate::mail::status::is_enhanced;

/// Complaints that mean "no more of this". Others say that a letter was no spam after all, or speak of a domain's
/// settings (RFC 6591).
const NO_MORE: [&str; 3] = ["abuse", "fraud", "opt-out"];

/// The enhanced status of each recipient that a delivery failed for, for good.
pub fn failures(mail: Part) -> Vec<String> {
    let leaves = mail.leaves();
    let statuses =
        leaves.iter().filter(|part| part.is("message", &["delivery-status", "global-delivery-status"]));
    statuses.flat_map(|part| failures_in(&part.contents())).collect()
}

/// The first block of fields tells of the mail as a whole, each further one of a recipient (RFC 3464 section 2.1).
fn failures_in(mut blocks: &[u8]) -> Vec<String> {
    let mut failed = Vec::new();
    while !blocks.is_empty() {
        let block = Part::read(blocks);
        failed.extend(failure(&block));
        // What is no block of fields is followed by none.
        blocks = if block.body().len() < blocks.len() { block.body() } else { &[] };
    }
    failed
}

fn failure(recipient: &Part) -> Option<String> {
    let action = words(recipient, "action")?;
    let status = words(recipient, "status")?.split(' ').next()?.to_owned();
    let is_final = action.eq_ignore_ascii_case("failed") && status.starts_with('5');
    (is_final && is_enhanced(&status)).then_some(status)
}

/// What the letter said that somebody complained of; nothing where they did not complain.
pub fn complaint(mail: Part) -> Option<Vec<String>> {
    let parts = mail.leaves();
    let report = parts.iter().find(|part| part.is("message", &["feedback-report"]))?;
    let kind = words(&Part::read(&report.contents()), "feedback-type")?;
    let is_meant = NO_MORE.iter().any(|meant| kind.eq_ignore_ascii_case(meant));
    is_meant.then(|| parts.iter().flat_map(original).collect())
}

/// What a part holds of the original: the header that leads out before its bodies, where another's link may be quoted.
fn original(part: &Part) -> Vec<String> {
    if part.is("text", &["rfc822-headers"]) || part.is("message", &["rfc822-headers"]) {
        return words(&Part::read(&part.contents()), "list-unsubscribe").into_iter().collect();
    }
    if !part.is("message", &["rfc822", "global"]) {
        return Vec::new();
    }
    let letter = part.contents();
    let letter = Part::read(&letter);
    let mut texts: Vec<_> = words(&letter, "list-unsubscribe").into_iter().collect();
    let bodies = letter.leaves();
    texts.extend(bodies.iter().filter(|body| body.is("text", &["plain", "html"])).map(Part::text));
    texts
}

/// What the first field of that name says, its words with one blank between.
fn words(part: &Part, name: &str) -> Option<String> {
    let value = part.named(name).next()?.value();
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}
