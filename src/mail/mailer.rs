//! Letters out: one connection to the relay for each worker, kept from letter to letter.
//!
//! The one question that matters afterwards is whether to try again. Only a 5xx reply to this letter's own RCPT or DATA
//! says no; a relay that greets with 554, wants another password or fails at TLS is a relay to mend, and its
//! letters wait.
//!
//! Where there are several relays, a letter goes to the first that is well. One that cannot be used is passed over for a
//! minute; what a relay says about a letter is no reason to ask another.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo};

use super::relay::{Patience, Trouble, within};
use super::relays::Relays;
use crate::clock::Clock;

#[cfg(test)]
mod tests;

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(10),
    command: Duration::from_secs(30),
    // RFC 5321 section 4.5.3.2.6: whoever gives up sooner sends twice what a slow relay has taken.
    data: Duration::from_secs(600),
};
/// How long we wait for the relay's goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a letter did not go. `status` is an enhanced status code (RFC 3463), never the relay's words, which quote
/// addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Try again later. The status always begins with 4, even where the relay's began with 5.
    #[error("not sent yet ({status})")]
    Later { status: String },
    /// The relay will never take this letter. The status always begins with 5.
    #[error("refused ({status})")]
    Refused { status: String },
    /// It was not to be sent any more.
    #[error("not wanted any more")]
    Unwanted,
}

impl SendError {
    fn refused(status: &str) -> SendError {
        SendError::Refused { status: status.to_owned() }
    }

    /// What went wrong is about the relay or the way to it.
    fn about_relay(trouble: Trouble) -> SendError {
        let status = match trouble {
            Trouble::Reply { status: Some(status), .. } => format!("4{}", &status[1..]),
            Trouble::Reply { status: None, .. } => "4.0.0".to_owned(),
            Trouble::NoAnswer => "4.4.1".to_owned(),
            Trouble::Broken => "4.4.2".to_owned(),
            Trouble::NotOffered => "4.7.4".to_owned(),
            Trouble::Handshake => "4.7.5".to_owned(),
        };
        SendError::Later { status }
    }

    /// What went wrong came in answer to the letter's own commands.
    fn about_letter(trouble: Trouble) -> SendError {
        match trouble {
            // Unknown command, bad sequence, no mail accepted at all, authentication: still the relay.
            Trouble::Reply { code: 500 | 502 | 503 | 521 | 530 | 534 | 535 | 538, .. } => {
                SendError::about_relay(trouble)
            }
            Trouble::Reply { code: 500.., status } => {
                SendError::Refused { status: status.unwrap_or_else(|| "5.0.0".to_owned()) }
            }
            _ => SendError::about_relay(trouble),
        }
    }
}

/// The way to the relays, shared by all workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    way: Arc<Way>,
}

#[derive(Debug)]
struct Way {
    relays: Relays,
    hello: ClientId,
    clock: Clock,
    patience: Patience,
    reachable: AtomicBool,
    utf8: AtomicBool,
}

impl Mailer {
    /// `hello` is the host name, or the IP address, to say EHLO with: the public host's.
    pub fn new(relays: Relays, hello: &str, clock: Clock) -> Mailer {
        Mailer::with_patience(relays, hello, clock, PATIENCE)
    }

    /// With another patience, for tests whose relays hang.
    pub fn with_patience(relays: Relays, hello: &str, clock: Clock, patience: Patience) -> Mailer {
        let hello = match hello.parse() {
            Ok(IpAddr::V4(ip)) => ClientId::Ipv4(ip),
            Ok(IpAddr::V6(ip)) => ClientId::Ipv6(ip),
            Err(_) => ClientId::Domain(hello.to_owned()),
        };
        let (reachable, utf8) = (AtomicBool::new(true), AtomicBool::new(true));
        Mailer { way: Arc::new(Way { relays, hello, clock, patience, reachable, utf8 }) }
    }

    /// A line for one worker. It connects when the first letter goes.
    pub fn line(&self) -> Line {
        Line { way: Arc::clone(&self.way), kept: None }
    }

    /// Whether the newest attempt to connect, on whichever line and to whichever relay, got as far as MAIL. True before
    /// the first one.
    pub fn reachable(&self) -> bool {
        self.way.reachable.load(Ordering::Relaxed)
    }

    /// Whether the relay of the newest connection, on whichever line, takes letters to addresses whose local part is not
    /// ASCII (SMTPUTF8, RFC 6531). True before the first one.
    pub fn takes_utf8(&self) -> bool {
        self.way.utf8.load(Ordering::Relaxed)
    }
}

