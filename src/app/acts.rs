//! What more than one journey does with a row.

use super::App;
use crate::consent::address::Address;
use crate::consent::change::{CannotCorrect, Erase, Held, Rewrite};
use crate::consent::list::List;
use crate::consent::subscription::{EraseOutcome, RewriteOutcome};
use crate::consent::undo::Undo;
use crate::store::StoreError;
use crate::token::{SubscriptionId, Token};

/// How often somebody else may come between one look at a row and its writing.
const LOOKS: u32 = 5;

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
            let outcome = self.store.rewrite(make(&held, App::random())?).await?;
            if outcome != RewriteOutcome::Stale {
                self.letters_wait.notify_one();
                return Ok(outcome);
            }
        }
        Err(StoreError::Collision.into())
    }

    /// Every subscription of an address on lists that have not ended, by list.
    pub async fn subscriptions_of(
        &self,
        address: &Address,
    ) -> Result<Vec<(List, SubscriptionId)>, StoreError> {
        let form = address.dedupe_form();
        let mut lists = self.store.lists().await?;
        lists.retain(|list| !list.is_closed);
        let keys = lists.iter().map(|list| (list.number, self.keys.address_key(list.number, &form)));
        let found = self.store.find_addresses(&keys.collect::<Vec<_>>()).await?;
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
}
