//! Bytes to command lines and messages, replies to bytes.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, BufWriter};
use tokio::time::{Instant, timeout_at};

/// The longest command line with its CR LF: 512 (RFC 5321 section 4.5.3.1.4), and what the extensions add to MAIL:
/// SIZE 26, 8BITMIME 17, SMTPUTF8 10.
const LINE_BYTES: usize = 512 + 26 + 17 + 10;

/// Why nothing more comes from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// It closed the connection, or the connection broke.
    Closed,
    /// It said nothing, or did not read what was said, for too long.
    Silent,
}

/// A line that the client sent as a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(String),
    TooLong,
    /// It holds a NUL, a bare CR or LF, or bytes that are no UTF-8.
    Junk,
}

pub(super) struct Wire<S> {
    io: BufReader<BufWriter<S>>,
    idle: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, idle: Duration) -> Wire<S> {
        Wire { io: BufReader::new(BufWriter::new(stream)), idle }
    }

    /// The next command, without its CR LF. The whole line must come within the idle time.
    pub(super) async fn line(&mut self) -> Result<Line, Gone> {
        let by = Instant::now() + self.idle;
        let mut line = Vec::new();
        let mut too_long = false;
        while !line.ends_with(b"\r\n") {
            let bytes = self.fill(by).await?;
            let taken = bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| at + 1);
            line.extend_from_slice(&bytes[..taken]);
            self.io.consume(taken);
            if line.len() > LINE_BYTES {
                too_long = true;
                // Whether the line has ended shows in its last two bytes.
                line.drain(..line.len() - 2);
            }
        }
        line.truncate(line.len() - 2);
        let junk = |text: &str| text.contains(['\0', '\r', '\n']);
        Ok(match String::from_utf8(line) {
            _ if too_long => Line::TooLong,
            Ok(text) if !junk(&text) => Line::Text(text),
            _ => Line::Junk,
        })
    }

    /// A message up to the dot that stands alone, or nothing where it is longer than `limit` bytes: then it is read to
    /// its end and thrown away. Each piece must come within the idle time.
    pub(super) async fn message(&mut self, limit: usize) -> Result<Option<Vec<u8>>, Gone> {
        let mut unstuff = Unstuff::new(limit);
        loop {
            let bytes = self.fill(Instant::now() + self.idle).await?;
            let taken = unstuff.feed(bytes);
            self.io.consume(taken);
            if unstuff.at == At::End {
                return Ok((!unstuff.over).then_some(unstuff.message));
            }
        }
    }

    /// Queues words for the client; they leave when we next have to wait for it.
    pub(super) async fn say(&mut self, words: &[u8]) -> Result<(), Gone> {
        in_time(Instant::now() + self.idle, self.io.write_all(words)).await
    }

    /// Sends what is queued.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        in_time(Instant::now() + self.idle, self.io.flush()).await
    }

    /// Throws away whatever still comes, until the client leaves.
    pub(super) async fn ignore(&mut self) {
        while let Ok(bytes @ [_, ..]) = self.io.fill_buf().await {
            let taken = bytes.len();
            self.io.consume(taken);
        }
    }

    /// The bytes that have come and are not consumed yet. Where there are none it first sends all queued replies, so
    /// that a pipelining client (RFC 2920 section 3.2) gets them together, and nobody waits for the other.
    async fn fill(&mut self, by: Instant) -> Result<&[u8], Gone> {
        if self.io.buffer().is_empty() {
            in_time(by, async {
                self.io.flush().await?;
                self.io.fill_buf().await.map(|_| ())
            })
            .await?;
        }
        match self.io.buffer() {
            [] => Err(Gone::Closed),
            bytes => Ok(bytes),
        }
    }
}

async fn in_time<T>(by: Instant, io: impl Future<Output = std::io::Result<T>>) -> Result<T, Gone> {
    timeout_at(by, io).await.map_err(|_| Gone::Silent)?.map_err(|_| Gone::Closed)
}

/// Takes the transparency dots out (RFC 5321 section 4.5.2) and finds the message's end.
struct Unstuff {
    message: Vec<u8>,
    limit: usize,
    over: bool,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    /// After a dot that began a line and is not kept.
    Dot,
    /// After such a dot and a CR.
    DotCr,
    /// After a CR.
    Cr,
    Middle,
    End,
}