impl Way {
    async fn connect(&self, place: usize) -> Result<Connection, Trouble> {
        let connected = self.relays.at(place).connect(&self.hello, &self.patience).await;
        self.reachable.store(connected.is_ok(), Ordering::Relaxed);
        self.relays.note(place, connected.is_err().then(|| self.clock.now()));
        let smtp = connected?;
        self.utf8.store(smtp.server_info().supports_feature(Extension::SmtpUtfEight), Ordering::Relaxed);
        Ok(Connection { place, smtp })
    }
}

/// A connection, and the place of its relay among all.
struct Connection {
    place: usize,
    smtp: AsyncSmtpConnection,
}

/// One worker's connection to a relay, made when it is needed and kept as long as it lives, unless a relay that is
/// preferred has become well.
pub struct Line {
    way: Arc<Way>,
    kept: Option<Connection>,
}

impl Line {
    /// Hands one letter to the relay. `from` is the envelope sender, empty for none; domains may be IDNs. Bare CRs and
    /// LFs in `message` go out as CR LF (RFC 5321 section 2.3.8).
    ///
    /// A kept connection that the relay has dropped in the meantime is replaced once. Where the connection breaks
    /// after the message, nobody knows whether it was taken; the answer is then [`SendError::Later`], and the person
    /// may get the letter twice rather than never.
    ///
    /// `last_look` is asked once, when the relay has taken the recipient and before the message goes: relays let one
    /// wait, and meanwhile the letter may have become unwanted. Its error is then the answer.
    pub async fn send(
        &mut self,
        from: &str,
        to: &str,
        message: &[u8],
        last_look: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        let letter = Letter::new(from, to, message)?;
        let mut last_look = pin!(last_look);
        let mut failure = Trouble::NoAnswer;
        if let Some(kept) = self.kept.take() {
            if self.way.relays.has_better(kept.place, self.way.clock.now()) {
                farewell(kept).await;
            } else {
                match self.hand_over(kept, &letter, last_look.as_mut()).await {
                    Err(Setback::Stale(_)) => {}
                    outcome => return outcome.map_err(SendError::from),
                }
            }
        }
        for place in self.way.relays.to_try(self.way.clock.now()) {
            failure = match self.way.connect(place).await {
                Err(trouble) => trouble,
                Ok(fresh) => match self.hand_over(fresh, &letter, last_look.as_mut()).await {
                    // It says hello and takes nothing.
                    Err(Setback::Stale(trouble)) => {
                        self.way.relays.note(place, Some(self.way.clock.now()));
                        trouble
                    }
                    outcome => return outcome.map_err(SendError::from),
                },
            };
        }
        Err(SendError::about_relay(failure))
    }

    /// Says goodbye to the relay, and waits two seconds at most for its answer.
    pub async fn close(self) {
        if let Some(connection) = self.kept {
            farewell(connection).await;
        }
    }

    /// Keeps the connection for the next letter if it is still good for one.
    async fn hand_over(
        &mut self,
        mut connection: Connection,
        letter: &Letter<'_>,
        last_look: Pin<&mut impl Future<Output = Result<(), SendError>>>,
    ) -> Result<(), Setback> {
        let outcome = letter.hand_over(&mut connection, &self.way.patience, last_look).await;
        let usable = match &outcome {
            Ok(()) | Err(Setback::NotCapable(_)) => true,
            Err(Setback::Trouble(Trouble::Reply { .. }) | Setback::LastLook(_)) => {
                within(self.way.patience.command, connection.smtp.command(Rset)).await.is_ok()
            }
            Err(_) => false,
        };
        if outcome.as_ref().is_err_and(Setback::is_the_relays) {
            self.way.relays.note(connection.place, Some(self.way.clock.now()));
        }
        self.kept = usable.then_some(connection);
        outcome
    }
}

async fn farewell(mut connection: Connection) {
    // All letters are answered; whether the relay hears us go changes nothing.
    let _ = within(FAREWELL, connection.smtp.quit()).await;
}

/// Why a connection did not take a letter.
#[derive(Debug)]
enum Setback {
    /// Already MAIL found nobody there, or nobody who takes letters from us: on a kept connection, the relay may have
    /// closed it while it was idle.
    Stale(Trouble),
    /// The relay lacks an extension that the letter needs.
    NotCapable(SendError),
    LastLook(SendError),
    Trouble(Trouble),
}

impl Setback {
    /// Whether the next letter had better go elsewhere: it fell silent, closes, or has no room (RFC 3463 section 3.4).
    fn is_the_relays(&self) -> bool {
        match self {
            Setback::Trouble(Trouble::Broken | Trouble::Reply { code: 421, .. }) => true,
            Setback::Trouble(Trouble::Reply { status: Some(status), .. }) => status.starts_with("4.3."),
            _ => false,
        }
    }

