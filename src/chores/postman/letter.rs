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
    let (kind, context) = content(app, lease, list, current, subscription, &person, lang);
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

/// A letter's folder of templates, and what they are given.
fn content(
    app: &App,
    lease: &Lease,
    list: &List,
    current: &Notice,
    subscription: &Subscription,
    person: &Person,
    lang: &str,
) -> (&'static str, Value) {
    let id = lease.subscription;
    let title = json!({ "slug": list.slug, "title": list.title(lang) });
    let notice_url = || app.links.notice(&list.slug, subscription.notice.version, lang);
    let unsubscribe_url = || app.links.unsubscribe(lease.list, id);
    let leave_mailto = || app.links.leave_mailto(&list.mailbox()?, lease.list, id);
    match lease.kind {
        LetterKind::Confirmation => {
            let expires_at = subscription.row.expires_at;
            let context = json!({
                "list": title,
                "confirm_url": app.links.confirm(lease.list, id, expires_at),
                "not_me_url": app.links.not_me(lease.list, id, expires_at),
                "hours": list.options.pending_ttl_hours,
                "notice_url": notice_url(),
            });
            ("confirmation", context)
        }
        // Whoever agreed to an earlier purpose and signs up again is asked: otherwise nothing would come of it.
        LetterKind::AlreadySubscribed if !subscription.row.purpose_is_current => {
            ("notice_change", notice_change(app, lease, list, current, subscription, person, lang))
        }
        LetterKind::NoticeChange => {
            ("notice_change", notice_change(app, lease, list, current, subscription, person, lang))
        }
        LetterKind::AlreadySubscribed => {
            let context = json!({
                "list": title,
                "unsubscribe_url": unsubscribe_url(),
                "leave_mailto": leave_mailto(),
                "my_url": app.links.my(),
            });
            ("already_subscribed", context)
        }
        LetterKind::Welcome => {
            let context = json!({
                "list": title,
                "unsubscribe_url": unsubscribe_url(),
                "leave_mailto": leave_mailto(),
                "notice_url": notice_url(),
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
                "data_url": app.links.data(lease.list, id, expires_at),
                "minutes": DATA_LINK_FOR.as_mins(),
            });
            ("data_link", context)
        }
        LetterKind::LeaveLink => {
            let context = json!({
                "list": title,
                "unsubscribe_url": unsubscribe_url(),
                "leave_mailto": leave_mailto(),
            });
            ("leave_link", context)
        }
        LetterKind::Correction => {
            let expires_at = person.correction.as_ref().map(|correction| correction.expires_at);
            let context = json!({
                "list": title,
                "correct_url": expires_at.map(|at| app.links.correct(lease.list, id, at)),
                "hours": CORRECT_WITHIN.as_hours(),
            });
            ("correction", context)
        }
    }
}

/// What is told of a list's present notice: with a link to agree where the purpose is new.
fn notice_change(
    app: &App,
    lease: &Lease,
    list: &List,
    current: &Notice,
    subscription: &Subscription,
    person: &Person,
    lang: &str,
) -> Value {
    let id = lease.subscription;
    let (purpose_lang, purpose) = current.purpose_in(lang);
    // Links from before a new address took the old one's place are dead.
    let agree_by = person.corrected_at.map_or(lease.queued_at, |at| at.max(lease.queued_at)) + AGREE_WITHIN;
    let agree_url = (!subscription.row.purpose_is_current).then(|| app.links.agree(lease.list, id, agree_by));
    let leave_mailto = list.mailbox().and_then(|mailbox| app.links.leave_mailto(&mailbox, lease.list, id));
    json!({
        "list": { "slug": list.slug, "title": list.title(lang) },
        "agree_url": agree_url,
        "days": AGREE_WITHIN.as_hours() / 24,
        "purpose": { "lang": purpose_lang, "text": purpose },
        "notice_url": app.links.notice(&list.slug, current.version, lang),
        "unsubscribe_url": app.links.unsubscribe(lease.list, id),
        "leave_mailto": leave_mailto,
    })
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
