//! What more than one journey does with a row.

use super::App;
use crate::consent::address::Address;
use crate::consent::change::{Ask, Asked, CannotCorrect, Erase, Held, Rewrite};
use crate::consent::list::List;
use crate::consent::subscription::{EraseOutcome, RewriteOutcome};
use crate::consent::undo::Undo;
use crate::mail::status::says_nobody_there;
use crate::store::{LOOKS, StoreError};
use crate::token::{SubscriptionId, Token};

/// Why a new address was not written, or not dropped.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    #[error(transparent)]
    Cannot(#[from] CannotCorrect),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Writes a rarer act on a row as it is when it is written: where somebody else comes between, it is read and made
    /// again.
    pub async fn rewrite<E: From<StoreError>>(
        &self,
        list: u32,
        id: SubscriptionId,
        make: impl Fn(&Held<'_>, [u8; 24]) -> Result<Rewrite, E>,
    ) -> Result<RewriteOutcome, E> {
        for _ in 0..LOOKS {
            let Some(subscription) = self.store.find_subscription(list, id).await? else {
                return Ok(RewriteOutcome::NoRow);
            };
            let held = Held { list, id, seal: &subscription.seal };
            let rewrite = make(&held, App::random())?;
            let owes = rewrite.owed().is_some();
            match self.store.rewrite(rewrite).await? {
                RewriteOutcome::Stale => {}
                outcome => {
                    if owes {
                        self.letters_wait.notify_one();
                    }
                    return Ok(outcome);
                }
            }
        }
        Err(StoreError::Collision.into())
    }

    /// The subscriptions of an address on some lists, by list.
    pub async fn find_on(
        &self,
        lists: &[u32],
        address: &Address,
    ) -> Result<Vec<(u32, SubscriptionId)>, StoreError> {
        let form = address.dedupe_form();
        let keys = lists.iter().map(|list| (*list, self.keys.address_key(*list, &form)));
        self.store.find_addresses(&keys.collect::<Vec<_>>()).await
    }

    /// A letter to whoever has the address on one of these lists, and the same work where nobody has.
    pub async fn ask(&self, kind: Asked, open: &[u32], address: &Address) -> Result<(), StoreError> {
        let found = self.find_on(open, address).await?;
        let nobody = SubscriptionId(App::random());
        if let Some(ask) = Ask::new(kind, open, &found, nobody, self.clock.now()) {
            self.store.ask(ask).await?;
            self.letters_wait.notify_one();
        }
        Ok(())
    }

    /// Every subscription of an address on lists that have not ended, by list.
    pub async fn subscriptions_of(
        &self,
        address: &Address,
    ) -> Result<Vec<(List, SubscriptionId)>, StoreError> {
        let mut lists = self.store.lists().await?;
        lists.retain(|list| !list.is_closed);
        let numbers: Vec<_> = lists.iter().map(|list| list.number).collect();
        let found = self.find_on(&numbers, address).await?;
        let with_list = |(number, id)| {
            let list = lists.iter().find(|list| list.number == number)?;
            Some((list.clone(), id))
        };
        Ok(found.into_iter().filter_map(with_list).collect())
    }

    /// Erases a row at its person's word, and returns everything that is needed to undo it, sealed, for the page that
    /// tells of it: nobody else has it any more. `None` where there is nothing to undo.
    pub async fn withdraw_undoably(
        &self,
        token: &Token,
    ) -> Result<(EraseOutcome, Option<String>), StoreError> {
        let now = self.clock.now();
        let (outcome, gone) = self.store.erase_handing_back(Erase::withdraw(token, now)).await?;
        let undo = gone.and_then(|gone| Undo::of(token.list, token.id, gone, now));
        Ok((outcome, undo.map(|undo| undo.seal(&self.keys, App::random()))))
    }

    /// A letter did not arrive and never will, with that enhanced status. Where nobody is at the address, a signup that
    /// waits for them ends; what is left of any other is that it is counted.
    pub async fn note_bounce(&self, list: u32, id: SubscriptionId, status: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.count_bounce(list, id, now).await?;
        if says_nobody_there(status) {
            self.store.erase(Erase::undeliverable(list, id, now)).await?;
        }
        Ok(())
    }
}