    /// What the relay of our choice cannot do will never be done; what one in its stead cannot do waits for it.
    fn not_capable(place: usize, status: &str) -> Setback {
        Setback::NotCapable(match place {
            0 => SendError::refused(status),
            _ => SendError::Later { status: format!("4{}", &status[1..]) },
        })
    }
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Setback {
        Setback::Trouble(trouble)
    }
}

impl From<Setback> for SendError {
    fn from(setback: Setback) -> SendError {
        match setback {
            Setback::Stale(trouble) => SendError::about_relay(trouble),
            Setback::NotCapable(error) | Setback::LastLook(error) => error,
            Setback::Trouble(trouble) => SendError::about_letter(trouble),
        }
    }
}

/// A message and its envelope, ready for the wire but for the dots.
struct Letter<'a> {
    from: Option<Address>,
    to: Address,
    /// Without the last CR LF, which lettre adds.
    message: Cow<'a, [u8]>,
}

impl<'a> Letter<'a> {
    fn new(from: &str, to: &str, message: &'a [u8]) -> Result<Letter<'a>, SendError> {
        let to = mailbox(to).ok_or_else(|| SendError::refused("5.1.3"))?;
        let from = match from {
            "" => None,
            from => Some(mailbox(from).ok_or_else(|| SendError::refused("5.1.7"))?),
        };
        Ok(Letter { from, to, message: with_crlf(message) })
    }

    async fn hand_over(
        &self,
        Connection { place, smtp: connection }: &mut Connection,
        patience: &Patience,
        last_look: Pin<&mut impl Future<Output = Result<(), SendError>>>,
    ) -> Result<(), Setback> {
        let needs =
            self.needs(connection.server_info()).map_err(|status| Setback::not_capable(*place, status))?;
        let mail = connection.command(Mail::new(self.from.clone(), needs));
        within(patience.command, mail).await.map_err(stale_or_not)?;
        let rcpt = connection.command(Rcpt::new(self.to.clone(), Vec::new()));
        within(patience.command, rcpt).await?;
        last_look.await.map_err(Setback::LastLook)?;
        within(patience.command, connection.command(Data)).await?;
        within(patience.data, connection.message(&self.message)).await?;
        Ok(())
    }

    /// The parameters of MAIL: UTF-8 in an address needs SMTPUTF8 (RFC 6531), eight bits in a message 8BITMIME.
    /// Otherwise the status of what is missing.
    fn needs(&self, relay: &ServerInfo) -> Result<Vec<MailParameter>, &'static str> {
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        let mut needs = Vec::new();
        if !ascii(&self.to) || !self.from.as_ref().is_none_or(ascii) {
            needs.push((Extension::SmtpUtfEight, MailParameter::SmtpUtfEight, "5.6.7"));
        }
        if !self.message.is_ascii() {
            let eight_bits = MailParameter::Body(MailBodyParameter::EightBitMime);
            needs.push((Extension::EightBitMime, eight_bits, "5.6.3"));
        }
        let offered = |(extension, parameter, status)| match relay.supports_feature(extension) {
            true => Ok(parameter),
            false => Err(status),
        };
        needs.into_iter().map(offered).collect()
    }
}

/// A relay that closes an idle connection says 421 first, or says nothing. One that refuses our sender for good refuses
/// every letter: that is no letter's fault, but something to mend, here or there.
fn stale_or_not(trouble: Trouble) -> Setback {
    match trouble {
        Trouble::Broken | Trouble::Reply { code: 421 | 500.., .. } => Setback::Stale(trouble),
        trouble => Setback::Trouble(trouble),
    }
}

/// An address for the envelope: the local part as it is, an IDN as its A-label, so that SMTPUTF8 is needed for
/// non-ASCII local parts alone. Nothing where lettre's syntax check or IDNA says no.
fn mailbox(address: &str) -> Option<Address> {
    let (local, domain) = address.rsplit_once('@')?;
    let domain = match domain.is_ascii() {
        true => Cow::Borrowed(domain),
        false => Cow::Owned(idna::domain_to_ascii_strict(domain).ok()?),
    };
    Address::new(local, domain).ok()
}

/// The message with every line ended by CR LF, but for the last one, which is left open.
fn with_crlf(message: &[u8]) -> Cow<'_, [u8]> {
    let bare = |at: usize| match message[at] {
        b'\r' => message.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || message[at - 1] != b'\r',
        _ => false,
    };
    if !(0..message.len()).any(bare) {
        return Cow::Borrowed(message.strip_suffix(b"\r\n").unwrap_or(message));
    }
    let mut mended = Vec::with_capacity(message.len() + 64);
    for (at, &byte) in message.iter().enumerate() {
        if bare(at) {
            mended.extend_from_slice(b"\r\n");
        } else {
            mended.push(byte);
        }
    }
    if mended.ends_with(b"\r\n") {
        mended.truncate(mended.len() - 2);
    }
    Cow::Owned(mended)
}
