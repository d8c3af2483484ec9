//! What is held about one address, over all lists.

use jiff::Timestamp;

use crate::app::App;
use crate::consent::address::Address;
use crate::consent::person::{Person, PersonError};
use crate::consent::subscription::DATA_LINK_FOR;
use crate::token::Token;
use crate::web::answer::language_of;
use crate::web::holdings::{Holding, holdings};
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
        let address = Address::parse(&person.address).map_err(|_| PersonError::Malformed)?;
        let holdings = holdings(app, &address).await?;
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
