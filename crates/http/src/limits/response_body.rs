use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::web::Bytes;

use super::byte_budget::{ByteBudget, ReservedBytes};
use crate::problem::{Code, Problem};

/// Shorter bodies are not worth counting: there are at most as many as connections.
const SMALL: usize = 16 * 1_024;
/// As much as the server copies to a connection's buffer at a time.
const PIECE: usize = 16 * 1_024;

/// A response body in memory, sent in pieces, so that a client that reads slowly does not cost a second copy of it. Its bytes are
/// reserved until it is sent.
struct Pieces {
    rest: Bytes,
    _reserved: ReservedBytes,
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = PIECE.min(self.rest.len());
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}

/// Reserves the bytes of a response in memory until they are sent, or replaces it with 503. A stream holds a piece at a time and is
/// left as it is, also if its length is known.
pub(super) fn hold_budget(
    response: ServiceResponse<impl MessageBody + 'static>,
    budget: &ByteBudget,
) -> ServiceResponse<BoxBody> {
    let mut is_used_up = false;
    let response = response.map_into_boxed_body().map_body(|_, body| match body.try_into_bytes() {
        Ok(rest) if rest.len() <= SMALL => BoxBody::new(rest),
        Ok(rest) => {
            let mut reserved = budget.reservation();
            is_used_up = reserved.grow_to(rest.len()).is_err();
            BoxBody::new(Pieces { rest, _reserved: reserved })
        }
        Err(stream) => stream,
    });
    if is_used_up {
        let detail = "Too many responses are being sent; retry later.";
        return response.error_response(Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail));
    }
    response
}

#[cfg(test)]
mod tests {
    use actix_web::HttpResponse;
    use actix_web::body::{SizedStream, to_bytes};
    use actix_web::test::TestRequest;
    use futures_util::stream;

    use super::*;

    fn response(size: usize) -> ServiceResponse<BoxBody> {
        TestRequest::default().to_srv_response(HttpResponse::Ok().body(vec![b'x'; size]))
    }

    #[actix_web::test]
    async fn stream_of_known_length_is_not_reserved() {
        let pieces = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"abc"))]);
        let streamed = HttpResponse::Ok().body(SizedStream::new(200_000, pieces));
        let response = TestRequest::default().to_srv_response(streamed);
        let budget = ByteBudget::new(100_000);
        assert_eq!(hold_budget(response, &budget).status(), 200);
    }

    #[actix_web::test]
    async fn large_response_holds_its_bytes_until_it_is_sent() {
        let budget = ByteBudget::new(100_000);
        let all = budget.available();
        let held = hold_budget(response(70_000), &budget);
        assert!(budget.available() < 30_000);
        assert_eq!(hold_budget(response(70_000), &budget).status(), 503);
        assert_eq!(hold_budget(response(1_000), &budget).status(), 200);
        assert_eq!(to_bytes(held.into_body()).await.unwrap().len(), 70_000);
        assert_eq!(budget.available(), all);
    }
}
