//! The feed of a list: whom a sender is to add and whom to drop, since an export or since they last asked.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout};

use crate::app::App;
use crate::app::row::{COLUMNS, Row, exported_fields};
use crate::consent::list::List;
use crate::consent::operator::Right;
use crate::consent::person::PersonError;
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::feed::{FeedCursor, Place, Reader};
use crate::store::{Store, StoreError};
use crate::web::answer::{Answer, problem, refused};
use crate::web::guard::Entered;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::{form, guard, stream};

/// The most references in one page, and how many there are unless the reader says.
const LARGEST: u32 = 10_000;
const USUAL: u32 = 1_000;
/// The longest that a reader may ask to wait for news, in seconds …
const LONGEST_WAIT: u64 = 30;
/// … and the longest that they do: no door holds an answer back for longer than thirty seconds.
const WAIT_AT_MOST: Duration = Duration::from_secs(28);
/// How often somebody who waits is looked after.
const LOOK: Duration = Duration::from_millis(500);
/// How long a page waits for room beside others.
const FOR_ROOM: Duration = Duration::from_secs(2);
/// After how many rows that were opened others have their turn: a few milliseconds.
const TURN: usize = 256;
/// What a page's body is handed over in, in bytes.
const CHUNK: usize = 64 * 1024;

/// What has changed. Every reference stands in it once.
#[derive(Serialize)]
pub struct FeedPage {
    /// Who would be in an export now, with its columns. Whoever the reader has under that `ref` already is replaced.
    pub added: Vec<Added>,
    /// Who would not, and is to be dropped. Most have left: nothing else is known of them.
    pub removed: Vec<Removed>,
    /// Where to go on: `after` of the next request.
    pub next: String,
    /// Whether there may be more at once. Otherwise the reader has everything.
    pub more: bool,
}

/// An export's row: its columns as strings.
pub struct Added {
    columns: Arc<[String]>,
    pub row: Row,
}

#[derive(Serialize)]
pub struct Removed {
    #[serde(rename = "ref")]
    pub reference: String,
}

impl Serialize for Added {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.columns.iter().zip(self.row.values().iter().chain(&self.row.fields)))
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The reader has to take an export, and go on from its cursor.
    #[error(
        "the feed does not reach back to that cursor any more: take an export, and go on from the cursor in its manifest"
    )]
    Gone,
    #[error("the list `{0}` is closed: nobody is on it")]
    Closed(String),
    #[error("a row could not be opened")]
    Person(#[from] PersonError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What pages are made with.
#[derive(Clone, Copy)]
pub struct Feed<'a> {
    pub store: &'a Store,
    pub keys: &'a KeyRing,
    pub links: &'a Links,
}

