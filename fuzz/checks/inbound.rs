//! What must be true of every mail that comes in, whoever made it.

use std::str;

use optin::mail::inbound::{Incoming, Writer, read};
use optin::mail::parsed::Part;
use optin::mail::status::is_enhanced;

const BELIEVED: &str = "mx.example.org";

/// The first line is the envelope's sender, what follows the mail.
pub fn hold(input: &[u8]) {
    let (sender, mail) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (&b""[..], input),
    };
    let Ok(sender) = str::from_utf8(sender) else { return };
    let believing = read(sender.trim_end(), mail, Some(BELIEVED));
    match &believing {
        Incoming::Written(writer) => {
            assert!(!sender.trim_end().is_empty(), "nobody writes a letter");
            assert!(!writer.is_authentic || writer.address.is_some(), "an authentic nobody");
            assert!(!writer.is_authentic || may_be_believed(mail), "believed without a word of the server");
        }
        Incoming::Bounce(statuses) => {
            assert!(statuses.iter().all(|status| is_enhanced(status) && status.starts_with('5')));
        }
        Incoming::Complaint(texts) => {
            // A charset makes at most three bytes of one, and nothing is told twice.
            assert!(texts.iter().map(String::len).sum::<usize>() <= 4 * mail.len());
        }
        Incoming::Noise => {}
    }
    // Where no server is believed, all is the same but that nobody is.
    let expected = match believing {
        Incoming::Written(Writer { address, .. }) => {
            Incoming::Written(Writer { address, is_authentic: false })
        }
        other => other,
    };
    assert_eq!(read(sender.trim_end(), mail, None), expected);
    parts_are_in_the_mail(mail);
}

/// Read as a patient clerk would, who knows no folds and no comments: among the lines before the first empty one, which
/// all belong to a field, is one From, and the server's name stands behind `Authentication-Results:`, and a pass there.
fn may_be_believed(mail: &[u8]) -> bool {
    let mail = mail.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(mail);
    let lines: Vec<&[u8]> = mail.split(|byte| *byte == b'\n').collect();
    // What a program has put before the header.
    let lines = if mail.starts_with(b"From ") { &lines[1..] } else { &lines[..] };
    let ends_in_cr = lines.first().is_some_and(|line| line.ends_with(b"\r"));
    let header: Vec<String> = lines
        .iter()
        .map(|line| String::from_utf8_lossy(line).to_ascii_lowercase())
        .take_while(|line| !line.trim_end_matches('\r').is_empty())
        .collect();
    let is_field = |line: &String| {
        let goes_on = line.starts_with([' ', '\t']);
        goes_on
            || line
                .split_once(':')
                .is_some_and(|(name, _)| name.trim_end().chars().all(|c| c.is_ascii_graphic()))
    };
    let is_from = |line: &&String| line.split_once(':').is_some_and(|(name, _)| name.trim_end() == "from");
    let whole = header.join("\n");
    let said = whole.split("authentication-results").skip(1);
    header.iter().all(is_field)
        // The last line of all may lack its end.
        && header
            .iter()
            .take(lines.len().saturating_sub(1))
            .all(|line| line.trim_end_matches('\r').len() + usize::from(ends_in_cr) == line.len())
        && header.iter().filter(is_from).count() == 1
        && said.into_iter().any(|said| {
            ["mx", "example", "org", "dmarc", "pass", "header", "from"].iter().all(|word| said.contains(word))
        })
}

/// No byte is handed out twice, and what is decoded is never much larger than what came.
fn parts_are_in_the_mail(mail: &[u8]) {
    let leaves = Part::read(mail).leaves();
    assert!(leaves.iter().map(|leaf| leaf.contents().len()).sum::<usize>() <= mail.len());
    assert!(leaves.iter().map(|leaf| leaf.text().len()).sum::<usize>() <= 4 * mail.len());
}
