//! One conversation: commands in, replies out.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::path::{self, Argument};
use super::wire::{Gone, Line, Wire};
use super::{Answer, Door, Ending, Protocol, Transaction};

/// A client that makes so many mistakes is no mail client, but perhaps a web page that had a browser post here.
const MISTAKES: u32 = 20;

pub(super) struct Talk<'a, S> {
    door: &'a Door,
    wire: Wire<S>,
    greeted: bool,
    mail: Option<Mail>,
    mistakes: u32,
}

/// The transaction under way: what came with MAIL and RCPT.
struct Mail {
    from: String,
    to: Vec<String>,
    smtputf8: bool,
}

/// Goes on after `Ok`; ends the conversation after `Err`.
type Step = Result<(), Ending>;

impl From<Gone> for Ending {
    fn from(_: Gone) -> Ending {
        Ending::Closed
    }
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin + Send> Talk<'a, S> {
    pub(super) fn new(door: &'a Door, stream: S) -> Talk<'a, S> {
        Talk { door, wire: Wire::new(stream, door.limits.idle), greeted: false, mail: None, mistakes: 0 }
    }

    pub(super) async fn run(mut self, shutdown: &CancellationToken) -> Ending {
        let ending = self.conversation(shutdown).await;
        if ending == Ending::Closed {
            // Whoever has gone does not hear the last words.
            let _ = self.wire.flush().await;
        }
        ending
    }

    async fn conversation(&mut self, shutdown: &CancellationToken) -> Ending {
        let protocol = if self.door.protocol == Protocol::Smtp { "ESMTP" } else { "LMTP" };
        let greeting = format!("220 {} {protocol}\r\n", self.door.host);
        if self.wire.say(greeting.as_bytes()).await.is_err() {
            return Ending::Closed;
        }
        loop {
            let line = tokio::select! {
                biased;
                () = shutdown.cancelled(), if self.mail.is_none() => {
                    return self.last_words("4.3.2", "shutting down").await;
                }
                line = self.wire.line() => line,
            };
            let step = match line {
                // A hook that hangs is let go by the shutdown or by its client.
                Ok(Line::Text(text)) => self.command(&text, shutdown).await,
                Ok(Line::TooLong) => self.mistake(500, "5.5.2", "line too long").await,
                Ok(Line::Junk) => self.mistake(500, "5.5.2", "lines are UTF-8 and end in CR LF").await,
                Err(Gone::Silent) => {
                    return self.last_words("4.4.2", "you have been silent for too long").await;
                }
                Err(Gone::Closed) => Err(Ending::Closed),
            };
            if let Err(ending) = step {
                return ending;
            }
            if self.mistakes >= MISTAKES {
                return self.last_words("4.7.0", "too many mistakes").await;
            }
        }
    }

    async fn command(&mut self, line: &str, shutdown: &CancellationToken) -> Step {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_end_matches(' ');
        match (verb.to_ascii_uppercase().as_str(), self.door.protocol) {
            ("EHLO", Protocol::Smtp) | ("LHLO", Protocol::Lmtp) => self.hello(rest, true).await,
            ("HELO", Protocol::Smtp) => self.hello(rest, false).await,
            ("MAIL", _) => self.mail(rest).await,
            ("RCPT", _) => self.rcpt(rest, shutdown).await,
            ("DATA", _) => self.data(rest, shutdown).await,
            ("RSET", _) => {
                self.mail = None;
                self.reply(250, "2.0.0", "forgotten").await
            }
            ("NOOP", _) => self.reply(250, "2.0.0", "here").await,
            ("VRFY", _) if rest.is_empty() => self.mistake(501, "5.5.4", "whom?").await,
            ("VRFY", _) => self.reply(252, "2.5.0", "not told, but mail may be sent").await,
            ("QUIT", _) => {
                self.reply(221, "2.0.0", "goodbye").await?;
                Err(Ending::Closed)
            }
            ("EXPN" | "HELP" | "STARTTLS" | "AUTH" | "BDAT", _) => {
                self.mistake(502, "5.5.1", "not offered").await
            }
            _ => self.mistake(500, "5.5.1", "unknown command").await,
        }
    }

    async fn hello(&mut self, client: &str, extended: bool) -> Step {
        if client.is_empty() {
            return self.mistake(501, "5.5.4", "who are you?").await;
        }
        self.greeted = true;
        self.mail = None;
        let host = &self.door.host;
        let smtputf8 = if self.door.smtputf8 { "250-SMTPUTF8\r\n" } else { "" };
        let words = match extended {
            true => format!(
                "250-{host}\r\n250-PIPELINING\r\n250-SIZE {}\r\n250-8BITMIME\r\n{smtputf8}250 ENHANCEDSTATUSCODES\r\n",
                self.door.limits.message_bytes
            ),
            false => format!("250 {host}\r\n"),
        };
        Ok(self.wire.say(words.as_bytes()).await?)
    }

    async fn mail(&mut self, rest: &str) -> Step {
        if !self.greeted {
            return self.mistake(503, "5.5.1", "say hello first").await;
        }
        if self.mail.is_some() {
            return self.mistake(503, "5.5.1", "one sender at a time").await;
        }
        let Some(Argument { address, parameters }) = path::argument("FROM:", rest) else {
            return self.mistake(501, "5.5.4", "MAIL FROM:<address>").await;
        };
        if !address.is_empty() && !path::is_mailbox(address) {
            return self.mistake(501, "5.1.7", "that is no address").await;
        }
        let mut smtputf8 = false;
        for parameter in parameters.split_ascii_whitespace() {
            match parameter.to_ascii_uppercase().split_once('=') {
                None if self.door.smtputf8 && parameter.eq_ignore_ascii_case("SMTPUTF8") => smtputf8 = true,
                Some(("BODY", "7BIT" | "8BITMIME")) => {}
                Some(("SIZE", size)) => match announced(size) {
                    Some(bytes) if bytes > self.door.limits.message_bytes as u128 => {
                        return self.reply(552, "5.3.4", "message too big").await;
                    }
                    Some(_) => {}
                    None => return self.mistake(501, "5.5.4", "SIZE= wants a number").await,
                },
                _ => return self.mistake(555, "5.5.4", "unknown parameter").await,
            }
        }
        if !address.is_ascii() && !smtputf8 {
            return self.reply(553, "5.6.7", "a non-ASCII address needs SMTPUTF8").await;
        }
        self.mail = Some(Mail { from: address.to_owned(), to: Vec::new(), smtputf8 });
        self.reply(250, "2.1.0", "sender noted").await
    }

    async fn rcpt(&mut self, rest: &str, shutdown: &CancellationToken) -> Step {
        let Some(mail) = &self.mail else {
            return self.mistake(503, "5.5.1", "MAIL comes first").await;
        };
        let Some(Argument { address, parameters }) = path::argument("TO:", rest) else {
            return self.mistake(501, "5.5.4", "RCPT TO:<address>").await;
        };
        // RFC 5321 section 4.5.1: the postmaster alone needs no domain.
        if !path::is_mailbox(address) && !address.eq_ignore_ascii_case("postmaster") {
            return self.mistake(501, "5.1.3", "that is no address").await;
        }
        if !parameters.trim_start_matches(' ').is_empty() {
            return self.mistake(555, "5.5.4", "unknown parameter").await;
        }
        if !address.is_ascii() && !mail.smtputf8 {
            return self.reply(553, "5.6.7", "a non-ASCII address needs SMTPUTF8").await;
        }
        if mail.to.len() >= self.door.limits.recipients {
            return self.reply(452, "4.5.3", "too many recipients").await;
        }
        let answer = (self.door.recipient)(address.to_owned()).await;
        if let (Answer::Reply { code: 200..300, .. }, Some(mail)) = (answer, &mut self.mail) {
            mail.to.push(address.to_owned());
        }
        self.answer(answer, shutdown).await
    }

    async fn data(&mut self, rest: &str, shutdown: &CancellationToken) -> Step {
        if !rest.is_empty() {
            return self.mistake(501, "5.5.4", "DATA stands alone").await;
        }
        if self.mail.as_ref().is_none_or(|mail| mail.to.is_empty()) {
            return self.mistake(503, "5.5.1", "RCPT comes first").await;
        }
        self.wire.say(b"354 end with a dot on a line of its own\r\n").await?;
        let message = match self.wire.message(self.door.limits.message_bytes).await {
            Ok(message) => message,
            Err(Gone::Silent) => {
                return Err(self.last_words("4.4.2", "you have been silent for too long").await);
            }
            Err(Gone::Closed) => return Err(Ending::Closed),
        };
        let Some(Mail { from, to, smtputf8 }) = self.mail.take() else { return Ok(()) };
        let envelopes = match self.door.protocol {
            Protocol::Smtp => vec![to],
            Protocol::Lmtp => to.into_iter().map(|one| vec![one]).collect(),
        };
        let Some(data) = message.map(bytes::Bytes::from) else {
            for _ in envelopes {
                self.reply(552, "5.3.4", "message too big").await?;
            }
            return Ok(());
        };
        for to in envelopes {
            let transaction = Transaction { from: from.clone(), to, smtputf8, data: data.clone() };
            let answer = (self.door.message)(transaction).await;
            self.answer(answer, shutdown).await?;
            // Each may take its time, and a client that has gone wants no further one.
            self.wire.flush().await?;
        }
        Ok(())
    }

    async fn answer(&mut self, answer: Answer, shutdown: &CancellationToken) -> Step {
        match answer {
            Answer::Reply { code: 421, enhanced, text } => Err(self.last_words(enhanced, text).await),
            Answer::Reply { code, enhanced, text } => self.reply(code, enhanced, text).await,
            Answer::Hang => {
                // What was said before must not be taken for part of the silence.
                self.wire.flush().await?;
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = self.wire.ignore() => {}
                }
                Err(Ending::Closed)
            }
            Answer::Reset => {
                self.wire.flush().await?;
                Err(Ending::Reset)
            }
        }
    }

    async fn mistake(&mut self, code: u16, enhanced: &str, text: &str) -> Step {
        self.mistakes += 1;
        self.reply(code, enhanced, text).await
    }

    async fn reply(&mut self, code: u16, enhanced: &str, text: &str) -> Step {
        Ok(self.wire.say(format!("{code} {enhanced} {text}\r\n").as_bytes()).await?)
    }

    /// 421: this is the end, try again later.
    async fn last_words(&mut self, enhanced: &str, text: &str) -> Ending {
        self.mail = None;
        // The end is the same whether they are heard or not.
        let _ = self.reply(421, enhanced, text).await;
        Ending::Closed
    }
}

/// The number in `SIZE=`: up to twenty digits (RFC 1870 section 4).
fn announced(size: &str) -> Option<u128> {
    let digits = (1..=20).contains(&size.len()) && size.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| size.parse().ok()).flatten()
}
