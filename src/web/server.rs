//! The accept loop: what stands between the open network and a journey.
//!
//! It bounds everything that a stranger can make us hold: connections, time to send a head, time to sit idle, time
//! to take an answer, the size of a head, streams of one HTTP/2 connection. It speaks HTTP/1.1 and, to whoever
//! begins with its preface, HTTP/2 (RFC 9113 §3.3). Bodies are bounded by [`super::body`].

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use super::headers::SecurityHeaders;
use wire::{Counted, LINGER, Pulse, Wire};

#[cfg(test)]
mod tests;
mod wire;

/// The most bytes of a request's head: line and headers together. hyper's own bound of 100 headers comes on top.
const HEAD_BYTES: u16 = 32 * 1024;
/// The most requests at once on one HTTP/2 connection.
const STREAMS: u32 = 64;
/// How long to wait when the machine cannot give us another socket (EMFILE, ENFILE, ENOMEM).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What one client, or all together, may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; whoever comes next waits in the kernel's queue.
    pub connections: u32,
    /// From the first byte of a request's head (on a new connection: from its opening) to the head's end.
    pub head: Duration,
    /// How long a connection may lie still: between two requests, or while a client takes its answer.
    pub idle: Duration,
    /// From a request's head to its answer's head, the reading of the body included; then the answer is 503.
    pub handler: Duration,
    /// After shutdown is asked for: how long running requests may go on before they are cut.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 1024,
            head: Duration::from_secs(10),
            // Longer than the 60 s for which proxies commonly keep a connection to reuse it: were ours the shorter
            // time, a signup could meet a closing socket.
            idle: Duration::from_secs(75),
            handler: Duration::from_secs(30),
            drain: Duration::from_secs(4),
        }
    }
}

/// Who is at the other end of the connection: in every request's extensions, for `warp::ext::get`. IPv4 addresses
/// stand as such, also where the socket is an IPv6 one. Behind a proxy this is the proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_ipv4() { "Peer(IPv4)" } else { "Peer(IPv6)" })
    }
}

/// The name of the route that answered. A journey puts it into its response's extensions, and the access log shows
/// it in place of the path, which may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteName(pub &'static str);

/// Serves until `shutdown` is cancelled; then takes no new connection, lets running requests end within
/// `limits.drain`, and returns when the last connection is gone.
///
/// A panic in `service` becomes a 500 and touches no other request. Every answer carries `headers` and leaves one
/// line in the log: method, route, status, milliseconds.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    shutdown: CancellationToken,
    limits: Limits,
    headers: SecurityHeaders,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let next = async || (slots.clone().acquire_owned().await, accept(&listener).await);

    while let Some((slot, (stream, peer))) = shutdown.run_until_cancelled(next()).await {
        let (service, shutdown) = (service.clone(), shutdown.clone());
        tokio::spawn(async move {
            let _slot = slot;
            keep(stream, peer, service, shutdown, limits, headers).await;
        });
    }
    drop(listener);
    // All slots free again means that every connection is gone: each cuts itself off after `limits.drain`.
    let _ = slots.acquire_many(limits.connections).await;
}

/// The next connection. No error ends the loop: a client that hung up while it waited is skipped, and a machine
/// short of sockets is given a moment instead of a busy loop.
async fn accept(listener: &TcpListener) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((stream, SocketAddr::V6(v6))) => {
                return (stream, Peer(SocketAddr::new(v6.ip().to_canonical(), v6.port())));
            }
            Ok((stream, v4)) => return (stream, Peer(v4)),
            Err(error) if hung_up(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection, trying again shortly");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection from its opening to its end.
async fn keep<S, B>(
    stream: TcpStream,
    peer: Peer,
    service: S,
    shutdown: CancellationToken,
    limits: Limits,
    headers: SecurityHeaders,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let _ = stream.set_nodelay(true);
    let pulse = Arc::new(Pulse::new(limits));
    let io = TokioIo::new(Wire::new(stream, pulse.clone()));

    let counting = pulse.clone();
    let answering = service_fn(move |mut request: Request<Incoming>| {
        let running = counting.start();
        let service = service.clone();
        request.extensions_mut().insert(peer);
        async move {
            let mut response = answer_and_log(service, request, limits.handler).await;
            headers.set(&mut response);
            Ok::<_, Infallible>(response.map(|body| Counted::new(body, running)))
        }
    });

    let protocol = protocol();
    let mut connection = pin!(protocol.serve_connection(io, answering));
    let grace = tokio::select! {
        // How it ended interests nobody: the client hung up or spoke no HTTP.
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => limits.drain,
        () = pulse.stopped() => LINGER,
    };
    connection.as_mut().graceful_shutdown();
    let _ = timeout(grace, connection).await;
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        // `Pulse` has this clock: hyper's cannot tell a slow head from an idle connection, and does not run at all
        // until the first bytes have shown which protocol is spoken.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES.into());
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES.into());
    protocol
}

async fn answer_and_log<S, B>(
    service: S,
    request: Request<Incoming>,
    limit: Duration,
) -> Response<Either<B, Full<Bytes>>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    let began = Instant::now();
    let method = method_name(request.method());
    let response = answer(service, request, limit).await;
    let route = response.extensions().get::<RouteName>().map_or("unrouted", |name| name.0);
    let ms = began.elapsed().as_millis() as u64;
    tracing::info!(method, route, status = response.status().as_u16(), ms, "answered");
    response
}

/// A method's name for the log: a client may make up its own, and what a client makes up is not logged.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The service's answer, or a plain one where it panicked or took longer than `limit`.
async fn answer<S, B>(
    service: S,
    request: Request<Incoming>,
    limit: Duration,
) -> Response<Either<B, Full<Bytes>>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    // Such a target is for proxies (RFC 9112 §3.2.3), which we are not; what is behind takes a path for granted.
    if request.uri().path_and_query().is_none() {
        return plain(StatusCode::BAD_REQUEST, "This is no request for a page.\n").map(Either::Right);
    }
    // Unwind safe, because nothing of a request that panicked is looked at again.
    let work = AssertUnwindSafe(async { service.oneshot(request).await }).catch_unwind();
    match timeout(limit, work).await {
        Ok(Ok(Ok(response))) => response.map(Either::Left),
        Ok(Err(_payload)) => {
            // Not the payload: it may quote what somebody typed.
            tracing::error!("a handler panicked");
            let words = "Something went wrong on our side. Please try again in a moment.\n";
            plain(StatusCode::INTERNAL_SERVER_ERROR, words).map(Either::Right)
        }
        Err(_elapsed) => {
            let words = "This took too long, so we stopped. Please try again in a moment.\n";
            let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, words);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response.map(Either::Right)
        }
    }
}

fn plain(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(words.as_bytes())));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
