//! Mail that comes in: somebody leaves by writing to us, a letter comes back, a provider passes a complaint on. Whatever
//! is in doubt changes nothing.

mod door;
mod reply;

pub use door::{MAIL_BYTES, door};

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt as _;

use crate::app::App;
use crate::consent::address::Address;
use crate::consent::change::{Asked, Erase};
use crate::consent::list::List;
use crate::consent::subscription::{EraseOutcome, SUBSCRIBED};
use crate::mail::inbound::{Incoming, Writer, read};
use crate::mail::letters::Letter;
use crate::store::StoreError;
use crate::token::{Purpose, Token};

/// A mail as it is handed to us.
pub struct Mail<'a> {
    /// The envelope's sender; empty for none.
    pub from: &'a str,
    /// The envelope's recipient.
    pub to: &'a str,
    pub bytes: Bytes,
}

/// One of our addresses.
pub enum Mailbox {
    /// Whoever writes to it leaves: it is known to one person, and to those whom they showed a letter.
    Leave(Token),
    /// Letters come back to it.
    Bounces(Token),
    /// The mailbox of these lists, which everybody knows.
    Lists(Vec<List>),
}

/// What a mail came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody has left.
    Erased,
    /// The link to leave goes to whom the mail says it is from, unless they had one within the day.
    Asked,
    /// A letter that did not arrive was counted, and ended a signup that waited for it.
    Bounced,
    Nothing,
}

/// What a mail came to, and what is owed for it.
pub struct Received {
    pub outcome: Outcome,
    /// What is said to whoever has left, now that they have. Nobody else has their address any more: what is not
    /// sent soon never is.
    pub reply: Option<Letter>,
}

/// Which of our addresses this is, if any. Those of a person cost no look into the database.
pub async fn find_mailbox(app: &App, address: &str) -> Result<Option<Mailbox>, StoreError> {
    let Some((local, _)) = address.rsplit_once('@') else { return Ok(None) };
    // A client may quote a local part that needs no quotes.
    let local = local.strip_prefix('"').and_then(|local| local.strip_suffix('"')).unwrap_or(local);
    match app.links.read_local(local) {
        Some((Purpose::Unsubscribe, token)) => return Ok(Some(Mailbox::Leave(token))),
        Some((_, token)) => return Ok(Some(Mailbox::Bounces(token))),
        None => {}
    }
    let Ok(address) = Address::parse(address) else { return Ok(None) };
    let mut lists = app.store.lists().await?;
    lists.retain(|list| has_mailbox(list, &address));
    Ok((!lists.is_empty()).then_some(Mailbox::Lists(lists)))
}

fn has_mailbox(list: &List, address: &Address) -> bool {
    let mailbox = list.mailbox().and_then(|mailbox| Address::parse(&mailbox).ok());
    mailbox.is_some_and(|mailbox| mailbox.dedupe_form() == address.dedupe_form())
}

/// The use case. `None` where the address is none of ours.
pub async fn receive(app: &App, mail: Mail<'_>) -> Result<Option<Received>, StoreError> {
    let Some(mailbox) = find_mailbox(app, mail.to).await? else { return Ok(None) };
    let received = match (mailbox, reading(app, &mail).await) {
        (_, Incoming::Complaint(original)) => complain(app, &original).await?,
        (Mailbox::Leave(token), Incoming::Written(_)) => leave(app, &[token]).await?,
        (Mailbox::Bounces(token), Incoming::Bounce(statuses)) => bounce(app, token, &statuses).await?,
        (Mailbox::Lists(lists), Incoming::Written(writer)) => leave_by_writer(app, &lists, writer).await?,
        (_, Incoming::Written(_) | Incoming::Bounce(_) | Incoming::Noise) => Received::of(Outcome::Nothing),
    };
    Ok(Some(received))
}

/// Away from where others are served: a mail may be large. One that cannot be read at all would come again for ever.
async fn reading(app: &App, mail: &Mail<'_>) -> Incoming {
    let (sender, bytes, believed) = (mail.from.to_owned(), mail.bytes.clone(), app.authserv_id.clone());
    let read = tokio::task::spawn_blocking(move || read(&sender, &bytes, believed.as_deref())).await;
    read.unwrap_or_else(|_| {
        tracing::error!("a mail could not be read");
        Incoming::Noise
    })
}