impl Unstuff {
    fn new(limit: usize) -> Unstuff {
        Unstuff { message: Vec::new(), limit, over: false, at: At::LineStart }
    }

    /// Reads on; says how many of the bytes belong to the message, its end included.
    fn feed(&mut self, bytes: &[u8]) -> usize {
        for (read, &byte) in bytes.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::LineStart, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::DotCr, b'\n') => {
                    self.at = At::End;
                    return read + 1;
                }
                (At::DotCr, _) => {
                    self.keep(b'\r');
                    self.text(byte)
                }
                (At::Cr, b'\n') => {
                    self.keep(b'\n');
                    At::LineStart
                }
                _ => self.text(byte),
            };
        }
        bytes.len()
    }

    fn text(&mut self, byte: u8) -> At {
        self.keep(byte);
        if byte == b'\r' { At::Cr } else { At::Middle }
    }

    fn keep(&mut self, byte: u8) {
        if self.message.len() < self.limit {
            self.message.push(byte);
        } else if !self.over {
            self.over = true;
            self.message = Vec::new();
            self.limit = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unstuffed(pieces: &[&[u8]], limit: usize) -> (Unstuff, usize) {
        let mut unstuff = Unstuff::new(limit);
        let read = pieces.iter().map(|piece| unstuff.feed(piece)).sum();
        (unstuff, read)
    }

    #[test]
    fn only_a_lone_dot_between_two_crlf_is_the_end() {
        for not_the_end in [
            "\n.\n",
            "\n.\r\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\n",
            "\r\n.\r",
            "\r\n.\rX\n",
            "\r\n.\r\r\n",
            "\r\n\0.\r\n",
            "\r\r.\r\n",
            "\r\n..\r\n",
            "\r\n. \r\n",
        ] {
            let (unstuff, _) = unstuffed(&[b"text", not_the_end.as_bytes(), b"more"], 100);
            assert_ne!(unstuff.at, At::End, "{not_the_end:?}");
        }
        let (unstuff, read) = unstuffed(&[b"text\r\n.\r\nQUIT\r\n"], 100);
        assert_eq!((unstuff.at, unstuff.message.as_slice(), read), (At::End, &b"text\r\n"[..], 9));
        let (unstuff, read) = unstuffed(&[b".\r\nQUIT\r\n"], 100);
        assert_eq!((unstuff.at, unstuff.message.as_slice(), read), (At::End, &b""[..], 3));
    }

    #[test]
    fn a_dot_that_needed_no_removal_is_removed_and_nothing_else() {
        assert_eq!(unstuffed(&[b".\rx\r\n.\r\r\n.x\r\n.\r\n"], 100).0.message, b"\rx\r\n\r\r\nx\r\n");
    }

    #[test]
    fn the_limit_counts_what_is_kept() {
        assert!(!unstuffed(&[b"..2345\r\n.\r\n"], 7).0.over);
        let (unstuff, read) = unstuffed(&[b"..2345\r\n.\r\n"], 6);
        assert!(unstuff.over && unstuff.message.is_empty());
        assert_eq!((unstuff.at, read), (At::End, 11));
    }

    proptest! {
        #[test]
        fn what_was_stuffed_comes_out_again(
            lines in proptest::collection::vec("[.\r\na\0é]{0,6}", 0..6),
            cut in 0usize..60,
        ) {
            let text = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            // RFC 5321 section 4.5.2, as a sender does it: a dot at a line's start is doubled.
            let sent = format!("\r\n{text}.\r\n").replace("\r\n.", "\r\n..");
            let sent = sent[2..sent.len() - 4].to_owned() + ".\r\n";
            let (left, right) = sent.as_bytes().split_at(cut.min(sent.len()));
            let (unstuff, read) = unstuffed(&[left, right], 1000);
            prop_assert_eq!(unstuff.at, At::End);
            prop_assert_eq!(read, sent.len());
            prop_assert_eq!(unstuff.message, text.into_bytes());
        }
    }
}
