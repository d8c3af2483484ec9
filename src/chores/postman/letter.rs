//! Writing a letter: from its row as it is when it is sent, so that nothing in it need wait anywhere.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::logged::logged;
use crate::app::{App, Unwritten};
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::Person;
use crate::consent::receipt::Receipt;
use crate::consent::subscription::{AGREE_WITHIN, CORRECT_WITHIN, DATA_LINK_FOR};
use crate::mail::letters::{Attachment, Content, Letter, Occasion};
use crate::store::Subscription;
use crate::store::outbox::{Lease, LetterKind};

/// What a receipt's file is called.
const RECEIPT: &str = "optin-receipt.json";

/// What came of writing a letter.
pub enum Written {
    Letter(Letter),
    /// Its receipt cannot be made yet.
    NotYet,
    /// There is nothing any more that it would speak of.
    NotOwed,
}

/// Writes a letter to whom it is owed.
pub async fn write(
    app: &App,
    lease: &Lease,
    list: &List,
    current: &Notice,
    subscription: &Subscription,
) -> Result<Written, Unwritten> {
    let person = Person::open(&app.keys, lease.list, lease.subscription, &subscription.seal)?;
    let attachment = match lease.kind {
        LetterKind::Confirmation
        | LetterKind::AlreadySubscribed
        | LetterKind::Correction
        | LetterKind::DataLink
        | LetterKind::LeaveLink
        | LetterKind::NoticeChange => None,
        LetterKind::Welcome => match receipt(app, list, &person, &subscription.notice).await? {
            Some(bytes) => Some(Attachment { name: RECEIPT, kind: "application/json", bytes }),
            None => return Ok(Written::NotYet),
        },
    };
    let lang = app.letter_lang(list, subscription);
    let now = app.clock.now();
    let correction = person.correction.as_ref().filter(|correction| correction.expires_at > now);
    let to = match (lease.kind, correction) {
        (LetterKind::Correction, None) => return Ok(Written::NotOwed),
        (LetterKind::Correction, Some(correction)) => Address::parse(&correction.address)?,
        _ => Address::parse(&person.address)?,
    };
    let writing = Writing { app, lease, list, current, subscription, person: &person, lang };
    let (kind, mut context) = writing.content();
    context["list"] = writing.title();
    context["leave_mailto"] = json!(writing.leave_mailto());
    let content = Content { kind, context, attachment, name: name_of(lease), occasion: Occasion::Event };
    let mailbox = list.mailbox();
    let bounces =
        mailbox.and_then(|mailbox| app.links.bounce_address(&mailbox, lease.list, lease.subscription));
    Ok(Written::Letter(app.compose(list, lang, &to, bounces, content)?))
}

/// The proof of the person's last yes, where the log has it by now. What does not prove itself is given to nobody.
async fn receipt(
    app: &App,
    list: &List,
    person: &Person,
    notice: &Notice,
) -> Result<Option<Vec<u8>>, Unwritten> {
    let (yes, now) = (person.latest_yes(), app.clock.now());
    let logged = logged(&app.store, &app.keys, &app.links, list, person, yes, now).await?;
    let Some(logged) = logged else { return Ok(None) };
    let receipt = Receipt::for_person(person, notice, logged);
    receipt.check()?;
    Ok(Some(receipt.to_json()))
}

/// What a letter is written from.
struct Writing<'a> {
    app: &'a App,
    lease: &'a Lease,
    list: &'a List,
    /// The list's notice as it is now.
    current: &'a Notice,
    subscription: &'a Subscription,
    person: &'a Person,
    lang: &'a str,
}

