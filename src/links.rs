//! Every link that leaves the house, and the mail address that cancels.

use jiff::Timestamp;

use crate::keys::KeyRing;
use crate::token::{Purpose, SubscriptionId, Token, TokenKeys};

/// What the local parts of our mail addresses begin with, and what they are for.
const LEAVE: (&str, Purpose) = ("leave+", Purpose::Unsubscribe);
const BOUNCE: (&str, Purpose) = ("b+", Purpose::Bounce);

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

    /// Where one signs up, in a language.
    pub fn signup(&self, slug: &str, lang: &str) -> String {
        format!("{}/lists/{slug}?lang={lang}", self.public_url)
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
        self.address(LEAVE, mailbox, list, id)
    }

    /// The envelope sender of a letter, at the same domain: what does not arrive comes back to it.
    pub fn bounce_address(&self, mailbox: &str, list: u32, id: SubscriptionId) -> Option<String> {
        self.address(BOUNCE, mailbox, list, id)
    }

    /// What a mail to an address with this local part asks for, where it is one of those two. At whatever domain: a list's
    /// mailbox may have moved since, and what stands in old letters goes on working.
    pub fn read_local(&self, local: &str) -> Option<(Purpose, Token)> {
        let begins = |name: &str| local.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        let (name, purpose) = [LEAVE, BOUNCE].into_iter().find(|(name, _)| begins(name))?;
        Some((purpose, self.tokens.read_mail(purpose, &local[name.len()..]).ok()?))
    }

    /// The tokens in a text that end something: of links to leave and to deny a signup, and of addresses to leave by.
    pub fn tokens_in(&self, text: &str) -> Vec<(Purpose, Token)> {
        let linked = [("/u/", Purpose::Unsubscribe), ("/n/", Purpose::NotMe)].into_iter().flat_map(
            |(door, purpose)| {
                let read = move |token: &str| Some((purpose, self.tokens.read(purpose, token).ok()?));
                following(text, door).filter_map(read)
            },
        );
        let (leave, purpose) = LEAVE;
        let mailed = following(text, leave)
            .filter_map(move |token| Some((purpose, self.tokens.read_mail(purpose, token).ok()?)));
        linked.chain(mailed).collect()
    }

    fn address(
        &self,
        (name, purpose): (&str, Purpose),
        mailbox: &str,
        list: u32,
        id: SubscriptionId,
    ) -> Option<String> {
        let (_, domain) = mailbox.rsplit_once('@')?;
        let token = self.tokens.mint_for_mail(purpose, &Token { list, id, expiry: 0 });
        Some(format!("{name}{token}@{domain}"))
    }

    fn link(&self, door: &str, purpose: Purpose, list: u32, id: SubscriptionId, expiry: u32) -> String {
        let token = self.tokens.mint(purpose, &Token { list, id, expiry });
        format!("{}/{door}/{token}", self.public_url)
    }
}

/// What stands right after each place of a text where something stands, as far as it could be a token.
fn following<'a>(text: &'a str, what: &'static str) -> impl Iterator<Item = &'a str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(what).map(move |(at, what)| {
        let rest = &text[at + what.len()..];
        &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
    })
}

/// As tokens count: Unix seconds in 32 bits, which last until 2106.
fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second()).unwrap_or(u32::MAX)
}