impl<'a> Feed<'a> {
    pub fn of(app: &'a App) -> Feed<'a> {
        Feed { store: &app.store, keys: &app.keys, links: &app.links }
    }

    /// The next page after a cursor, of at most `limit` references. It counts as handed out, and is on record, before it
    /// is returned.
    pub async fn page(
        self,
        list: &List,
        reader: Reader<'_>,
        after: &FeedCursor,
        limit: u32,
        at: jiff::Timestamp,
    ) -> Result<FeedPage, FeedError> {
        check(list, after)?;
        let news = self.store.read_feed(reader, after, limit, at).await?.ok_or(FeedError::Gone)?;
        let fields = exported_fields(list);
        let columns = COLUMNS.iter().map(|name| name.to_string());
        let columns: Arc<[String]> =
            columns.chain(fields.iter().map(|name| format!("field_{name}"))).collect();
        let added = news.added.iter().map(|row| {
            let row = Row::open(self.keys, self.links, list, &fields, row)?;
            Ok::<_, PersonError>(Added { columns: columns.clone(), row })
        });
        let removed = news.removed.iter().map(|reference| data_encoding::HEXLOWER.encode(reference));
        Ok(FeedPage {
            added: collect(added).await?,
            removed: removed.map(|reference| Removed { reference }).collect(),
            next: news.next.to_string(),
            more: news.more,
        })
    }
}

/// Collects what takes long to make, and lets others have their turn meanwhile.
async fn collect<T, E>(made: impl ExactSizeIterator<Item = Result<T, E>>) -> Result<Vec<T>, E> {
    let mut all = Vec::with_capacity(made.len());
    for one in made {
        all.push(one?);
        if all.len().is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    Ok(all)
}

fn check(list: &List, after: &FeedCursor) -> Result<(), FeedError> {
    match list.is_closed {
        true => Err(FeedError::Closed(list.slug.clone())),
        false if after.list() != list.number => Err(FeedError::Gone),
        false => Ok(()),
    }
}

/// Waits until there is something to say to a reader, or until it is time to say that there is not.
async fn wait_for_news(app: &App, after: &FeedCursor, wait: Duration) -> Result<(), Refusal> {
    let until = Instant::now() + wait;
    if wait.is_zero() || place(app, after).await? != Place::End {
        return Ok(());
    }
    // Whoever waits costs a look twice a second: only so many may.
    let _seat = app.feed_seats.try_acquire().map_err(|_| Refusal::Busy)?;
    while Instant::now() < until && place(app, after).await? == Place::End {
        let nap = LOOK.min(until - Instant::now());
        if app.closing.run_until_cancelled(sleep(nap)).await.is_none() {
            break;
        }
    }
    Ok(())
}

async fn place(app: &App, after: &FeedCursor) -> Result<Place, Refusal> {
    app.store.feed_place(after).await.map_err(held)
}

/// A list that is brought up to its mirror is fed again soon.
fn held(error: StoreError) -> Refusal {
    if matches!(error, StoreError::Held) { Refusal::Busy } else { error.into() }
}

/// Room for a page, until it is dropped.
async fn room(app: &App, wish: &Wish) -> Result<OwnedSemaphorePermit, Refusal> {
    let room = app.feed_room.clone().acquire_many_owned(wish.limit);
    timeout(FOR_ROOM, room).await.ok().and_then(Result::ok).ok_or(Refusal::Busy)
}

/// Lets a reader through.
async fn pass(app: &App, request: &Request, slug: &str) -> Result<Entered, Refusal> {
    let operator = guard::bearer(app, request).await?;
    guard::enter(app, operator, Right::Export, slug).await
}

/// A page as an answer, which keeps its room until it is taken.
fn told(page: FeedPage, room: OwnedSemaphorePermit) -> Answer {
    let text = serde_json::to_vec(&page).map_err(|_| Refusal::Internal)?;
    let (mut outlet, mut response) = stream::body(false);
    tokio::spawn(async move {
        let _room = room;
        for part in text.chunks(CHUNK) {
            outlet.put(part).await?;
        }
        outlet.flush().await?;
        outlet.end();
        Ok::<(), stream::Gone>(())
    });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// What a reader asks for.
struct Wish {
    after: FeedCursor,
    limit: u32,
    wait: Duration,
}

/// `GET /api/v1/lists/{slug}/feed?after=CURSOR&limit=1000&wait=30`
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let mut asked = request.asked.clone();
    asked.json = true;
    answer_feed(&app, &request, &slug).await.or_else(|refusal| refused(&app, &asked, &refusal))
}

async fn answer_feed(app: &App, request: &Request, slug: &str) -> Answer {
    if request.method != Method::GET {
        return Err(Refusal::Method("GET"));
    }
    let entered = pass(app, request, slug).await?;
    let wish = match wish(&request.query) {
        Ok(wish) => wish,
        Err((parameter, detail)) => {
            let errors = json!([{ "parameter": parameter, "detail": detail }]);
            let more = Map::from_iter([("errors".to_owned(), errors)]);
            return Ok(problem(
                StatusCode::BAD_REQUEST,
                "invalid",
                "The request has a mistake",
                detail,
                more,
            ));
        }
    };
    if check(&entered.list, &wish.after).is_ok() {
        wait_for_news(app, &wish.after, wish.wait).await?;
    }
    let room = room(app, &wish).await?;
    // Once more: the token may have ended meanwhile, and the list's columns may be others.
    let entered = pass(app, request, slug).await?;
    let reader = Reader { operator: &entered.operator.name, token: entered.operator.token() };
    match Feed::of(app).page(&entered.list, reader, &wish.after, wish.limit, app.clock.now()).await {
        Ok(page) => told(page, room),
        Err(error @ FeedError::Gone) => {
            let more =
                Map::from_iter([("feed_days".to_owned(), Value::from(entered.list.options.feed_days))]);
            let title = "The cursor is too old";
            Ok(problem(StatusCode::GONE, "feed_gone", title, &error.to_string(), more))
        }
        Err(FeedError::Closed(slug)) => Err(Refusal::ListClosed { slug }),
        Err(FeedError::Person(error)) => Err(error.into()),
        Err(FeedError::Store(error)) => Err(held(error)),
    }
}

/// Reads the query, or names the parameter that does not do.
fn wish(query: &str) -> Result<Wish, (&'static str, &'static str)> {
    const AFTER: &str =
        "`after` is the cursor of an export's manifest, or `next` of the feed: take an export first";
    const LIMIT: &str = "`limit` is a whole number from 1 to 10000";
    const WAIT: &str = "`wait` is a whole number of seconds from 0 to 30";
    let pairs = form::parse(query.as_bytes()).map_err(|_| ("after", AFTER))?;
    let number = |name, fault: &'static str| match form::one(&pairs, name) {
        Ok(None) => Ok(None),
        Ok(Some(text)) => text.parse::<u32>().map(Some).map_err(|_| (name, fault)),
        Err(_) => Err((name, fault)),
    };
    let after = form::one(&pairs, "after").ok().flatten().and_then(|text| text.parse().ok());
    let limit = number("limit", LIMIT)?.unwrap_or(USUAL);
    let wait = u64::from(number("wait", WAIT)?.unwrap_or_default());
    match () {
        () if !(1..=LARGEST).contains(&limit) => Err(("limit", LIMIT)),
        () if wait > LONGEST_WAIT => Err(("wait", WAIT)),
        () => {
            let wait = Duration::from_secs(wait).min(WAIT_AT_MOST);
            Ok(Wish { after: after.ok_or(("after", AFTER))?, limit, wait })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_opens_thousands_lets_others_have_their_turn() {
        let turns = std::cell::Cell::new(0);
        let made = (0..4 * TURN).map(|n| Ok::<_, ()>((n, turns.get())));
        let others = async {
            for _ in 0..10 {
                turns.set(turns.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        // Each is polled in its turn.
        let (all, ()) = futures_util::future::join(collect(made), others).await;
        let all = all.unwrap();
        assert!(all.iter().map(|(n, _)| *n).eq(0..4 * TURN));
        assert!(all.chunks(TURN).map(|chunk| chunk[0].1).eq(0..4), "another had a turn after each {TURN}");
    }

    #[test]
    fn a_wish_is_read_or_its_mistake_named() {
        let cursor = data_encoding::BASE64URL_NOPAD.encode(&[1; 29]);
        let read = wish(&format!("after={cursor}")).map(|wish| (wish.limit, wish.wait.as_secs()));
        assert_eq!(read, Ok((1000, 0)));
        let read = wish(&format!("wait=30&limit=10000&after={cursor}&other=1"));
        assert_eq!(read.map(|wish| (wish.limit, wish.wait)), Ok((10_000, WAIT_AT_MOST)));
        for (query, parameter) in [
            (String::new(), "after"),
            ("after=".into(), "after"),
            ("after=abc".into(), "after"),
            (format!("after={cursor}&after={cursor}"), "after"),
            (format!("after={cursor}&limit=0"), "limit"),
            (format!("after={cursor}&limit=10001"), "limit"),
            (format!("after={cursor}&limit=-1"), "limit"),
            (format!("after={cursor}&limit=1&limit=2"), "limit"),
            (format!("after={cursor}&wait=31"), "wait"),
            (format!("after={cursor}&wait=x"), "wait"),
        ] {
            assert_eq!(wish(&query).err().map(|fault| fault.0), Some(parameter), "{query}");
        }
    }
}