impl Writing<'_> {
    /// A letter's folder of templates, and what they are given.
    fn content(&self) -> (&'static str, Value) {
        let Writing { app, lease, subscription, person, .. } = self;
        let (list, id) = (lease.list, lease.subscription);
        match lease.kind {
            LetterKind::Confirmation => {
                let expires_at = subscription.row.expires_at;
                let context = json!({
                    "confirm_url": app.links.confirm(list, id, expires_at),
                    "not_me_url": app.links.not_me(list, id, expires_at),
                    "hours": self.list.options.pending_ttl_hours,
                    "notice_url": self.notice_url(&subscription.notice),
                });
                ("confirmation", context)
            }
            // Whoever agreed to an earlier purpose and signs up again is asked: otherwise nothing would come of it.
            LetterKind::AlreadySubscribed if !subscription.row.purpose_is_current => self.notice_change(),
            LetterKind::NoticeChange => self.notice_change(),
            LetterKind::AlreadySubscribed => {
                let context = json!({
                    "unsubscribe_url": self.unsubscribe_url(),
                    "my_url": app.links.my(),
                });
                ("already_subscribed", context)
            }
            LetterKind::Welcome => {
                let context = json!({
                    "unsubscribe_url": self.unsubscribe_url(),
                    "notice_url": self.notice_url(&subscription.notice),
                    "receipt": RECEIPT,
                    "renewed": person.renewal.is_some(),
                    "my_url": app.links.my(),
                });
                ("welcome", context)
            }
            LetterKind::DataLink => {
                // Counted from when it was asked for: a letter that was long on its way does not live longer.
                let expires_at = lease.queued_at + DATA_LINK_FOR;
                let context = json!({
                    "data_url": app.links.data(list, id, expires_at),
                    "minutes": DATA_LINK_FOR.as_mins(),
                });
                ("data_link", context)
            }
            LetterKind::LeaveLink => {
                let context = json!({
                    "unsubscribe_url": self.unsubscribe_url(),
                });
                ("leave_link", context)
            }
            LetterKind::Correction => {
                let expires_at = person.correction.as_ref().map(|correction| correction.expires_at);
                let context = json!({
                    "correct_url": expires_at.map(|at| app.links.correct(list, id, at)),
                    "hours": CORRECT_WITHIN.as_hours(),
                });
                ("correction", context)
            }
        }
    }

    /// What is told of a list's present notice: with a link to agree where the purpose is new.
    fn notice_change(&self) -> (&'static str, Value) {
        let Writing { app, lease, current, person, .. } = self;
        let (purpose_lang, purpose) = current.purpose_in(self.lang);
        // Links from before a new address took the old one's place are dead.
        let linked_at = person.corrected_at.map_or(lease.queued_at, |at| at.max(lease.queued_at));
        let agree_url = || app.links.agree(lease.list, lease.subscription, linked_at + AGREE_WITHIN);
        let context = json!({
            "agree_url": (!self.subscription.row.purpose_is_current).then(agree_url),
            "days": AGREE_WITHIN.as_hours() / 24,
            "purpose": { "lang": purpose_lang, "text": purpose },
            "notice_url": self.notice_url(current),
            "unsubscribe_url": self.unsubscribe_url(),
        });
        ("notice_change", context)
    }

    fn title(&self) -> Value {
        json!({ "slug": self.list.slug, "title": self.list.title(self.lang) })
    }

    fn notice_url(&self, notice: &Notice) -> String {
        self.app.links.notice(&self.list.slug, notice.version, self.lang)
    }

    fn unsubscribe_url(&self) -> String {
        self.app.links.unsubscribe(self.lease.list, self.lease.subscription)
    }

    /// The way out by mail, at the end of every letter but the one to an address that is not the person's yet: whoever
    /// has that one must not be able to end what is the person's.
    fn leave_mailto(&self) -> Option<String> {
        if self.lease.kind == LetterKind::Correction {
            return None;
        }
        self.app.links.leave_mailto(&self.list.mailbox()?, self.lease.list, self.lease.subscription)
    }
}

/// The same for each try of one letter, different for any other, and telling nothing: the id is random and dies
/// with its row.
fn name_of(lease: &Lease) -> String {
    let digest = Sha256::new()
        .chain_update(lease.subscription.0)
        .chain_update([lease.kind as u8])
        .chain_update(lease.queued_at.as_microsecond().to_be_bytes())
        .finalize();
    data_encoding::BASE32_NOPAD.encode(&digest[..15]).to_ascii_lowercase()
}
