//! The running service, as `dev` and `serve` share it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::chores::{postman, sealer, sweeper};
use crate::journeys::{private_routes, routes, service};
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

/// Serves until `shutdown`; running requests and letters get a moment to end.
///
/// # Errors
/// When a chore ended by itself, which none may: then everything stops, and whoever runs us starts us again.
pub async fn run(
    app: Arc<App>,
    public: TcpListener,
    private: Option<TcpListener>,
    shutdown: CancellationToken,
    limits: Limits,
) -> anyhow::Result<()> {
    let headers = SecurityHeaders { https: app.links.public_url.starts_with("https:") };
    let watch = tokio::spawn(watch_chores(app.clone(), shutdown.clone()));
    let serve_private = async {
        if let Some(listener) = private {
            let doors = service(private_routes(app.clone()));
            serve(listener, doors, shutdown.clone(), limits, headers).await;
        }
    };
    let serve_public = serve(public, service(routes(app.clone())), shutdown.clone(), limits, headers);
    tokio::join!(serve_public, serve_private);
    // A letter that is under way may end; one that hangs is cut, and its lease brings it back.
    let early = tokio::time::timeout(limits.drain, watch).await;
    ensure!(!matches!(early, Ok(Ok(true))), "a chore ended by itself; the log says why");
    Ok(())
}

/// Runs the chores until they end, and shuts everything down with the first that does. Whether that was too early.
async fn watch_chores(app: Arc<App>, shutdown: CancellationToken) -> bool {
    let mut chores = JoinSet::new();
    chores.spawn(postman::run(app.clone(), shutdown.clone()));
    chores.spawn(sealer::run(app.clone(), shutdown.clone()));
    chores.spawn(sweeper::run(app, shutdown.clone()));
    chores.join_next().await;
    let early = !shutdown.is_cancelled();
    shutdown.cancel();
    while chores.join_next().await.is_some() {}
    early
}
