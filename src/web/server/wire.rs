//! A connection's bytes, and the clock that runs over them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::Limits;

/// How long we go on reading after our last byte, for the client to take it.
pub const LINGER: Duration = Duration::from_secs(2);

/// When a connection last moved, and what it is doing.
pub struct Pulse {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    /// When a byte last went either way, or an answer ended.
    moved: Instant,
    /// Since when a request's head is being read; none between two requests and while one runs.
    head_since: Option<Instant>,
    /// Requests that are being answered.
    running: usize,
}

impl Pulse {
    pub fn new(limits: Limits) -> Pulse {
        let now = Instant::now();
        Pulse { limits, state: Mutex::new(State { moved: now, head_since: Some(now), running: 0 }) }
    }

    /// Notes that a request's head is complete. The request runs until the guard is dropped.
    pub fn start(self: &Arc<Pulse>) -> Running {
        let mut state = self.state();
        state.head_since = None;
        state.running += 1;
        Running(self.clone())
    }

    /// Returns when the connection has outstayed a limit; up to a quarter of `limits.head` late, because it looks
    /// only now and then.
    pub async fn stopped(&self) {
        loop {
            let (now, deadline) = (Instant::now(), self.deadline());
            if deadline <= now {
                return;
            }
            sleep_until(deadline.min(now + self.limits.head / 4)).await;
        }
    }

    /// When the connection will have outstayed a limit, if nothing happens until then.
    pub fn deadline(&self) -> Instant {
        let state = self.state();
        let still = state.moved + self.limits.idle;
        match state.head_since {
            // The handler's time is not the client's.
            _ if state.running > 0 => still + self.limits.handler,
            Some(since) => still.min(since + self.limits.head),
            None => still,
        }
    }

    /// Notes that bytes came: of a request's head, unless one is running.
    pub fn received(&self) {
        let mut state = self.state();
        let now = Instant::now();
        state.moved = now;
        if state.running == 0 {
            state.head_since.get_or_insert(now);
        }
    }

    fn sent(&self) {
        self.state().moved = Instant::now();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
pub struct Running(Arc<Pulse>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.moved = Instant::now();
    }
}

/// An answer's body that counts as running until its last byte is handed to the socket, or it is dropped.
pub struct Counted<B> {
    body: B,
    _running: Running,
}

impl<B> Counted<B> {
    pub fn new(body: B, running: Running) -> Counted<B> {
        Counted { body, _running: running }
    }
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that tells its [`Pulse`] of every byte, and closes so that its last answer arrives.
///
/// A socket closed while bytes for it are still coming resets the connection, and a reset can overtake the answer:
/// whoever sends too large a body would never see the 413. So closing means: say that we are done, then read on
/// and throw away until the client is done too, [`LINGER`] at most.
pub struct Wire {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Wire {
        Wire { stream, pulse, lingering: None }
    }

    fn note_sent(&self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = wrote {
            self.pulse.sent();
        }
        wrote
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.received();
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_sent(wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note_sent(wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Wire { stream, lingering, .. } = self.get_mut();
        if lingering.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let until = lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        while until.as_mut().poll(cx).is_pending() {
            let mut scrap = [0; 4096];
            let mut buf = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
