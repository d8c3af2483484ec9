//! What is held about one address, over all lists.

use jiff::Timestamp;

use crate::app::App;
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::{Person, PersonError};
use crate::consent::subscription::{DATA_LINK_FOR, SUBSCRIBED};
use crate::store::Subscription;
use crate::token::{SubscriptionId, Token};
use crate::web::answer::language_of;
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// What is held about whoever a link was mailed to. There is something.
pub struct Mine {
    /// What the link says.
    pub token: Token,
    /// As typed, on the list of the link.
    pub address: String,
    /// What to speak: `?lang=`, else the person's language.
    pub lang: String,
    pub holdings: Vec<Holding>,
}

/// What is held on one list.
pub struct Holding {
    pub list: List,
    /// The list's notice as it is now.
    pub current: Notice,
    pub id: SubscriptionId,
    pub subscription: Subscription,
    pub person: Person,
}

impl Mine {
    /// Looks it up. `None` where nothing is held, or no longer under the subscription that the link names; also where the
    /// link was mailed to an address before the present one, whose mailbox has no say any more. A list that has ended is
    /// about to forget everybody.
    pub async fn find(app: &App, request: &Request, token: &Token) -> Result<Option<Mine>, Refusal> {
        let Some(own) = app.store.find_subscription(token.list, token.id).await? else { return Ok(None) };
        let person = Person::open(&app.keys, token.list, token.id, &own.seal)?;
        let linked_at = Timestamp::from_second(token.expiry.into()).unwrap_or_default() - DATA_LINK_FOR;
        if person.has_moved_since(linked_at) {
            return Ok(None);
        }
        let holdings = holdings(app, &person.address).await?;
        let lang = language_of(app, &request.asked, Some(own.lang.as_str()), "en").to_owned();
        let mine = Mine { token: *token, address: person.address, lang, holdings };
        Ok((!mine.holdings.is_empty()).then_some(mine))
    }

    /// The holding on the list of that slug.
    pub fn on(&self, slug: &str) -> Option<&Holding> {
        self.holdings.iter().find(|holding| holding.list.slug == slug)
    }

    /// All of them, the one that the link names last: should what is done to each break off, the link still works.
    pub fn own_last(&self) -> Vec<&Holding> {
        let mut holdings: Vec<_> = self.holdings.iter().collect();
        let own = (self.token.list, self.token.id);
        holdings.sort_by_key(|holding| (holding.list.number, holding.id) == own);
        holdings
    }
}

impl Holding {
    /// Whether it has been confirmed; before, there is nothing to change.
    pub fn is_subscribed(&self) -> bool {
        SUBSCRIBED.has(self.subscription.row.state)
    }
}

/// What is held about an address on each open list, by list.
async fn holdings(app: &App, address: &str) -> Result<Vec<Holding>, Refusal> {
    let address = Address::parse(address).map_err(|_| PersonError::Malformed)?;
    let mut holdings = Vec::new();
    for (list, id) in app.subscriptions_of(&address).await? {
        // Whoever leaves between these looks is not held any more.
        let Some(subscription) = app.store.find_subscription(list.number, id).await? else { continue };
        let Some((list, current)) = app.store.find_list_by_number(list.number).await? else { continue };
        let person = Person::open(&app.keys, list.number, id, &subscription.seal)?;
        holdings.push(Holding { list, current, id, subscription, person });
    }
    Ok(holdings)
}
