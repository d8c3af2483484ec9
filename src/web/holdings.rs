//! What is held about one address: as the person is told, and whoever answers for them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::notice;
use super::refusal::Refusal;
use crate::app::App;
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::Person;
use crate::consent::record::Content;
use crate::consent::subscription::{SUBSCRIBED, State};
use crate::store::Subscription;
use crate::token::SubscriptionId;

/// What is held on one list.
pub struct Holding {
    pub list: List,
    /// The list's notice as it is now.
    pub current: Notice,
    pub id: SubscriptionId,
    pub subscription: Subscription,
    pub person: Person,
}

impl Holding {
    /// Whether it has been confirmed; before, there is nothing to change.
    pub fn is_subscribed(&self) -> bool {
        SUBSCRIBED.has(self.subscription.row.state)
    }
}

/// What is held about an address on each open list, by list.
pub async fn holdings(app: &App, address: &Address) -> Result<Vec<Holding>, Refusal> {
    let mut holdings = Vec::new();
    for (list, id) in app.subscriptions_of(address).await? {
        // Whoever leaves between these looks is not held any more.
        let Some(subscription) = app.store.find_subscription(list.number, id).await? else { continue };
        let Some((list, current)) = app.store.find_list_by_number(list.number).await? else { continue };
        let person = Person::open(&app.keys, list.number, id, &subscription.seal)?;
        holdings.push(Holding { list, current, id, subscription, person });
    }
    Ok(holdings)
}

/// What is held on one list.
pub async fn told(app: &App, holding: &Holding, lang: &str) -> Result<Value, Refusal> {
    let Holding { list, subscription, person, .. } = holding;
    let state = subscription.row.state;
    let agreed = &subscription.notice;
    let needs_yes = holding.is_subscribed() && !subscription.row.purpose_is_current;
    let (exports, readings) = exports(app, holding).await?;
    Ok(json!({
        "slug": list.slug,
        "title": list.title(lang),
        "state": match state {
            State::Pending => "pending",
            State::Active => "active",
            State::Paused => "paused",
        },
        "lang": subscription.lang,
        "languages": holding.current.languages().collect::<Vec<_>>(),
        "fields": person.profile,
        "withheld": person.withheld,
        "network": person.network,
        "signed_up_at": subscription.row.signed_up_at,
        "confirmed_at": subscription.confirmed_at,
        "origin": Content::read(&person.record).and_then(|record| record.origin),
        "renewed_at": person.renewal.as_deref().and_then(Content::read).and_then(|record| record.renewed_at),
        "notice": {
            "version": agreed.version,
            "purpose": agreed.purpose,
            "published_at": agreed.published_at,
            "url": notice::url(list, agreed.version, lang),
        },
        "needs_yes": needs_yes,
        "expires_at": (state == State::Pending).then_some(subscription.row.expires_at),
        "feed_days": list.options.feed_days,
        "new_address": person.correction.as_ref().map(|correction| &correction.address),
        "exported": { "times": exports.len(), "last": exports.last(), "read": readings.last() },
    }))
}

/// When exports began that held the person, and by when readers of the feed may have been told of them, to the hour. A
/// list whose backup was restored tells once it is whole.
async fn exports(app: &App, holding: &Holding) -> Result<(Vec<Timestamp>, Vec<Timestamp>), Refusal> {
    let (list, person) = (holding.list.number, &holding.person);
    let commitments: Vec<_> = person.entries().map(|(event, n)| person.commitment(list, event, n)).collect();
    let marks = app.store.marks(list, &commitments).await?;
    let time = |hour| Timestamp::from_second(i64::from(hour) * 3600).unwrap_or_default();
    let times = |hours: Vec<u32>| hours.into_iter().map(time).collect();
    Ok((times(marks.exports()), times(marks.readings())))
}
