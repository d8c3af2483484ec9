//! How every letter of a list is composed.

use super::App;
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::mail::letters::{Content, Letter, Outside, compose, plain};
use crate::store::Subscription;

/// Why a letter could not be written. Holds nothing of it.
pub type Unwritten = Box<dyn std::error::Error + Send + Sync>;

impl App {
    /// A letter in the list's name, from the list's address; that is the envelope's sender too, where `bounces` names no
    /// other.
    pub fn compose(
        &self,
        list: &List,
        lang: &str,
        to: &Address,
        bounces: Option<String>,
        content: Content,
    ) -> Result<Letter, Unwritten> {
        let sender = &list.options.sender;
        let from = Address::parse(sender.address.as_deref().unwrap_or(&self.controller.mail))?;
        let outside = Outside {
            lang,
            to,
            from_name: sender.name.as_deref().unwrap_or(&self.controller.name),
            from: &from,
            subject_prefix: list.text_in(lang, &sender.subject_prefix),
            date: self.clock.now(),
        };
        let bytes = compose(&self.templates, &outside, content)?;
        Ok(Letter { from: bounces.unwrap_or_else(|| from.for_mail()), to: to.for_mail(), bytes })
    }

    /// A letter in the controller's own name, to somebody who works there: text alone.
    pub fn controller_letter(&self, to: &Address, subject: &str, text: String) -> Result<Letter, Unwritten> {
        let from = Address::parse(&self.controller.mail)?;
        let outside = Outside {
            lang: "en",
            to,
            from_name: &self.controller.name,
            from: &from,
            subject_prefix: None,
            date: self.clock.now(),
        };
        let name = data_encoding::HEXLOWER.encode(&App::random::<16>());
        Ok(Letter { from: from.for_mail(), to: to.for_mail(), bytes: plain(&outside, subject, text, &name)? })
    }

    /// The language that a subscription's letters are written in. An operator's language may have gone since.
    pub fn letter_lang<'a>(&'a self, list: &'a List, subscription: &'a Subscription) -> &'a str {
        let spoken = [subscription.lang.as_str(), list.options.lang.as_str()];
        self.templates.words().pick(spoken).unwrap_or("en")
    }
}
