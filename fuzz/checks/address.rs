//! What must be true of every address that is accepted, whoever typed it.

use std::str;

use optin::consent::address::{Address, MAX_BYTES};

pub fn hold(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(address) = Address::parse(text) else { return };
    assert_eq!(address.as_typed(), text.trim_matches([' ', '\t', '\r', '\n']), "kept as typed");
    assert!(address.as_typed().len() <= MAX_BYTES && address.local().len() <= 64);

    let mailed = address.for_mail();
    let (local, domain) = mailed.split_once('@').expect("an @");
    assert!(!local.is_empty() && domain.contains('.') && domain == address.domain());
    assert!(!mailed.contains(|c: char| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"".contains(c)));
    assert!(!mailed.starts_with(['=', '+', '-', '@']), "a spreadsheet's formula");
    assert!(domain.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')));
    assert!(domain.len() <= 253 && domain.split('.').all(|label| (1..=63).contains(&label.len())));
    lettre::Address::new(local, domain).expect("the mail library takes it");

    let again = Address::parse(&mailed).expect("for the way it is an address again");
    assert_eq!(again.dedupe_form(), address.dedupe_form(), "one mailbox has one dedupe form");
    assert_eq!(again.for_mail(), mailed);
    let folded = address.dedupe_form();
    let folded = Address::parse(&folded).map(|folded| folded.dedupe_form() == address.dedupe_form());
    assert!(folded.unwrap_or(true), "folding twice folds no further");
}
