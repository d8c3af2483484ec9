//! Looking a person's yes up in the log, for a receipt.

use jiff::Timestamp;

use crate::consent::list::List;
use crate::consent::person::Person;
use crate::consent::receipt::Logged;
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::seal::Seal;
use crate::store::{Store, StoreError};
use crate::trail::entry::Event;
use crate::trail::note::NoteError;

/// Why what the log has could not be told.
#[derive(Debug, thiserror::Error)]
pub enum LoggedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] NoteError),
}

/// What a list's log has of a yes, with its proof; `None` where it has nothing yet.
pub async fn logged(
    store: &Store,
    keys: &KeyRing,
    links: &Links,
    list: &List,
    person: &Person,
    (event, number): (Event, u32),
    now: Timestamp,
) -> Result<Option<Logged>, LoggedError> {
    let seal = Seal::new(links.host(), keys, now);
    let commitment = person.commitment(list.number, event, number);
    let Some(proven) = store.prove(list.number, &commitment, &seal).await? else { return Ok(None) };
    Ok(Some(proven.logged(event, number, keys, links.trail(&list.slug))?))
}
