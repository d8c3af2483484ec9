//! Answers whose body is made while it is taken: no faster, and whole or visibly broken.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use warp::Reply as _;
use warp::reply::Response;

/// Chunks that wait to be taken.
const WAITING: usize = 4;
/// The smallest chunk, but for the last: a write for each line would cost more than the line.
const CHUNK: usize = 16 * 1024;
/// How long a client may take for a chunk. Whoever is slower is cut off: others wait for what it holds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a body's bytes go in. Dropped before [`Outlet::end`], it breaks the body off: the connection ends without the
/// last chunk (RFC 9112 §7.1), so that nobody takes it for whole.
pub struct Outlet {
    chunks: mpsc::Sender<Bytes>,
    whole: oneshot::Sender<()>,
    gzip: Option<GzEncoder<Vec<u8>>>,
    plain: Vec<u8>,
    patience: Duration,
}

/// Why nobody takes a body any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    #[error("the client has gone")]
    HungUp,
    #[error("the client took too long")]
    Slow,
    #[error("the body could not be compressed")]
    Gzip,
}

/// What a body that broke off ends with.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
struct BrokenOff;

/// A body, and where it goes in; compressed, if `gzip`.
pub fn body(gzip: bool) -> (Outlet, Response) {
    with_patience(gzip, PATIENCE)
}

fn with_patience(gzip: bool, patience: Duration) -> (Outlet, Response) {
    let (chunks, taken) = mpsc::channel(WAITING);
    let (whole, is_whole) = oneshot::channel();
    // The fastest: the database's rows come no faster than it compresses, and the network is seldom faster.
    let gzip = gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
    let outlet = Outlet { chunks, whole, gzip, plain: Vec::new(), patience };
    let taking = stream::unfold(Some((taken, is_whole)), async |state| {
        let (mut taken, mut is_whole): (mpsc::Receiver<Bytes>, oneshot::Receiver<()>) = state?;
        match taken.recv().await {
            Some(chunk) => Some((Ok(chunk), Some((taken, is_whole)))),
            None if is_whole.try_recv().is_ok() => None,
            None => Some((Err(BrokenOff), None)),
        }
    });
    (outlet, warp::reply::stream(taking).into_response())
}

impl Outlet {
    /// Takes in some more. Returns when there is room for the next.
    pub async fn put(&mut self, part: &[u8]) -> Result<(), Gone> {
        match &mut self.gzip {
            Some(gzip) => gzip.write_all(part).map_err(|_: io::Error| Gone::Gzip)?,
            None => self.plain.extend_from_slice(part),
        }
        if self.made().len() < CHUNK { Ok(()) } else { self.send().await }
    }

    /// Has all of it taken that was put in.
    pub async fn flush(&mut self) -> Result<(), Gone> {
        if let Some(gzip) = self.gzip.take() {
            self.plain = gzip.finish().map_err(|_| Gone::Gzip)?;
        }
        if !self.plain.is_empty() {
            self.send().await?;
        }
        let room = self.chunks.reserve_many(WAITING);
        match timeout(self.patience, room).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Gone::HungUp),
            Err(_) => Err(Gone::Slow),
        }
    }

    /// The body is whole.
    pub fn end(self) {
        _ = self.whole.send(());
    }

    fn made(&mut self) -> &mut Vec<u8> {
        self.gzip.as_mut().map_or(&mut self.plain, GzEncoder::get_mut)
    }

    async fn send(&mut self) -> Result<(), Gone> {
        let chunk = Bytes::from(std::mem::take(self.made()));
        match timeout(self.patience, self.chunks.send(chunk)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone::HungUp),
            Err(_) => Err(Gone::Slow),
        }
    }
}

/// Whether an `Accept-Encoding` takes gzip (RFC 9110 §12.5.3); nothing is compressed for who does not ask.
pub fn takes_gzip(header: &str) -> bool {
    let refused = |weight: &str| weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
    header.to_ascii_lowercase().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        ["gzip", "x-gzip"].contains(&name.trim()) && !refused(weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use std::io::Read as _;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn what_is_put_in_comes_out_and_compressed_where_asked() {
        for gzip in [false, true] {
            let (mut outlet, response) = body(gzip);
            let parts: Vec<Vec<u8>> = (0..200u8).map(|n| vec![n; 1000]).collect();
            let all = parts.concat();
            let making = async move {
                for part in parts {
                    outlet.put(&part).await.unwrap();
                }
                outlet.flush().await.unwrap();
                outlet.end();
            };
            let (taken, ()) = tokio::join!(response.into_body().collect(), making);
            let taken = taken.unwrap().to_bytes();
            let mut out = Vec::new();
            match gzip {
                true => _ = flate2::read::GzDecoder::new(&taken[..]).read_to_end(&mut out).unwrap(),
                false => out = taken.to_vec(),
            }
            assert_eq!(out, all);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_ended_breaks_off() {
        let (mut outlet, response) = body(false);
        outlet.put(&[0; CHUNK]).await.unwrap();
        drop(outlet);
        assert!(response.into_body().collect().await.is_err());
    }

    #[tokio::test]
    async fn no_more_is_made_than_is_taken_and_who_is_slow_is_cut_off() {
        let (mut outlet, response) = with_patience(false, SHORT);
        for _ in 0..WAITING {
            outlet.put(&[0; CHUNK]).await.unwrap();
        }
        assert_eq!(outlet.put(&[0; CHUNK]).await, Err(Gone::Slow));
        drop(response);
        assert_eq!(outlet.put(&[0; CHUNK]).await, Err(Gone::HungUp));
    }

    #[tokio::test]
    async fn it_is_not_over_before_all_of_it_is_taken() {
        let (mut outlet, _response) = with_patience(false, SHORT);
        outlet.put(&[0; CHUNK]).await.unwrap();
        assert_eq!(outlet.flush().await, Err(Gone::Slow));
    }

    #[test]
    fn gzip_is_for_those_who_ask() {
        for asks in ["gzip", "deflate, GZIP;q=0.5", "br,x-gzip", "gzip; q=1.0"] {
            assert!(takes_gzip(asks), "{asks}");
        }
        for does_not in ["", "br", "gzip;q=0", "gzip; q=0.000", "*", "notgzip"] {
            assert!(!takes_gzip(does_not), "{does_not}");
        }
    }
}
