//! A request's body, never more of it than asked for.

use std::pin::pin;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt};
use warp::{Filter, Rejection};

/// Why there is no body to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than allowed, declared or sent: 413.
    #[error("the body is too large")]
    TooLarge,
    /// The client broke off, or sent what is no HTTP body: 400, should anybody still be there to read it.
    #[error("the body broke off")]
    Broken,
}

/// The whole body, of at most `max` bytes, whether its length is declared or it comes in chunks.
///
/// A length that is declared too large is refused before a byte is read, so that a client which sent
/// `Expect: 100-continue` (RFC 9110 §10.1.1) need not send any. Whatever else is still on its way, the server reads
/// and throws away after the answer (see `server::wire`), so that the answer arrives.
pub fn bytes(max: usize) -> impl Filter<Extract = (Result<Bytes, BodyError>,), Error = Rejection> + Clone {
    warp::header::optional::<u64>("content-length")
        .and(warp::body::stream())
        .then(move |declared, stream| collect(declared, stream, max))
}

async fn collect<D: Buf, E>(
    declared: Option<u64>,
    stream: impl Stream<Item = Result<D, E>>,
    max: usize,
) -> Result<Bytes, BodyError> {
    if declared.is_some_and(|length| length > max as u64) {
        return Err(BodyError::TooLarge);
    }
    let mut stream = pin!(stream);
    let mut whole = BytesMut::new();
    while let Some(part) = stream.try_next().await.map_err(|_| BodyError::Broken)? {
        if part.remaining() > max - whole.len() {
            return Err(BodyError::TooLarge);
        }
        whole.put(part);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http::Request;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use tower::ServiceExt;

    async fn told<B>(request: Request<B>, max: usize) -> String
    where
        B: hyper::body::Body + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let filter = bytes(max).map(|body: Result<Bytes, BodyError>| format!("{body:?}"));
        let response = warp::service(filter).oneshot(request).await.unwrap();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn chunked(
        parts: Vec<Result<&'static str, &'static str>>,
    ) -> Request<impl hyper::body::Body<Error = std::io::Error>> {
        let frames = parts.into_iter().map(|part| {
            part.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))).map_err(std::io::Error::other)
        });
        Request::new(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_taken() {
        assert_eq!(told(Request::new(Full::new(Bytes::from("12345"))), 5).await, "Ok(b\"12345\")");
        assert_eq!(told(chunked(vec![Ok("12"), Ok(""), Ok("345")]), 5).await, "Ok(b\"12345\")");
        assert_eq!(told(chunked(vec![]), 0).await, "Ok(b\"\")");
    }

    #[tokio::test]
    async fn one_byte_more_is_not() {
        assert_eq!(told(Request::new(Full::new(Bytes::from("123456"))), 5).await, "Err(TooLarge)");
        assert_eq!(told(chunked(vec![Ok("12345"), Ok("6")]), 5).await, "Err(TooLarge)");
    }

    #[tokio::test]
    async fn a_length_declared_too_large_is_refused_unread() {
        let reading = stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, ()>>> { panic!("read") });
        assert_eq!(collect(Some(6), reading, 5).await, Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_says_so() {
        assert_eq!(told(chunked(vec![Ok("12"), Err("gone")]), 5).await, "Err(Broken)");
    }
}
