//! The door that a mail server hands mail in by (LMTP, RFC 2033). What cannot be done now is told 451, and comes again.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Mail, Received, find_mailbox, receive};
use crate::app::App;
use crate::mail::letters::Letter;
use crate::mail::session::{Answer, Door, Limits, Protocol, Transaction};
use crate::store::StoreError;

/// The largest mail, in bytes.
pub const MAIL_BYTES: usize = 1 << 20;

/// Recipients of one mail: each has it read anew. A mail server brings further ones apart.
const RECIPIENTS: usize = 10;

const NO_SUCH: Answer = Answer::reply(550, "5.1.1", "no such mailbox");
const LATER: Answer = Answer::reply(451, "4.3.0", "try again later");

/// A door that takes mail for our addresses, and hands on replies.
pub fn door(app: Arc<App>, replies: mpsc::Sender<Letter>) -> Door {
    let host = app.links.host().split(':').next().unwrap_or_default().to_owned();
    let limits = Limits { message_bytes: MAIL_BYTES, recipients: RECIPIENTS, ..Limits::default() };
    let asked = app.clone();
    Door::new(
        Protocol::Lmtp,
        host,
        limits,
        move |address| {
            let app = asked.clone();
            async move { answer(find_mailbox(&app, &address).await.map(|mailbox| mailbox.map(|_| ()))) }
        },
        move |transaction| {
            let (app, replies) = (app.clone(), replies.clone());
            async move { answer(take(&app, &replies, &transaction).await) }
        },
    )
}

fn answer(taken: Result<Option<()>, StoreError>) -> Answer {
    match taken {
        Ok(Some(())) => Answer::TAKEN,
        Ok(None) => NO_SUCH,
        Err(error) => {
            tracing::warn!(%error, "a mail could not be taken");
            LATER
        }
    }
}

/// LMTP asks for each recipient apart.
async fn take(
    app: &App,
    replies: &mpsc::Sender<Letter>,
    transaction: &Transaction,
) -> Result<Option<()>, StoreError> {
    let Some(to) = transaction.to.first() else { return Ok(None) };
    let mail = Mail { from: &transaction.from, to, bytes: transaction.data.clone() };
    let Some(Received { outcome, reply }) = receive(app, mail).await? else { return Ok(None) };
    tracing::info!(?outcome, "a mail came in");
    if let Some(reply) = reply
        && replies.try_send(reply).is_err()
    {
        tracing::warn!("too many replies wait; one is not sent");
    }
    Ok(Some(()))
}
