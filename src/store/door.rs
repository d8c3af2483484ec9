//! The write door: changes that wait are applied together, by one statement, and each is answered only after the
//! commit that holds it. A lone change does not wait for company.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::record::{Applied, Change};

/// More than this in one statement gets a worse plan.
const BATCH: usize = 128;
/// Changes that may wait; past it the door says that it is busy.
const QUEUE: usize = 1024;
/// How often a batch that met a deadlock or a serialization failure is tried.
const TRIES: u32 = 5;
/// A statement that has not answered by then is given up with its connection.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer<C> = Result<<C as Change>::Outcome, StoreError>;

struct Waiting<C: Change> {
    change: C,
    answer: oneshot::Sender<Answer<C>>,
}

/// The way in for one kind of change. Its task ends when the door is dropped and the queue is empty.
pub(super) struct Door<C: Change> {
    queue: mpsc::Sender<Waiting<C>>,
}

impl<C: Change> Door<C> {
    pub fn open(pool: Pool) -> Door<C> {
        let (queue, mut inbox) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            // A panic costs the batch that met it, whose waiters are told, and not the door.
            while AssertUnwindSafe(work(&pool, &mut inbox)).catch_unwind().await.is_err() {}
        });
        Door { queue }
    }

    /// Applies a change with others that wait, and returns after its commit. Whoever stops waiting loses nothing
    /// but the answer: a change that is in the queue is applied.
    pub async fn pass(&self, change: C) -> Answer<C> {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send(Waiting { change, answer }).map_err(|_| StoreError::Busy)?;
        outcome.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

async fn work<C: Change>(pool: &Pool, inbox: &mut mpsc::Receiver<Waiting<C>>) {
    let mut taken = Vec::with_capacity(BATCH);
    while inbox.recv_many(&mut taken, BATCH).await > 0 {
        let mut lists: BTreeMap<u32, Vec<Waiting<C>>> = BTreeMap::new();
        for waiting in taken.drain(..) {
            lists.entry(waiting.change.list()).or_default().push(waiting);
        }
        join_all(lists.into_iter().map(|(list, batch)| serve(pool, list, batch))).await;
    }
}

/// Applies one list's changes in rounds in which each key stands once. After the first round a further change of
/// the same key mostly changes nothing, and is settled in memory.
async fn serve<C: Change>(pool: &Pool, list: u32, mut waiting: Vec<Waiting<C>>) {
    while !waiting.is_empty() {
        let mut round: HashMap<C::Key, Waiting<C>> = HashMap::new();
        let mut later = Vec::new();
        for item in waiting {
            match round.entry(item.change.key()) {
                Entry::Vacant(free) => _ = free.insert(item),
                Entry::Occupied(_) => later.push(item),
            }
        }
        let batch: Vec<&C> = round.values().map(|item| &item.change).collect();
        let mut answers = apply::<C>(pool, list, &batch).await;
        waiting = Vec::new();
        for item in later {
            let settled = match answers.get(&item.change.key()) {
                Some(Ok(after)) => item.change.settle(after.as_ref()).map(Ok),
                // What was wrong with another's data need not be wrong with this one's.
                Some(Err(StoreError::Refused(_))) | None => None,
                Some(Err(error)) => Some(Err(error.clone())),
            };
            match settled {
                Some(answer) => _ = item.answer.send(answer),
                None => waiting.push(item),
            }
        }
        for (key, item) in round {
            let answer = match answers.remove(&key) {
                Some(Ok(after)) => Ok(after.map_or(C::NO_ROW, |(outcome, _)| outcome)),
                Some(Err(error)) => Err(error),
                None => Err(StoreError::Unavailable),
            };
            // Whoever asked may have gone; the change stands all the same.
            _ = item.answer.send(answer);
        }
    }
}

/// What became of each key: the row after the change (`None`: there was none), or why it failed.
type Answers<C> =
    HashMap<<C as Change>::Key, Result<Option<(<C as Change>::Outcome, <C as Change>::After)>, StoreError>>;

/// Applies a batch, and on bad data halves it until the bad item stands alone.
async fn apply<C: Change>(pool: &Pool, list: u32, batch: &[&C]) -> Answers<C> {
    let mut answers = HashMap::new();
    let mut parts = vec![batch];
    while let Some(part) = parts.pop() {
        match attempt::<C>(pool, list, part).await {
            Ok(mut rows) => {
                answers.extend(part.iter().map(|change| (change.key(), Ok(rows.remove(&change.key())))));
            }
            Err(StoreError::Refused(state)) if part.len() > 1 && is_about_data(&state) => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([right, left]);
            }
            Err(error) => {
                tracing::error!(%error, changes = part.len(), "a batch was not written");
                answers.extend(part.iter().map(|change| (change.key(), Err(error.clone()))));
            }
        }
    }
    answers
}

async fn attempt<C: Change>(pool: &Pool, list: u32, batch: &[&C]) -> Result<Applied<C>, StoreError> {
    for turn in 1.. {
        let client = pool.get().await?;
        match tokio::time::timeout(PATIENCE, C::apply(&client, list, batch)).await {
            Ok(Err(StoreError::Collision)) if turn < TRIES => {
                tokio::time::sleep(Duration::from_millis(5 * u64::from(turn))).await;
            }
            Ok(answer) => return answer,
            Err(_) => {
                // The statement may still be running there: its connection must not be used again.
                drop(deadpool_postgres::Object::take(client));
                return Err(StoreError::Unavailable);
            }
        }
    }
    Err(StoreError::Unavailable)
}

/// SQLSTATE classes 22 and 23: a value that the database does not take. All else is nobody's data.
fn is_about_data(state: &str) -> bool {
    state.starts_with("22") || state.starts_with("23")
}
