//! A list's trail: where it stands, and whether it is whole, from its first entry to the signed root.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::app::App;
use crate::consent::figures::grouped;
use crate::consent::operator::Right;
use crate::store::trail::Trail;
use crate::store::{Store, StoreError};
use crate::trail::audit::Audit;
use crate::trail::checkpoint::Checkpoint;
use crate::trail::entry::Event;
use crate::trail::note::{Note, Signer, Verifier};
use crate::trail::tree::{Frontier, leaf_hash};
use crate::web::answer::Answer;
use crate::web::desk::Session;
use crate::web::request::{Request, Verb};

/// One at a time in a service: each reads a whole log.
static AT_IT: Semaphore = Semaphore::const_new(1);
/// How long one may take; the page says how far it came.
const PATIENCE: Duration = Duration::from_secs(20);
/// Entries read at once.
const HANDFUL: u64 = 16_384;
/// How far hours may run backwards: the clocks of several services differ a little.
const SKEW_HOURS: u32 = 1;

/// What came of reading a log through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry leads to the signed root, and what they say adds up.
    Whole,
    Wrong(String),
    /// There was no time for the rest; what was read adds up.
    OutOfTime,
}

/// How far it was read, and what it told.
pub struct Reading {
    audit: Audit,
    frontier: Frontier,
    pub verdict: Verdict,
}

impl Reading {
    /// Reads the trail of a list through, as it was sealed, for so long at most.
    pub async fn of(
        store: &Store,
        list: u32,
        trail: &Trail,
        key: &Verifier,
        patience: Duration,
    ) -> Result<Reading, StoreError> {
        let (audit, frontier) = (Audit::new(SKEW_HOURS), Frontier::default());
        let mut reading = Reading { audit, frontier, verdict: Verdict::OutOfTime };
        let signed = Note::parse(trail.newest.checkpoint.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|note| Checkpoint::open(&note, &trail.origin, key).map_err(|error| error.to_string()));
        match signed {
            Err(error) => reading.verdict = Verdict::Wrong(format!("the checkpoint: {error}")),
            Ok(checkpoint) => {
                if let Ok(read) = timeout(patience, reading.read(store, list, &checkpoint)).await {
                    reading.verdict = read?;
                }
            }
        }
        Ok(reading)
    }

    async fn read(
        &mut self,
        store: &Store,
        list: u32,
        checkpoint: &Checkpoint,
    ) -> Result<Verdict, StoreError> {
        while self.size() < checkpoint.size() {
            let to = checkpoint.size().min(self.size() + HANDFUL);
            let entries = store.entries(list, self.size(), to).await?;
            if entries.len() as u64 != to - self.size() {
                return Ok(Verdict::Wrong(format!("entries are missing before entry {to}")));
            }
            for entry in entries {
                if let Err(fault) = self.audit.take(&entry) {
                    return Ok(Verdict::Wrong(fault.to_string()));
                }
                self.frontier.push(leaf_hash(&entry), |_, _| {});
            }
        }
        Ok(match self.frontier.root() == *checkpoint.root() {
            true => Verdict::Whole,
            false => Verdict::Wrong("the entries do not lead to the signed root".into()),
        })
    }

    /// How many entries were read and found right.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    fn context(&self) -> Value {
        let event = |event: Event| match self.audit.count(event) {
            0 => None,
            count => Some(json!({ "name": event.name().replace('_', " "), "count": grouped(count) })),
        };
        let (verdict, wrong) = match &self.verdict {
            Verdict::Whole => ("whole", None),
            Verdict::Wrong(what) => ("wrong", Some(what)),
            Verdict::OutOfTime => ("out_of_time", None),
        };
        json!({
            "verdict": verdict,
            "wrong": wrong,
            "checked": grouped(self.size()),
            "events": Event::ALL.into_iter().filter_map(event).collect::<Vec<_>>(),
        })
    }
}

/// `GET /desk/lists/{slug}/trail`, and `POST` to have it read through.
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let verb = request.verb()?;
    let session = Session::of(&app, &request).await?;
    let list = session.enter(&app, Right::Trail, &slug).await?.list;
    if let Verb::Act = verb {
        session.form(&request)?;
    }
    let trail = app.store.trail(list.number).await?;
    let signer = trail.as_ref().and_then(|trail| Signer::new(&trail.origin, app.keys.trail_seed()).ok());
    let key = signer.map(|signer| signer.verifier());
    let (mut reading, mut is_busy) = (None, false);
    if let (Verb::Act, Some(trail), Some(key)) = (verb, &trail, &key) {
        match AT_IT.try_acquire() {
            Ok(_alone) => reading = Some(Reading::of(&app.store, list.number, trail, key, PATIENCE).await?),
            Err(_) => is_busy = true,
        }
    }
    let told = trail.as_ref().map(|trail| {
        json!({
            "origin": trail.origin,
            "size": grouped(trail.newest.size),
            "public_size": grouped(trail.public.size),
            "checkpoint": trail.newest.checkpoint,
            "is_replaying": trail.is_replaying,
        })
    });
    let context = json!({
        "list": session.list(&list, "/trail"),
        "trail": told,
        "key": key.map(|key| key.to_string()),
        "url": format!("{}/trails/{}", app.links.public_url, list.slug),
        "reading": reading.as_ref().map(Reading::context),
        "is_busy": is_busy,
        "seconds": PATIENCE.as_secs(),
    });
    let status = if is_busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    session.page(&app, status, "trail", context)
}
