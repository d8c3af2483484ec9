//! Composing a letter: a mail that the service itself sends. Rendered when it is sent, from the row as it then is.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{
    ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};
use lettre::{Address as MailAddress, Message};
use serde_json::Value;

use super::phrase;
use crate::consent::address::Address;
use crate::templates::{TemplateError, Templates};

/// A letter, ready for the relay.
pub struct Letter {
    /// The envelope's sender, whom bounces go to; empty for none.
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

/// What a letter says.
pub struct Content {
    /// The template's folder under `templates/letters/`.
    pub kind: &'static str,
    /// What the templates are given.
    pub context: Value,
    pub attachment: Option<Attachment>,
    /// What the Message-ID begins with; the same at each try, so that a mailbox can tell a letter sent twice.
    pub name: String,
    pub occasion: Occasion,
}

/// Between whom, and when.
pub struct Outside<'a> {
    pub lang: &'a str,
    pub to: &'a Address,
    pub from_name: &'a str,
    pub from: &'a Address,
    /// What the list's subjects begin with.
    pub subject_prefix: Option<&'a str>,
    pub date: Timestamp,
}

/// Why a program writes (RFC 3834 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Something happened.
    Event,
    /// A mail came that this answers.
    Mail,
}

impl Occasion {
    fn auto_submitted(self) -> &'static str {
        match self {
            Occasion::Event => "auto-generated",
            Occasion::Mail => "auto-replied",
        }
    }
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

/// A letter's bytes: text and HTML, no list headers, `Auto-Submitted` (RFC 3834 section 5) so that no out-of-office note
/// answers it.
pub fn compose(templates: &Templates, outside: &Outside, content: Content) -> Result<Vec<u8>, ComposeError> {
    let Content { kind, context, attachment, name, occasion } = content;
    let part = |file: &str| templates.render(&format!("letters/{kind}/{file}"), outside.lang, &context);
    // One line, whatever a list is called.
    let subject = [outside.subject_prefix.unwrap_or_default(), &part("subject.txt")?].join(" ");
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = MultiPart::alternative_plain_html(part("body.txt")?, part("body.html")?);
    let body = match attachment {
        None => body,
        Some(file) => MultiPart::mixed().multipart(body).singlepart(attached(file)?),
    };
    let message = head(outside, &subject, &name, occasion)?.multipart(body);
    Ok(message.map_err(|_| ComposeError::Message)?.formatted())
}

/// A letter of text alone, whose subject is one line.
pub fn plain(outside: &Outside, subject: &str, text: String, name: &str) -> Result<Vec<u8>, ComposeError> {
    let message = head(outside, subject, name, Occasion::Event)?.singlepart(SinglePart::plain(text));
    Ok(message.map_err(|_| ComposeError::Message)?.formatted())
}

fn head(
    outside: &Outside,
    subject: &str,
    name: &str,
    occasion: Occasion,
) -> Result<MessageBuilder, ComposeError> {
    let from = outside.from.for_mail();
    let domain = from.rsplit_once('@').map(|(_, domain)| domain.to_owned());
    Ok(Message::builder()
        .raw_header(folded("From", &from, phrase::mailbox(outside.from_name, &from)))
        .to(Mailbox::new(None, mail_address(outside.to)?))
        .raw_header(folded("Subject", subject, phrase::subject(subject)))
        .date(SystemTime::from(outside.date))
        .message_id(Some(format!("<{name}@{}>", domain.unwrap_or_default())))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            occasion.auto_submitted().to_owned(),
        )))
}

/// A header with its lines as they are to be; `plain` is what the mail library reads in it.
fn folded(name: &'static str, plain: &str, lines: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), plain.to_owned(), lines)
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
