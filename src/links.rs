//! Every link that leaves the house, and the mail address that cancels.

use jiff::Timestamp;

use crate::keys::KeyRing;
use crate::token::{Purpose, SubscriptionId, Token, TokenKeys};

/// Makes links under the public URL, and holds the keys that read them back.
pub struct Links {
    /// Without a slash at the end.
    pub public_url: String,
    pub tokens: TokenKeys,
}

impl Links {
    pub fn new(public_url: String, ring: &KeyRing) -> Links {
        Links { public_url, tokens: TokenKeys::derive(ring) }
    }

    /// Host and port that people reach the service at.
    pub fn host(&self) -> &str {
        self.public_url.split_once("://").map_or("", |(_, host)| host)
    }

    /// Confirms a pending signup, until it expires.
    pub fn confirm(&self, list: u32, id: SubscriptionId, expires_at: Timestamp) -> String {
        self.link("c", Purpose::Confirm, list, id, seconds(expires_at))
    }

    /// "This wasn't me": erases a pending signup.
    pub fn not_me(&self, list: u32, id: SubscriptionId, expires_at: Timestamp) -> String {
        self.link("n", Purpose::NotMe, list, id, seconds(expires_at))
    }

    /// Withdraws, for ever.
    pub fn unsubscribe(&self, list: u32, id: SubscriptionId) -> String {
        self.link("u", Purpose::Unsubscribe, list, id, 0)
    }

    /// Shows and changes what is stored about whoever has the address of this subscription, until it expires.
    pub fn data(&self, list: u32, id: SubscriptionId, expires_at: Timestamp) -> String {
        self.link("my", Purpose::Data, list, id, seconds(expires_at))
    }

    /// Agrees to the list's new notice, until it expires.
    pub fn agree(&self, list: u32, id: SubscriptionId, expires_at: Timestamp) -> String {
        self.link("a", Purpose::Agree, list, id, seconds(expires_at))
    }

    /// Puts the new address in the old one's place that expires then.
    pub fn correct(&self, list: u32, id: SubscriptionId, expires_at: Timestamp) -> String {
        self.link("k", Purpose::Correct, list, id, seconds(expires_at))
    }

    /// Where one asks for the link to what is stored.
    pub fn my(&self) -> String {
        format!("{}/my", self.public_url)
    }

    /// A version of a notice, in the language that it is read in.
    pub fn notice(&self, slug: &str, version: u32, lang: &str) -> String {
        format!("{}/lists/{slug}/notices/{version}?lang={lang}", self.public_url)
    }

    /// Where a list's trail stands.
    pub fn trail(&self, slug: &str) -> String {
        format!("{}/trails/{slug}", self.public_url)
    }

    /// The address that withdraws when a mail reaches it, at the domain of the list's mailbox for cancellations.
    pub fn leave_mailto(&self, mailbox: &str, list: u32, id: SubscriptionId) -> Option<String> {
        let (_, domain) = mailbox.rsplit_once('@')?;
        let token = self.tokens.mint_for_mail(&Token { list, id, expiry: 0 });
        Some(format!("leave+{token}@{domain}"))
    }

    fn link(&self, door: &str, purpose: Purpose, list: u32, id: SubscriptionId, expiry: u32) -> String {
        let token = self.tokens.mint(purpose, &Token { list, id, expiry });
        format!("{}/{door}/{token}", self.public_url)
    }
}

/// As tokens count: Unix seconds in 32 bits, which last until 2106.
fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second()).unwrap_or(u32::MAX)
}
