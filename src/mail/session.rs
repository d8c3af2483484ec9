//! A small mail server: SMTP (RFC 5321) or LMTP (RFC 2033) in.
//!
//! It serves three times: as the inbox of `optin dev`, as the tests' faulty relay, and as the door for cancellations
//! behind a mail server. It is the last stop of whatever it takes: it queues nothing, passes nothing on, and offers
//! neither STARTTLS nor AUTH, so it belongs on a loopback or private address.
//!
//! Offered: PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), ENHANCEDSTATUSCODES (2034).
//!
//! Only CR LF ends a line, and only CR LF `.` CR LF ends a message. A bare CR or LF in a command is a syntax error; in
//! a message it is kept as it came, for here is nobody further on who could take it for a line's end, and a
//! cancellation must not bounce over a stray byte.
//!
//! Replies never quote what the client said. Nothing is logged about a client or a message.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

mod path;
mod talk;
#[cfg(test)]
mod tests;
mod wire;

/// How long transactions that are under way may go on after the shutdown was asked for.
const GRACE: Duration = Duration::from_secs(5);
/// The pause after an accept that failed, which mostly means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One reply after a message, for all its recipients.
    Smtp,
    /// One reply after a message for each of its recipients, in their order (RFC 2033 section 4.2).
    Lmtp,
}

/// What one client, and all of them together, may take. At most `connections` × `message_bytes` of memory hold
/// unfinished messages.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest message, counted as RFC 1870 does: with its CR LFs, without the dots that transparency adds.
    pub message_bytes: usize,
    /// Recipients of one message. RFC 5321 section 4.5.3.1.8 asks for at least 100.
    pub recipients: usize,
    /// How long a client may take for its next command or for the next piece of a message.
    pub idle: Duration,
    /// Clients at a time; further ones are told 421.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { message_bytes: 4 << 20, recipients: 100, idle: Duration::from_secs(300), connections: 32 }
    }
}

/// A message and its envelope.
#[derive(Clone)]
pub struct Transaction {
    /// The sender's address; empty for the null reverse-path of bounces.
    pub from: String,
    /// Those whom one answer is for: under LMTP always exactly one.
    pub to: Vec<String>,
    /// Whether the client announced UTF-8 in addresses and headers (RFC 6531).
    pub smtputf8: bool,
    /// The message, its dots unstuffed. It ends in CR LF unless it is empty.
    pub data: Bytes,
}

/// Tells sizes, never an address or a word of the message.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction({} recipients, {} bytes)", self.to.len(), self.data.len())
    }
}

/// What a hook says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A reply, such as 451, "4.3.0", "try again later". 2xx takes the recipient or the message; 421 also ends the
    /// connection.
    Reply { code: u16, enhanced: &'static str, text: &'static str },
    /// Never say anything again on this connection. For the tests' faulty relay.
    Hang,
    /// Break the connection off with a TCP reset. For the tests' faulty relay.
    Reset,
}

impl Answer {
    /// Yes: 250 2.0.0.
    pub const TAKEN: Answer = Answer::reply(250, "2.0.0", "taken");

    pub const fn reply(code: u16, enhanced: &'static str, text: &'static str) -> Answer {
        Answer::Reply { code, enhanced, text }
    }
}

type Hook<T> = Box<dyn Fn(T) -> BoxFuture<'static, Answer> + Send + Sync>;

/// What to speak, under which name, within which limits, and whom to ask.
pub struct Door {
    protocol: Protocol,
    host: String,
    limits: Limits,
    smtputf8: bool,
    recipient: Hook<String>,
    message: Hook<Transaction>,
}

impl Door {
    /// `host` is the name to greet with. `recipient` is asked at each RCPT, with the address as the client wrote it
    /// (or `Postmaster` alone). `message` is asked at the end of each message for every answer that the protocol owes:
    /// SMTP asks once, LMTP once for each recipient.
    pub fn new<R, M>(
        protocol: Protocol,
        host: impl Into<String>,
        limits: Limits,
        recipient: impl Fn(String) -> R + Send + Sync + 'static,
        message: impl Fn(Transaction) -> M + Send + Sync + 'static,
    ) -> Door
    where
        R: Future<Output = Answer> + Send + 'static,
        M: Future<Output = Answer> + Send + 'static,
    {
        Door {
            protocol,
            host: host.into(),
            limits,
            smtputf8: true,
            recipient: Box::new(move |address| recipient(address).boxed()),
            message: Box::new(move |transaction| message(transaction).boxed()),
        }
    }

    /// The same without SMTPUTF8, as many relays are. For the tests.
    pub fn without_smtputf8(self) -> Door {
        Door { smtputf8: false, ..self }
    }
}

/// How a conversation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Close the stream, as after QUIT.
    Closed,
    /// Break the stream off: a hook said [`Answer::Reset`].
    Reset,
}

/// Where clients come from.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener::Tcp(listener)
    }
}

type Stream = Either<TcpStream, UnixStream>;

impl Listener {
    async fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Listener::Tcp(listener) => Either::Left(listener.accept().await?.0),
            Listener::Unix(listener) => Either::Right(listener.accept().await?.0),
        })
    }
}

/// Serves clients until `shutdown`, then lets transactions that are under way finish for at most five seconds.
pub async fn serve(door: Door, listener: impl Into<Listener>, shutdown: CancellationToken) {
    let listener = listener.into();
    let door = Arc::new(door);
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = clients.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) if clients.len() < door.limits.connections => {
                clients.spawn(attend(Arc::clone(&door), stream, shutdown.clone()));
            }
            Ok(stream) => turn_away(stream).await,
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "cannot accept a mail connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all_gone = async { while clients.join_next().await.is_some() {} };
    if timeout(GRACE, all_gone).await.is_err() {
        clients.shutdown().await;
    }
}

async fn attend(door: Arc<Door>, mut stream: Stream, shutdown: CancellationToken) {
    // Both of these only fail on a socket that is already dead.
    if let Either::Left(tcp) = &stream {
        let _ = tcp.set_nodelay(true);
    }
    if let (Ending::Reset, Either::Left(tcp)) = (converse(&door, &mut stream, &shutdown).await, &stream) {
        let _ = tcp.set_zero_linger();
    }
}

/// A fresh socket has room for one line, so this does not keep the next client waiting.
async fn turn_away(mut stream: Stream) {
    let line = b"421 4.3.2 too many connections, try again later\r\n";
    let _ = timeout(Duration::from_secs(1), stream.write_all(line)).await;
}

/// Serves one client over any stream, until it leaves, falls silent or breaks the rules too often, or `shutdown`
/// finds it between two transactions.
pub async fn converse<S>(door: &Door, stream: S, shutdown: &CancellationToken) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    talk::Talk::new(door, stream).run(shutdown).await
}
