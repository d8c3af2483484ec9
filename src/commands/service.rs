//! The running service, as `dev` and `serve` share it.

use std::fs::{Metadata, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::chores::{herald, postman, replies, sealer, sweeper};
use crate::config::LmtpPlace;
use crate::journeys::{inbound_mail, private_routes, routes, service};
use crate::mail::session;
use crate::web::headers::SecurityHeaders;
use crate::web::server::{Limits, serve};

/// Cancelled by SIGTERM or SIGINT.
pub fn shutdown_signal() -> anyhow::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be heard")?;
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(shutdown)
}

/// Binds a listener, or says what is in the way and which `setting` chose the address.
pub async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("nothing can listen on {address} (give another address with {setting})"))
}

/// Makes the place where mail comes in. A socket that a service which has died left behind is taken over.
pub async fn bind_lmtp(place: &LmtpPlace) -> anyhow::Result<session::Listener> {
    const SETTING: &str = "OPTIN_LMTP_LISTEN";
    Ok(match place {
        LmtpPlace::Tcp(address) => session::Listener::Tcp(bind(*address, SETTING).await?),
        LmtpPlace::Unix(path) => {
            let bound = bind_socket(path);
            session::Listener::Unix(
                bound.with_context(|| format!("nothing can listen where {SETTING} says"))?,
            )
        }
    })
}

/// Our user and group may write to it, and nobody else: whoever does is believed like the mail server.
fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    let is_left_over = |there: Metadata| {
        let answer = std::os::unix::net::UnixStream::connect(path);
        there.file_type().is_socket()
            && answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    if std::fs::symlink_metadata(path).is_ok_and(|there| !is_left_over(there)) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    // Nobody meets it before it is for those alone.
    let new = path.with_extension("new");
    _ = std::fs::remove_file(&new);
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, Permissions::from_mode(0o660))?;
    std::fs::rename(&new, path)?;
    Ok(listener)
}

/// Where the service is reached.
pub struct Listeners {
    pub public: TcpListener,
    pub private: Option<TcpListener>,
    pub lmtp: Option<session::Listener>,
}

/// Serves until `shutdown`; running requests and letters get a moment to end.
///
/// # Errors
/// When a chore ended by itself, which none may: then everything stops, and whoever runs us starts us again.
pub async fn run(
    app: Arc<App>,
    listeners: Listeners,
    shutdown: CancellationToken,
    limits: Limits,
) -> anyhow::Result<()> {
    let Listeners { public, private, lmtp } = listeners;
    let headers = SecurityHeaders { https: app.links.public_url.starts_with("https:") };
    let (ends, closing) = (shutdown.clone(), app.closing.clone());
    tokio::spawn(async move {
        ends.cancelled().await;
        closing.cancel();
    });
    let watch = tokio::spawn(watch_chores(app.clone(), shutdown.clone()));
    let serve_private = async {
        if let Some(listener) = private {
            let doors = service(private_routes(app.clone()));
            serve(listener, doors, shutdown.clone(), limits, headers).await;
        }
    };
    let serve_mail = async {
        if let Some(listener) = lmtp {
            take_mail(app.clone(), listener, shutdown.clone(), limits).await;
        }
    };
    let serve_public = serve(public, service(routes(app.clone())), shutdown.clone(), limits, headers);
    tokio::join!(serve_public, serve_private, serve_mail);
    // A letter that is under way may end; one that hangs is cut, and its lease brings it back.
    let early = tokio::time::timeout(limits.drain, watch).await;
    ensure!(!matches!(early, Ok(Ok(true))), "a chore ended by itself; the log says why");
    Ok(())
}

/// Takes mail until `shutdown`. Replies that wait then get a moment to go.
async fn take_mail(app: Arc<App>, listener: session::Listener, shutdown: CancellationToken, limits: Limits) {
    let (queue, waiting) = mpsc::channel(replies::WAITING);
    let replies = tokio::spawn(replies::run(app.clone(), waiting));
    session::serve(inbound_mail::door(app, queue), listener, shutdown).await;
    _ = tokio::time::timeout(limits.drain, replies).await;
}

/// Runs the chores until they end, and shuts everything down with the first that does. Whether that was too early.
async fn watch_chores(app: Arc<App>, shutdown: CancellationToken) -> bool {
    let mut chores = JoinSet::new();
    chores.spawn(postman::run(app.clone(), shutdown.clone()));
    chores.spawn(sealer::run(app.clone(), shutdown.clone()));
    chores.spawn(herald::run(app.clone(), shutdown.clone()));
    chores.spawn(sweeper::run(app, shutdown.clone()));
    chores.join_next().await;
    let early = !shutdown.is_cancelled();
    shutdown.cancel();
    while chores.join_next().await.is_some() {}
    early
}
