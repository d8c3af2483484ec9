//! What journeys and chores are handed: the whole service but its doors.

pub mod acts;
mod compose;
pub mod logged;
pub mod row;
pub mod stats;

pub use compose::Unwritten;

use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, ConfigError, Controller};
use crate::keys::{KeyRing, KeyRingError};
use crate::links::Links;
use crate::mail::inbox::Inbox;
use crate::mail::mailer::Mailer;
use crate::mail::pace::Pace;
use crate::mail::relays::RelaysError;
use crate::store::mirrors::{MirrorError, Mirrors};
use crate::store::{Store, StoreError};
use crate::templates::{TemplateError, Templates};

/// One service. Stateless but for its connections: several may run on one database.
pub struct App {
    pub store: Store,
    pub keys: KeyRing,
    pub links: Links,
    pub templates: Templates,
    pub mailer: Mailer,
    pub pace: Pace,
    pub controller: Controller,
    /// Where operators reach the desk, if it is served on the private listener alone.
    pub desk_url: Option<String>,
    /// Whose word is taken for where a request came from.
    pub proxies: Vec<IpNet>,
    /// Private networks that webhooks may lead into.
    pub webhook_networks: Vec<IpNet>,
    /// The mail server whose word is taken for where a mail came from, by the name that it gives itself.
    pub authserv_id: Option<String>,
    pub clock: Clock,
    /// The letters of `dev`, which leave the machine for nobody.
    pub inbox: Option<Inbox>,
    /// Rung when a letter may wait, so that the postman need not be asked to look all the time.
    pub letters_wait: Notify,
    /// Seats for readers who wait for a feed's news.
    pub feed_seats: Semaphore,
    /// References that may be in pages of feeds at once, from when one is read until it is taken.
    pub feed_room: Arc<Semaphore>,
    /// Exports that run at once over HTTP: each holds a connection and a snapshot.
    pub export_seats: Arc<Semaphore>,
    /// How many passwords are looked at in one moment: each takes 19 MiB and a processor.
    pub password_seats: Arc<Semaphore>,
    /// Cancelled when the service is about to end: whoever waits for something is answered.
    pub closing: CancellationToken,
}

/// How many exports may run at once over HTTP, of one service.
const EXPORT_SEATS: usize = 4;
const PASSWORD_SEATS: usize = 2;
/// How many may wait for a feed's news at once.
const FEED_SEATS: usize = 256;
/// How many references may be in pages of feeds at once: four of the largest pages.
const FEED_ROOM: usize = 40_000;

/// Why a service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0} cannot be used")]
    Keys(String, #[source] KeyRingError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("OPTIN_TRAIL_MIRROR cannot be used")]
    Mirror(#[from] MirrorError),
    #[error(transparent)]
    Templates(#[from] TemplateError),
    #[error("OPTIN_SMTP_URL cannot be used")]
    Relay(#[from] RelaysError),
    #[error("the controller's `mail` is not an e-mail address that letters can come from")]
    ControllerMail,
}

impl App {
    /// Checks every setting and puts the service together. Reaches neither the database nor the relay.
    pub fn new(config: &Config, clock: Clock, inbox: Option<Inbox>) -> Result<App, AppError> {
        let controller = config.controller()?.clone();
        let public_url = config.public_url()?;
        let keys = key_ring(config)?;
        if crate::consent::address::Address::parse(&controller.mail).is_err() {
            return Err(AppError::ControllerMail);
        }
        Ok(App {
            store: open_store(config, &keys)?,
            templates: Templates::load(config.templates_dir().map(|dir| dir.as_path()), &controller)?,
            mailer: Mailer::new(config.smtp_url()?.parse()?, &host_of(&public_url), clock.clone()),
            pace: Pace::new(config.letters_per_minute()?),
            links: Links::new(public_url, &keys),
            keys,
            controller,
            desk_url: config.desk_url()?,
            proxies: config.proxies()?,
            webhook_networks: config.webhook_networks()?,
            authserv_id: config.authserv_id()?.map(str::to_owned),
            clock,
            inbox,
            letters_wait: Notify::new(),
            feed_seats: Semaphore::new(FEED_SEATS),
            feed_room: Arc::new(Semaphore::new(FEED_ROOM)),
            export_seats: Arc::new(Semaphore::new(EXPORT_SEATS)),
            password_seats: Arc::new(Semaphore::new(PASSWORD_SEATS)),
            closing: CancellationToken::new(),
        })
    }

    /// What only its holder can know: 32 random bytes, in base64url.
    pub fn secret() -> String {
        data_encoding::BASE64URL_NOPAD.encode(&App::random::<32>())
    }

    /// What a program says in its operator's name.
    pub fn access_token() -> String {
        format!("optin-{}", App::secret())
    }

    /// Random bytes from the operating system.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn random<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes)
            .expect("the operating system gives random bytes, or nothing here is safe");
        bytes
    }
}

/// The database of the settings, held for lists that are behind their mirrors.
pub fn open_store(config: &Config, keys: &KeyRing) -> Result<Store, AppError> {
    let mirrors = config.trail_mirror().map(|dir| Mirrors::open(dir, keys)).transpose()?;
    Ok(Store::open(config.database_url()?)?.beside(mirrors))
}

/// The key ring that the settings name.
pub fn key_ring(config: &Config) -> Result<KeyRing, AppError> {
    let ring = config.key_ring()?;
    KeyRing::parse(&ring.text).map_err(|error| AppError::Keys(ring.place, error))
}

/// The name to say EHLO with.
fn host_of(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.map_or_else(|| "localhost".into(), |host| host.trim_matches(['[', ']']).to_owned())
}
