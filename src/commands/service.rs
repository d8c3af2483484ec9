//! The running service, as `dev` and `serve` share it.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::chores::{postman, sweeper};
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

/// Binds a listener, or says what is in the way.
pub async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))
}

/// Serves until `shutdown`; running requests and letters get a moment to end.
pub async fn run(
    app: Arc<App>,
    public: TcpListener,
    private: Option<TcpListener>,
    shutdown: CancellationToken,
    limits: Limits,
) {
    let headers = SecurityHeaders { https: app.links.public_url.starts_with("https:") };
    let postman = tokio::spawn(postman::run(app.clone(), shutdown.clone()));
    tokio::spawn(sweeper::run(app.clone(), shutdown.clone()));
    let serve_private = async {
        if let Some(listener) = private {
            let doors = service(private_routes(app.clone()));
            serve(listener, doors, shutdown.clone(), limits, headers).await;
        }
    };
    let serve_public = serve(public, service(routes(app.clone())), shutdown.clone(), limits, headers);
    tokio::join!(serve_public, serve_private);
    // A letter that is under way may end; one that hangs is cut, and its lease brings it back.
    _ = tokio::time::timeout(limits.drain, postman).await;
}
