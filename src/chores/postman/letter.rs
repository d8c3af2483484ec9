//! Writing a letter: from its row as it is when it is sent, so that nothing in it need wait anywhere.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::app::logged::logged;
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::Person;
use crate::consent::receipt::Receipt;
use crate::consent::subscription::{AGREE_WITHIN, CORRECT_WITHIN, DATA_LINK_FOR};
use crate::mail::letters::{Attachment, Envelope, compose};
use crate::store::Subscription;
use crate::store::outbox::{Lease, LetterKind};

/// What a receipt's file is called.
const RECEIPT: &str = "optin-receipt.json";

/// A letter, ready for the relay.
pub struct Letter {
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

/// What came of writing a letter.
pub enum Written {
    Letter(Letter),
    /// Its receipt cannot be made yet.
    NotYet,
    /// There is nothing any more that it would speak of.
    NotOwed,
}

/// Why a letter could not be written. Holds nothing of it.
type Unwritten = Box<dyn std::error::Error + Send + Sync>;

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
    // An operator's language may have gone since: the letter is owed all the same.
    let spoken = [subscription.lang.as_str(), list.options.lang.as_str()];
    let lang = app.templates.words().pick(spoken).unwrap_or("en");
    let now = app.clock.now();
    let correction = person.correction.as_ref().filter(|correction| correction.expires_at > now);
    let to = match (lease.kind, correction) {
        (LetterKind::Correction, None) => return Ok(Written::NotOwed),
        (LetterKind::Correction, Some(correction)) => Address::parse(&correction.address)?,
        _ => Address::parse(&person.address)?,
    };
    let sender = &list.options.sender;
    let from = Address::parse(sender.address.as_deref().unwrap_or(&app.controller.mail))?;
    let writing = Writing { app, lease, list, current, subscription, person: &person, lang };
    let (kind, context) = writing.content();
    let envelope = Envelope {
        kind,
        lang,
        to: &to,
        from_name: sender.name.as_deref().unwrap_or(&app.controller.name),
        from: &from,
        subject_prefix: list.text_in(lang, &sender.subject_prefix),
        name: &name_of(lease),
        date: now,
    };
    let bytes = compose(&app.templates, &envelope, &context, attachment)?;
    Ok(Written::Letter(Letter { from: from.for_mail(), to: to.for_mail(), bytes }))
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
                    "list": self.title(),
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
                    "list": self.title(),
                    "unsubscribe_url": self.unsubscribe_url(),
                    "leave_mailto": self.leave_mailto(),
                    "my_url": app.links.my(),
                });
                ("already_subscribed", context)
            }
            LetterKind::Welcome => {
                let context = json!({
                    "list": self.title(),
                    "unsubscribe_url": self.unsubscribe_url(),
                    "leave_mailto": self.leave_mailto(),
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
                    "list": self.title(),
                    "unsubscribe_url": self.unsubscribe_url(),
                    "leave_mailto": self.leave_mailto(),
                });
                ("leave_link", context)
            }
            LetterKind::Correction => {
                let expires_at = person.correction.as_ref().map(|correction| correction.expires_at);
                let context = json!({
                    "list": self.title(),
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
            "list": self.title(),
            "agree_url": (!self.subscription.row.purpose_is_current).then(agree_url),
            "days": AGREE_WITHIN.as_hours() / 24,
            "purpose": { "lang": purpose_lang, "text": purpose },
            "notice_url": self.notice_url(current),
            "unsubscribe_url": self.unsubscribe_url(),
            "leave_mailto": self.leave_mailto(),
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

    fn leave_mailto(&self) -> Option<String> {
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
