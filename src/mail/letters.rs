//! Composing a letter: a mail that the service itself sends. Rendered when it is sent, from the row as it then is.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{
    ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address as MailAddress, Message};
use serde::Serialize;

use crate::consent::address::Address;
use crate::templates::{TemplateError, Templates};

/// The outside of a letter.
pub struct Envelope<'a> {
    /// The template's folder under `templates/letters/`.
    pub kind: &'a str,
    pub lang: &'a str,
    pub to: &'a Address,
    pub from_name: &'a str,
    pub from: &'a Address,
    /// What the list's subjects begin with.
    pub subject_prefix: Option<&'a str>,
    /// What the Message-ID begins with; the same at each try, so that a mailbox can tell a letter sent twice.
    pub name: &'a str,
    pub date: Timestamp,
}

/// A file that comes with a letter.
pub struct Attachment {
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    pub bytes: Vec<u8>,
}

/// Why a letter could not be composed. Holds nothing of the letter.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the mail library refused an address of the letter")]
    Address,
    #[error("the mail library refused the letter")]
    Message,
}

/// A letter's bytes, ready for the relay: text and HTML, no list headers, `Auto-Submitted` (RFC 3834 §5) so that
/// no out-of-office note answers it.
pub fn compose(
    templates: &Templates,
    envelope: &Envelope,
    context: impl Serialize,
    attachment: Option<Attachment>,
) -> Result<Vec<u8>, ComposeError> {
    let part =
        |file: &str| templates.render(&format!("letters/{}/{file}", envelope.kind), envelope.lang, &context);
    // One line, whatever a list is called.
    let subject = [envelope.subject_prefix.unwrap_or_default(), &part("subject.txt")?].join(" ");
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = MultiPart::alternative_plain_html(part("body.txt")?, part("body.html")?);
    let body = match attachment {
        None => body,
        Some(file) => MultiPart::mixed().multipart(body).singlepart(attached(file)?),
    };
    let domain = envelope.from.for_mail().rsplit_once('@').map(|(_, domain)| domain.to_owned());
    let message = Message::builder()
        .from(Mailbox::new(Some(envelope.from_name.to_owned()), mail_address(envelope.from)?))
        .to(Mailbox::new(None, mail_address(envelope.to)?))
        .subject(subject)
        .date(SystemTime::from(envelope.date))
        .message_id(Some(format!("<{}@{}>", envelope.name, domain.unwrap_or_default())))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .multipart(body)
        .map_err(|_| ComposeError::Message)?;
    Ok(message.formatted())
}

/// In base64, which brings the file's bytes through every relay as they are.
fn attached(file: Attachment) -> Result<SinglePart, ComposeError> {
    let kind = ContentType::parse(file.kind).map_err(|_| ComposeError::Message)?;
    let part = SinglePart::builder()
        .header(ContentDisposition::attachment(file.name))
        .header(kind)
        .header(ContentTransferEncoding::Base64);
    Ok(part.body(file.bytes))
}

fn mail_address(address: &Address) -> Result<MailAddress, ComposeError> {
    address.for_mail().parse().map_err(|_| ComposeError::Address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Otherwise a signup would be taken whose letter can never go.
        #[test]
        fn whatever_address_is_accepted_can_be_written_to(local in "\\PC{1,12}", domain in "[a-zäß]{1,8}\\.[a-zå]{2,4}") {
            if let Ok(address) = Address::parse(&format!("{local}@{domain}")) {
                prop_assert!(mail_address(&address).is_ok());
            }
        }
    }
}
