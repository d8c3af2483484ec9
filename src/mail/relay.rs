//! The relay: the mail server that takes our letters, and how a connection to it is made.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use super::status::is_enhanced;

/// Where letters go: what a URL in `OPTIN_SMTP_URL` says. Its Debug tells no credentials.
#[derive(Clone, Debug)]
pub struct Relay {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// In the clear.
    None,
    /// STARTTLS (RFC 3207) where the relay offers it, whatever its certificate (RFC 7435): somebody in between who
    /// could forge a certificate could as well hide the offer.
    Opportunistic,
    /// STARTTLS with a certificate that this machine trusts, or no letter.
    Required,
    /// TLS from the first byte (RFC 8314), with a certificate that this machine trusts.
    Implicit,
}

/// Why a text is no relay. None of these repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    #[error("the relay's URL looks like smtp://host:25 or smtps://user:password@host:465")]
    Url,
    #[error("the relay's URL needs the name or IP address of a host")]
    Host,
    #[error(
        "the relay's URL holds both a user and a password, or neither, with special characters written as %XX"
    )]
    Credentials,
    #[error("the relay's URL may end in ?tls=required or ?tls=none, for smtp:// only, and in nothing else")]
    Tail,
}

/// Reads `smtp://[user:password@]host[:25][?tls=required|none]` or `smtps://[user:password@]host[:465]`.
///
/// Without `?tls=`, `smtp` uses no TLS to a loopback host, and elsewhere opportunistic TLS; but a password never
/// leaves the machine in the clear unless `?tls=none` says so: with credentials TLS is required.
impl FromStr for Relay {
    type Err = RelayError;

    fn from_str(text: &str) -> Result<Relay, RelayError> {
        let url = Url::parse(text).map_err(|_| RelayError::Url)?;
        let host = host(&url).ok_or(RelayError::Host)?;
        let credentials = credentials(&url)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(RelayError::Tail);
        }
        let (tls, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Tls::Implicit, 465),
            ("smtp", Some("tls=required")) => (Tls::Required, 25),
            ("smtp", Some("tls=none")) => (Tls::None, 25),
            ("smtp", None) if is_loopback(&host) => (Tls::None, 25),
            ("smtp", None) if credentials.is_some() => (Tls::Required, 25),
            ("smtp", None) => (Tls::Opportunistic, 25),
            ("smtp" | "smtps", Some(_)) => return Err(RelayError::Tail),
            _ => return Err(RelayError::Url),
        };
        match url.port().unwrap_or(port) {
            0 => Err(RelayError::Url),
            port => Ok(Relay { host, port, tls, credentials }),
        }
    }
}

fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    (!host.is_empty() && (named || host.parse::<IpAddr>().is_ok())).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn credentials(url: &Url) -> Result<Option<Credentials>, RelayError> {
    let plain = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?.into_owned();
        (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) => match (plain(user), plain(password)) {
            (Some(user), Some(password)) => Ok(Some(Credentials::new(user, password))),
            _ => Err(RelayError::Credentials),
        },
        _ => Err(RelayError::Credentials),
    }
}

/// How long each step with the relay may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To find the host, connect, and shake hands for TLS, each.
    pub connect: Duration,
    /// For a reply to one command; the greeting and the first EHLO share it.
    pub command: Duration,
    /// For a whole message and the reply to it.
    pub data: Duration,
}

/// What went wrong, without a word that the relay said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A 4xx or 5xx reply, with its enhanced status (RFC 2034) where it has a proper one.
    Reply { code: u16, status: Option<String> },
    /// No connection came about.
    NoAnswer,
    /// The connection broke, made no sense, or fell silent.
    Broken,
    /// TLS could not be agreed upon, or the certificate is not trusted.
    Handshake,
    /// TLS or authentication is needed, and the relay does not offer it.
    NotOffered,
}

impl From<smtp::Error> for Trouble {
    fn from(error: smtp::Error) -> Trouble {
        match error.status() {
            Some(code) => Trouble::Reply { code: code.into(), status: enhanced(&error) },
            None if error.is_client() => Trouble::NotOffered,
            None => Trouble::Broken,
        }
    }
}

/// The `x.y.z` at the start of a reply: its class is the reply's (RFC 2034 section 4), its other numbers have at most
/// three digits (RFC 3463 section 2).
fn enhanced(error: &smtp::Error) -> Option<String> {
    let text = std::error::Error::source(error)?.to_string();
    let status = text.split_ascii_whitespace().next()?;
    let class = if error.is_permanent() { "5" } else { "4" };
    (is_enhanced(status) && status.starts_with(class)).then(|| status.to_owned())
}

