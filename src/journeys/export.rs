//! Export: the people who said yes, each row with its own way out. A file for the command line, a body for HTTP: both
//! take it part by part, and it is whole when its last part is taken and noted in the trail.

pub mod desk;
pub mod door;
pub mod format;
mod harmless;
pub mod manifest;

use std::io::{self, Write};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::app::App;
use crate::app::row::{Row, exported_fields};
use crate::clock::Clock;
use crate::consent::list::List;
use crate::consent::operator::Right;
use crate::consent::person::PersonError;
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::access::Access;
use crate::store::export::history::{Made, Whole};
use crate::store::export::{Begun, ExportRows};
use crate::store::seal::Seal;
use crate::store::{Store, StoreError};
pub use format::Format;
use format::Shape;
use manifest::{Manifest, valid_until};

/// About how many bytes a part has: enough that handing it over costs little beside making it.
const PART: usize = 64 * 1024;
/// How long an export may take. For so long its snapshot keeps dead rows from being cleared away, and the postman slow.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Why an export was not made. Nothing in it tells of a person.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("there is no list `{0}`")]
    NoList(String),
    #[error("the list `{0}` is closed: nobody is on it")]
    Closed(String),
    #[error("there is no operator `{0}`; `optin operator add` makes one")]
    NoOperator(String),
    #[error("the operator `{0}` may not do that on the list `{1}`; `optin operator add --role` gives a role")]
    NotAllowed(String, String),
    #[error("it took longer than {} minutes, which is as long as others can wait for it", LONGEST.as_secs() / 60)]
    TooLong,
    #[error("a row could not be opened")]
    Person(#[from] PersonError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the export could not be written")]
    Write(#[from] io::Error),
}

/// What an export is made with.
#[derive(Clone, Copy)]
pub struct Export<'a> {
    pub store: &'a Store,
    pub keys: &'a KeyRing,
    pub links: &'a Links,
    pub clock: &'a Clock,
}

/// In whose name.
#[derive(Clone, Copy)]
pub struct By<'a> {
    pub operator: &'a str,
    /// The number of the token that a program came with.
    pub token: Option<i64>,
}

impl<'a> Export<'a> {
    pub fn of(app: &'a App) -> Export<'a> {
        Export { store: &app.store, keys: &app.keys, links: &app.links, clock: &app.clock }
    }

    /// Writes everybody on the list who is active and agreed to its present purpose, and returns what was written.
    /// `tell` hears how many rows there are so far.
    pub async fn write(
        self,
        slug: &str,
        operator: &str,
        format: Format,
        mut to: impl Write,
        tell: impl Fn(u64),
    ) -> Result<Manifest, ExportError> {
        let known = self.store.operator(operator).await?;
        let known = known.ok_or_else(|| ExportError::NoOperator(operator.into()))?;
        let (list, _) = self.store.find_list(slug).await?.ok_or_else(|| ExportError::NoList(slug.into()))?;
        if !known.may(Right::Export, list.number) {
            return Err(ExportError::NotAllowed(operator.into(), slug.into()));
        }
        let mut running = self.begin(list, By { operator, token: None }, format).await?;
        while let Some(part) = running.part().await? {
            to.write_all(&part)?;
            tell(running.rows);
        }
        to.flush()?;
        running.finish().await
    }

    /// Begins an export: it is on record and in the trail before the first row leaves.
    pub async fn begin(self, list: List, by: By<'_>, format: Format) -> Result<Running<'a>, ExportError> {
        if list.is_closed {
            return Err(ExportError::Closed(list.slug));
        }
        let now = self.clock.now();
        let seal = Seal::new(self.links.host(), self.keys, now);
        self.store.record_access(list.number, by.operator, Access::Export, now).await?;
        let begun = Begun {
            export: App::random(),
            operator: by.operator,
            token: by.token,
            format: format.name(),
            valid_until: valid_until(&list, now),
        };
        let (made, taken) = self.store.begin_export(list.number, &seal, &begun).await?;
        let shape = Shape::new(format, exported_fields(&list));
        Ok(Running {
            with: self,
            list,
            made,
            taken,
            shape,
            rows: 0,
            sha256: Sha256::new(),
            stage: Stage::First,
            began: Instant::now(),
        })
    }
}

/// An export on its way. Dropped before [`Running::finish`], it is not whole, and nothing says that it was.
pub struct Running<'a> {
    with: Export<'a>,
    list: List,
    made: Made,
    taken: ExportRows,
    shape: Shape,
    /// How many are written.
    rows: u64,
    sha256: Sha256,
    stage: Stage,
    began: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    First,
    Further,
    Over,
}

impl Running<'_> {
    /// What is known of it so far.
    pub fn manifest(&self) -> Manifest {
        Manifest::of(&self.list.slug, &self.made)
    }

    /// The next part of the file, or `None` when it is over. Reads no further ahead in the database.
    pub async fn part(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        if self.stage == Stage::Over {
            return Ok(None);
        }
        let mut part = self.shape.part(self.stage == Stage::First)?;
        self.stage = Stage::Further;
        while part.size() < PART {
            if self.began.elapsed() > LONGEST {
                return Err(ExportError::TooLong);
            }
            let Some(sealed) = self.taken.next().await? else {
                self.stage = Stage::Over;
                break;
            };
            let row = Row::open(self.with.keys, self.with.links, &self.list, self.shape.fields(), &sealed)?;
            self.shape.write(&row, &mut part)?;
            self.rows += 1;
        }
        let bytes = part.bytes()?;
        self.sha256.update(&bytes);
        Ok(Some(bytes))
    }

    /// Notes that every part was taken.
    pub async fn finish(mut self) -> Result<Manifest, ExportError> {
        let at = self.with.clock.now();
        let whole = Whole { rows: self.rows, sha256: self.sha256.finalize().into(), at };
        self.with.store.finish_export(self.list.number, &self.made, &whole).await?;
        self.made.whole = Some(whole);
        Ok(Manifest::of(&self.list.slug, &self.made))
    }
}
