//! Replies to those who left by mail. Nothing of them is stored any more, so nothing waits in the outbox: a reply goes
//! now or never.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app::App;
use crate::mail::letters::Letter;

/// How many may wait in memory.
pub const WAITING: usize = 64;

/// Sends what comes, one after the other, until nobody can hand in any more.
pub async fn run(app: Arc<App>, mut replies: mpsc::Receiver<Letter>) {
    let mut line = app.mailer.line();
    while let Some(Letter { from, to, bytes }) = replies.recv().await {
        if let Err(error) = line.send(&from, &to, &bytes).await {
            tracing::warn!(%error, "a reply was not sent, and will not be");
        }
    }
    line.close().await;
}