/// One step with the relay, cut off after its time.
pub(super) async fn within<T, E>(
    limit: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, Trouble>
where
    Trouble: From<E>,
{
    Ok(tokio::time::timeout(limit, step).await.map_err(|_| Trouble::Broken)??)
}

impl Relay {
    /// A connection that is ready for MAIL: greeted, sealed and authenticated as the relay's URL asks.
    pub(super) async fn connect(
        &self,
        hello: &ClientId,
        patience: &Patience,
    ) -> Result<AsyncSmtpConnection, Trouble> {
        let stream: Box<dyn AsyncTokioStream> = match self.tls {
            Tls::Implicit => Box::new(self.sealed(patience).await?),
            _ => Box::new(self.stream(patience).await?),
        };
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, hello);
        let mut connection = within(patience.command, greeting).await?;
        match self.tls {
            Tls::None | Tls::Implicit => {}
            Tls::Opportunistic if !connection.can_starttls() => {}
            // Where it is required and not offered, this is `NotOffered`.
            Tls::Opportunistic | Tls::Required => {
                let parameters = self.parameters().map_err(|_| Trouble::Handshake)?;
                let starttls = within(patience.command, connection.starttls(parameters, hello));
                starttls.await.map_err(handshake)?;
            }
        }
        if let Some(credentials) = &self.credentials {
            within(patience.command, connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
        }
        Ok(connection)
    }

    /// Nagle's algorithm would hold back the dot at a message's end, which lettre writes by itself, until the relay
    /// has acknowledged the message: 40 ms for each letter.
    async fn stream(&self, patience: &Patience) -> Result<TcpStream, Trouble> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = tokio::time::timeout(patience.connect, connecting).await;
        let stream = stream.map_err(|_| Trouble::NoAnswer)?.map_err(|_| Trouble::NoAnswer)?;
        stream.set_nodelay(true).map_err(|_| Trouble::NoAnswer)?;
        Ok(stream)
    }

    async fn sealed(&self, patience: &Patience) -> Result<Sealed, Trouble> {
        let stream = self.stream(patience).await?;
        let name = ServerName::try_from(self.host.clone()).map_err(|_| Trouble::Handshake)?;
        let connector =
            TlsConnector::from(Arc::new(trusting_this_machine().map_err(|_| Trouble::Handshake)?));
        let sealed = tokio::time::timeout(patience.connect, connector.connect(name, stream)).await;
        Ok(Sealed(sealed.map_err(|_| Trouble::Broken)?.map_err(|_| Trouble::Handshake)?))
    }

    fn parameters(&self) -> Result<TlsParameters, smtp::Error> {
        let anybody = self.tls == Tls::Opportunistic;
        TlsParameters::builder(self.host.clone())
            .dangerous_accept_invalid_certs(anybody)
            .dangerous_accept_invalid_hostnames(anybody)
            .build()
    }
}

/// lettre calls a failed handshake a failed connection.
fn handshake(trouble: Trouble) -> Trouble {
    if trouble == Trouble::Broken { Trouble::Handshake } else { trouble }
}

fn trusting_this_machine() -> Result<ClientConfig, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()
        .map(|builder| builder.with_no_client_auth())
}

/// A TLS stream that lettre can take: it asks for the peer's address, which tokio-rustls keeps one step further in.
#[derive(Debug)]
struct Sealed(TlsStream<TcpStream>);

impl AsyncTokioStream for Sealed {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Sealed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl AsyncWrite for Sealed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u16, Tls, bool), RelayError> {
        text.parse().map(|r: Relay| (r.host, r.port, r.tls, r.credentials.is_some()))
    }

    #[test]
    fn urls_of_relays() {
        let is = |text, host: &str, port, tls, credentials| {
            assert_eq!(read(text), Ok((host.to_owned(), port, tls, credentials)), "{text}");
        };
        is("smtp://mail.test", "mail.test", 25, Tls::Opportunistic, false);
        is("smtp://mail.test:587/", "mail.test", 587, Tls::Opportunistic, false);
        is("smtp://u:p@mail.test", "mail.test", 25, Tls::Required, true);
        is("smtp://u:p@mail.test?tls=none", "mail.test", 25, Tls::None, true);
        is("smtp://mail.test?tls=required", "mail.test", 25, Tls::Required, false);
        is("smtp://localhost:2525", "localhost", 2525, Tls::None, false);
        is("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Tls::None, false);
        is("smtp://[::1]:2525", "::1", 2525, Tls::None, false);
        is("smtp://u:p@127.1.2.3", "127.1.2.3", 25, Tls::None, true);
        is("smtp://127.0.0.1?tls=required", "127.0.0.1", 25, Tls::Required, false);
        is("smtps://u%40x:p%2F%23@Mail.test", "mail.test", 465, Tls::Implicit, true);
    }

    #[test]
    fn what_is_no_relay_is_told_without_the_password() {
        for (text, error) in [
            ("", RelayError::Url),
            ("mail.test", RelayError::Url),
            ("http://mail.test", RelayError::Url),
            ("smtp://mail.test:0", RelayError::Url),
            ("smtp://mail.test:99999", RelayError::Url),
            ("smtp:mail.test", RelayError::Host),
            ("smtp://", RelayError::Host),
            ("smtp://m%20ail", RelayError::Host),
            ("smtp://u@mail.test", RelayError::Credentials),
            ("smtp://u:@mail.test", RelayError::Credentials),
            ("smtp://:hunter2@mail.test", RelayError::Credentials),
            ("smtp://u:hunter2%00@mail.test", RelayError::Credentials),
            ("smtp://u:hunter2#x@mail.test", RelayError::Url),
            ("smtp://u:123#hunter2@mail.test", RelayError::Tail),
            ("smtp://mail.test/inbox", RelayError::Tail),
            ("smtp://mail.test?tls=maybe", RelayError::Tail),
            ("smtps://mail.test?tls=none", RelayError::Tail),
        ] {
            let refused = text.parse::<Relay>().unwrap_err();
            assert_eq!(refused, error, "{text}");
            assert!(!refused.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_tells_no_credentials() {
        let relay: Relay = "smtps://somebody:hunter2@mail.test".parse().unwrap();
        let debug = format!("{relay:?}");
        assert!(debug.contains("mail.test"));
        assert!(!debug.contains("hunter2") && !debug.contains("somebody"), "{debug}");
    }
}