impl Received {
    fn of(outcome: Outcome) -> Received {
        Received { outcome, reply: None }
    }
}

/// Erases these subscriptions of one person. The reply is written while it is known to whom, and is due only where
/// something was erased.
async fn leave(app: &App, tokens: &[Token]) -> Result<Received, StoreError> {
    let written = AssertUnwindSafe(reply::write(app, tokens)).catch_unwind().await;
    let reply = match written.unwrap_or_else(|_| Err("it panicked".into())) {
        Ok(reply) => reply,
        // Whoever wants to go goes, told or not.
        Err(error) => {
            tracing::error!(%error, "a reply could not be written");
            None
        }
    };
    let now = app.clock.now();
    let mut has_left = false;
    for token in tokens {
        has_left |= app.store.erase(Erase::withdraw(token, now)).await? == EraseOutcome::Erased;
    }
    Ok(if has_left { Received { outcome: Outcome::Erased, reply } } else { Received::of(Outcome::Nothing) })
}

/// A mail to a list's own mailbox says who writes it, and anybody can say that: it is believed of whom our mail server
/// found it true. Anybody else gets the link to leave, at the address that they named, and only if it is on the list.
async fn leave_by_writer(app: &App, lists: &[List], writer: Writer) -> Result<Received, StoreError> {
    let Some(address) = writer.address else { return Ok(Received::of(Outcome::Nothing)) };
    let numbers: Vec<_> = lists.iter().map(|list| list.number).collect();
    if writer.is_authentic {
        let found = app.find_on(&numbers, &address).await?;
        let tokens: Vec<_> = found.into_iter().map(|(list, id)| Token { list, id, expiry: 0 }).collect();
        return leave(app, &tokens).await;
    }
    let open: Vec<_> = lists.iter().filter(|list| !list.is_closed).map(|list| list.number).collect();
    // Nobody sees from here who is found: the mail server has taken the mail before.
    let mut outcome = Outcome::Nothing;
    for (list, id) in app.find_on(&open, &address).await? {
        let subscription = app.store.find_subscription(list, id).await?;
        // Whoever has not confirmed may be anybody, and gets no second letter.
        if subscription.is_some_and(|subscription| SUBSCRIBED.has(subscription.row.state)) {
            app.ask(Asked::LeaveByMail, &[list], &address).await?;
            outcome = Outcome::Asked;
        }
    }
    Ok(Received::of(outcome))
}

async fn bounce(app: &App, token: Token, statuses: &[String]) -> Result<Received, StoreError> {
    // Of several recipients a forwarder tells: a letter has one, and it may have arrived there.
    let [status] = statuses else { return Ok(Received::of(Outcome::Nothing)) };
    app.note_bounce(token.list, token.id, status).await?;
    Ok(Received::of(Outcome::Bounced))
}

/// Whoever calls a letter spam gets no other, not even a reply. What they complain of says who they are, unless it
/// says so of several.
async fn complain(app: &App, original: &[String]) -> Result<Received, StoreError> {
    let mut tokens = original.iter().map(|text| app.links.tokens_in(text));
    let Some(tokens) = tokens.find(|tokens| !tokens.is_empty()) else {
        return Ok(Received::of(Outcome::Nothing));
    };
    let (_, first) = tokens[0];
    if tokens.iter().any(|(_, token)| (token.list, token.id) != (first.list, first.id)) {
        return Ok(Received::of(Outcome::Nothing));
    }
    let may_leave = tokens.iter().any(|(purpose, _)| *purpose == Purpose::Unsubscribe);
    let erase = if may_leave { Erase::withdraw } else { Erase::not_me };
    let outcome = app.store.erase(erase(&first, app.clock.now())).await?;
    let has_left = outcome == EraseOutcome::Erased;
    Ok(Received::of(if has_left { Outcome::Erased } else { Outcome::Nothing }))
}
