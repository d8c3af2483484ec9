//! Replies to those who left by mail. Nothing of them is stored any more, so nothing waits in the outbox: a reply goes
//! within a minute or never.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::app::App;
use crate::mail::letters::Letter;
use crate::mail::mailer::{Line, SendError};

/// How long the relay has for one: the next one waits.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between tries.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// How many may wait in memory.
pub const WAITING: usize = 64;

/// Sends what comes, one after the other, until nobody can hand in any more.
pub async fn run(app: Arc<App>, mut replies: mpsc::Receiver<Letter>) {
    let mut line = app.mailer.line();
    while let Some(reply) = replies.recv().await {
        send(&mut line, &reply).await;
    }
    line.close().await;
}

/// Sends one, if it can be sent.
pub async fn send(line: &mut Line, reply: &Letter) {
    match tokio::time::timeout(PATIENCE, try_to_send(line, reply)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a reply was not sent, and will not be"),
        Err(_) => tracing::warn!("a reply took too long, and is given up"),
    }
}

/// Once, and again where the relay only cannot take it now.
async fn try_to_send(line: &mut Line, reply: &Letter) -> Result<(), SendError> {
    for pause in PAUSES {
        let still_wanted = async { Ok(()) };
        match line.send(&reply.from, &reply.to, &reply.bytes, still_wanted).await {
            Err(SendError::Later { .. }) => tokio::time::sleep(pause).await,
            sent => return sent,
        }
    }
    line.send(&reply.from, &reply.to, &reply.bytes, async { Ok(()) }).await
}
