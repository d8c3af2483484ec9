//! A letter with a link, asked for by address.

use jiff::{SignedDuration, Timestamp};

use crate::consent::subscription::{ASK_AGAIN, ASK_BY_MAIL_AGAIN};
use crate::token::SubscriptionId;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The link to what is stored about the person.
    Data,
    /// The link to leave a list.
    Leave,
    /// The same, by a mail that proves nothing of who wrote it.
    LeaveByMail,
}

impl Asked {
    /// How long after one letter the next may go.
    pub fn again(self) -> SignedDuration {
        match self {
            Asked::Data | Asked::Leave => ASK_AGAIN,
            Asked::LeaveByMail => ASK_BY_MAIL_AGAIN,
        }
    }
}

/// Somebody's wish for a letter to the mailbox that they name. It may be anybody's, and be nobody's.
#[derive(Clone)]
pub struct Ask {
    list: u32,
    id: SubscriptionId,
    kind: Asked,
    at: Timestamp,
}

impl Ask {
    /// Asks for one letter, however many lists the address is on: `open` are the lists that are asked about, `found` its
    /// subscriptions there, both by number. Whoever has none asks all the same, as `nobody`, a fresh random id: then
    /// known and unknown addresses cost the same. `None` where no list is open.
    pub fn new(
        kind: Asked,
        open: &[u32],
        found: &[(u32, SubscriptionId)],
        nobody: SubscriptionId,
        at: Timestamp,
    ) -> Option<Ask> {
        let unknown = || Some((*open.first()?, nobody));
        let (list, id) = found.first().copied().or_else(unknown)?;
        Some(Ask { list, id, kind, at })
    }

    pub fn list(&self) -> u32 {
        self.list
    }
    pub fn id(&self) -> SubscriptionId {
        self.id
    }
    pub fn kind(&self) -> Asked {
        self.kind
    }
    pub fn at(&self) -> Timestamp {
        self.at
    }
}
