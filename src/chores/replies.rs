//! Replies to those who left by mail. Nothing of them is stored any more, so nothing waits in the outbox: a reply goes
//! now or never.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::app::App;
use crate::mail::letters::Letter;
use crate::mail::mailer::Line;

/// How long the relay has for one: the next one waits.
const PATIENCE: Duration = Duration::from_secs(60);
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
    let still_wanted = async { Ok(()) };
    let sent = line.send(&reply.from, &reply.to, &reply.bytes, still_wanted);
    match tokio::time::timeout(PATIENCE, sent).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a reply was not sent, and will not be"),
        Err(_) => tracing::warn!("a reply took too long, and is given up"),
    }
}
