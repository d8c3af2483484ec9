//! Evidence: what shows a regulator that somebody who is subscribed has agreed, to which text and when (GDPR Art. 7(1)).
//! Each making is on record.

pub mod bundle;
pub mod door;

use jiff::Timestamp;
use serde_json::json;

use crate::app::logged::{LoggedError, logged};
use crate::clock::Clock;
use crate::consent::address::Address;
use crate::consent::list::{List, is_slug};
use crate::consent::operator::Right;
use crate::consent::person::{Person, PersonError};
use crate::consent::receipt::{Proven, Receipt, ReceiptFault};
use crate::consent::record::Content;
use crate::consent::subscription::State;
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::access::Access;
use crate::store::{Store, StoreError, Subscription};
use crate::templates::{TemplateError, Templates};

/// What evidence is made with.
pub struct Evidence<'a> {
    pub store: &'a Store,
    pub keys: &'a KeyRing,
    pub links: &'a Links,
    pub templates: &'a Templates,
    pub clock: &'a Clock,
}

/// The pieces of evidence, each a file.
pub struct Pieces {
    /// The receipt without its secret: it opens this entry alone.
    pub evidence: Vec<u8>,
    pub record: Vec<u8>,
    pub notice: Vec<u8>,
    /// The text that was shown, in the language that it was read in.
    pub text: Vec<u8>,
    /// A page for people, which proves nothing by itself.
    pub summary: Vec<u8>,
}

/// Why there is no evidence. Names nobody.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error("there is no operator `{0}`; `optin operator add` makes one")]
    NoOperator(String),
    #[error("the operator `{0}` may not do that on the list `{1}`; `optin operator add --role` gives a role")]
    NotAllowed(String, String),
    #[error("there is no list `{0}`; `optin list show` tells which there are")]
    NoList(String),
    // It may be an address, where the two were swapped.
    #[error("that is not a list's slug; `optin list show` tells which there are")]
    NoSlug,
    #[error("that is not an e-mail address")]
    NoAddress,
    #[error(
        "nobody with this address is on the list `{0}`: who left is erased, and only their own receipt shows their consent"
    )]
    Nobody(String),
    #[error("the signup of this address has not been confirmed: there is no consent to show")]
    Pending,
    #[error("the trail does not hold this consent yet: try again in a moment, with the service running")]
    NotSealed,
    #[error("the row does not agree with the trail: {0}")]
    Unproven(#[from] ReceiptFault),
    #[error("the row's record is not as this version writes it")]
    Record,
    #[error(transparent)]
    Logged(#[from] LoggedError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Person(#[from] PersonError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Evidence<'_> {
    /// Evidence of the consent that stands behind an address on a list.
    pub async fn make(&self, slug: &str, address: &str, operator: &str) -> Result<Pieces, EvidenceError> {
        let known = self.store.operator(operator).await?;
        let known = known.ok_or_else(|| EvidenceError::NoOperator(operator.into()))?;
        if !is_slug(slug) {
            return Err(EvidenceError::NoSlug);
        }
        let no_list = || EvidenceError::NoList(slug.into());
        let (list, _) = self.store.find_list(slug).await?.ok_or_else(no_list)?;
        if !known.may(Right::Evidence, list.number) {
            return Err(EvidenceError::NotAllowed(operator.into(), slug.into()));
        }
        if self.store.is_held(list.number).await? {
            // Whoever seems to be subscribed may have left since the backup.
            return Err(StoreError::Held.into());
        }
        let address = Address::parse(address).map_err(|_| EvidenceError::NoAddress)?;
        let key = self.keys.address_key(list.number, &address.dedupe_form());
        let nobody = || EvidenceError::Nobody(slug.into());
        let found = self.store.find_address(list.number, &key).await?;
        // That nobody was found is on record too: nobody tries addresses unseen.
        self.store.record_access(list.number, operator, Access::Evidence(found), self.clock.now()).await?;
        let id = found.ok_or_else(nobody)?;
        let subscription = self.store.find_subscription(list.number, id).await?.ok_or_else(nobody)?;
        if subscription.row.state == State::Pending {
            return Err(EvidenceError::Pending);
        }
        let person = Person::open(self.keys, list.number, id, &subscription.seal)?;
        let receipt = self.receipt(&list, &person, &subscription).await?;
        let proven = receipt.check()?;
        let record = Content::read(receipt.record()).ok_or(EvidenceError::Record)?;
        Ok(Pieces {
            evidence: receipt.to_json(),
            record: receipt.record().into(),
            notice: receipt.notice().into(),
            text: subscription.notice.text_in(&record.language).1.into(),
            summary: self.summary(&list, &subscription, &record, &receipt, &proven, operator)?.into(),
        })
    }

    async fn receipt(
        &self,
        list: &List,
        person: &Person,
        subscription: &Subscription,
    ) -> Result<Receipt, EvidenceError> {
        let (yes, now) = (person.latest_yes(), self.clock.now());
        let logged = logged(self.store, self.keys, self.links, list, person, yes, now).await?;
        let logged = logged.ok_or(EvidenceError::NotSealed)?;
        Ok(Receipt::for_others(person, &subscription.notice, logged))
    }

    /// In the list's own language.
    fn summary(
        &self,
        list: &List,
        subscription: &Subscription,
        record: &Content,
        receipt: &Receipt,
        proven: &Proven,
        operator: &str,
    ) -> Result<String, EvidenceError> {
        let words = self.templates.words();
        let lang = words.pick([list.options.lang.as_str()]).unwrap_or("en");
        let (text_lang, text) = subscription.notice.text_in(&record.language);
        let hour = Timestamp::from_second(i64::from(proven.hour) * 3600).unwrap_or_default();
        let context = json!({
            "list": { "slug": list.slug, "title": list.title(lang), "number": list.number },
            "address": record.address,
            "signed_up_at": record.signed_up_at,
            "renewed_at": record.renewed_at,
            "origin": record.origin,
            "language": record.language,
            "fields": record.fields_given,
            "proven_hour": hour,
            "paused": subscription.row.state == State::Paused,
            "notice": {
                "version": subscription.notice.version,
                "purpose": subscription.notice.purpose,
                "published_at": subscription.notice.published_at,
                "sha256": data_encoding::HEXLOWER.encode(&subscription.notice.sha256),
                "lang": text_lang,
                "text": text,
            },
            "trail": {
                "url": receipt.trail(),
                "origin": proven.checkpoint.origin(),
                "key": receipt.key().to_string(),
                "entry": proven.index,
                "size": proven.checkpoint.size(),
            },
            "operator": operator,
            "made_at": self.clock.now(),
        });
        Ok(self.templates.render("evidence/summary.html", lang, &context)?)
    }
}
