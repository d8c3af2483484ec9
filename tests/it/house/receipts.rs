//! The receipts that come with welcome letters.

use mail_parser::{Message, MessageParser, MimeHeaders as _};
use optin::consent::receipt::Receipt;
use optin::mail::inbox::Caught;

use super::{House, until};

impl House {
    /// The receipts that have come to an address, oldest first; waits until there are `at_least` so many.
    pub async fn receipts(&self, to: &str, at_least: usize) -> Vec<Receipt> {
        let look = || self.inbox.letters(Some(to)).unwrap().iter().filter_map(receipt_in).collect::<Vec<_>>();
        until("a receipt", async || look().len() >= at_least).await;
        look()
    }
}

/// The receipt that is attached to a letter.
pub fn receipt_in(letter: &Caught) -> Option<Receipt> {
    attached(&MessageParser::default().parse(letter.raw.as_bytes()).unwrap())
}

/// The same in a letter as a relay is given it.
pub fn attached(letter: &Message) -> Option<Receipt> {
    let mut files = letter.attachments();
    let file = files.next()?;
    assert!(files.next().is_none(), "one file and no other");
    assert_eq!(file.attachment_name(), Some("optin-receipt.json"));
    let kind = file.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("application", Some("json")));
    Some(Receipt::parse(file.contents()).unwrap())
}
