//! A mail taken apart.

use std::mem;
use std::ops::Deref;

use mail_parser::{Message, MessageParser, PartType};

/// What mail-parser made of a mail. It falls apart level by level: tens of thousands of mails, each within the next, fit
/// into a megabyte, and dropped as they stand they would overflow the stack.
pub struct Parsed<'x>(Message<'x>);

impl<'x> Parsed<'x> {
    /// Nothing where it is no mail at all.
    pub fn read(mail: &'x [u8]) -> Option<Parsed<'x>> {
        MessageParser::default().parse(mail).map(Parsed)
    }
}

impl<'x> Deref for Parsed<'x> {
    type Target = Message<'x>;

    fn deref(&self) -> &Message<'x> {
        &self.0
    }
}

impl Drop for Parsed<'_> {
    fn drop(&mut self) {
        let mut parts = mem::take(&mut self.0.parts);
        while let Some(part) = parts.pop() {
            if let PartType::Message(mut within) = part.body {
                parts.append(&mut within.parts);
            }
        }
    }
}
