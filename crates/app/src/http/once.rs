//! Requests that create something and may be sent again: who got no answer, sends the same with the same `Idempotency-Key`,
//! and it is done once.
//!
//! A handler takes its body as [`Once`] instead of `Json`, says `params(IdempotencyHeader)` in its `#[utoipa::path]`, begins
//! its transaction with [`Attempt::begin`] and ends it with [`OnceTx::created`]. The answer is kept in the same transaction, so
//! that there is either what was made and its answer, or neither. Answers must hold no secrets.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use flows::{IdempotencyError, IdempotencyKey, KeptAnswer, KeyedRequest, TenantTx, claim_request, keep_answer, settle};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use kernel::Grant;
use kernel::seal::KeyRing;
use ring::digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::read_json;
use crate::http::problem::{Code, Problem};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// For documents: the name of the header that [`Once`] reads.
pub(crate) const HEADER: &str = "Idempotency-Key";
/// For documents: the name of the header of an answer that was given before.
pub(crate) const REPLAYED_HEADER: &str = "Idempotency-Replayed";

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document; `Once` reads it")]
pub(crate) struct IdempotencyHeader {
    /// Chosen by the client, a new one for each thing that is to be made. The same request with the same key is carried out
    /// once, and answered as the first time, for 24 hours.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        example = "0190b5a2-7e2f-7000-8000-000000000000"
    )]
    key: Option<String>,
}

/// The JSON body of a request that may be sent again.
#[derive(Debug)]
pub(crate) struct Once<T> {
    body: T,
    attempt: Attempt,
}

/// What makes a request the same as another, where its client gave it a key.
#[derive(Clone, Debug)]
pub(crate) struct Attempt(Option<Keyed>);

#[derive(Clone)]
struct Keyed {
    route: String,
    key: IdempotencyKey,
    digest: [u8; 32],
}

/// How a request begins.
pub(crate) enum Begun {
    /// It is to be carried out in this transaction.
    First(OnceTx),
    /// It was, and this was answered.
    Again(HttpResponse),
}

/// The transaction that a request is carried out in.
#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub(crate) struct OnceTx {
    tx: Box<dyn TenantTx>,
    /// None: the client gave no key.
    request: Option<KeyedRequest>,
    ring: Arc<KeyRing>,
    now: DateTime<Utc>,
}

impl<T: DeserializeOwned + 'static> FromRequest for Once<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let key = key(request.headers())?;
            let (body, bytes) = read_json(&request, payload).await?;
            let keyed = key.map(|key| Keyed {
                route: format!("{} {}", request.method(), request.match_pattern().unwrap_or_default()),
                key,
                digest: digest_of(request.path(), &bytes),
            });
            Ok(Self { body, attempt: Attempt(keyed) })
        }
        .boxed_local()
    }
}

impl<T> Once<T> {
    pub(crate) fn into_parts(self) -> (T, Attempt) {
        (self.body, self.attempt)
    }
}

/// The one key, where one is given.
fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| text.parse().ok());
    match (key, rest) {
        (Some(key), None) => Ok(Some(key)),
        _ => Err(Problem::new(Code::InvalidIdempotencyKey)),
    }
}

/// SHA-256 of both; a path has no zero byte.
fn digest_of(path: &str, body: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [path.as_bytes(), &[0], body] {
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

impl Attempt {
    /// Begins the transaction that the request is carried out in, unless it was before.
    ///
    /// # Errors
    /// `idempotency_key_reused` when another request had the key; `request_running` while the same is carried out.
    pub(crate) async fn begin<P: Grant>(self, state: &State, allow: &Allow<P>) -> Result<Begun, Problem> {
        let (ring, now) = (Arc::clone(&state.ring), state.identity.clock.now());
        let mut tx = state.identity.database.tenant(allow.scope()).await?;
        let request =
            self.0.map(|Keyed { route, key, digest }| KeyedRequest { user: allow.user(), route, key, digest });
        let claimed = match &request {
            Some(request) => claim_request(&mut *tx, request, &ring, now).await,
            None => Ok(None),
        };
        match claimed {
            Ok(None) => Ok(Begun::First(OnceTx { tx, request, ring, now })),
            claimed => {
                let answer = settle(tx, claimed.map_err(Problem::from)).await?;
                let mut response = response(&answer.ok_or_else(|| Problem::new(Code::InternalError))?)?;
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                Ok(Begun::Again(response))
            }
        }
    }

    /// What was answered to the request, for a handler that has work before its transaction which need not be done again.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn answered<P: Grant>(
        &self,
        state: &State,
        allow: &Allow<P>,
    ) -> Result<Option<HttpResponse>, Problem> {
        if self.0.is_none() {
            return Ok(None);
        }
        match self.clone().begin(state, allow).await? {
            Begun::First(OnceTx { tx, .. }) => {
                tx.rollback().await?;
                Ok(None)
            }
            Begun::Again(answer) => Ok(Some(answer)),
        }
    }
}

impl OnceTx {
    /// Ends the transaction as its outcome says, and answers 201 with the body.
    ///
    /// # Errors
    /// The outcome's own, or that of the commit.
    pub(crate) async fn created<B, E>(self, outcome: Result<B, E>) -> Result<HttpResponse, Problem>
    where
        B: Serialize,
        E: Into<Problem>,
    {
        let Self { mut tx, request, ring, now } = self;
        let kept = match outcome {
            Ok(body) => keep(&mut *tx, request.as_ref(), &body, &ring, now).await,
            Err(error) => Err(error.into()),
        };
        response(&settle(tx, kept).await?)
    }
}

async fn keep<B: Serialize>(
    tx: &mut dyn TenantTx,
    request: Option<&KeyedRequest>,
    body: &B,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<KeptAnswer, Problem> {
    let body = serde_json::to_string(body).map_err(Problem::internal)?;
    let answer = KeptAnswer { status: StatusCode::CREATED.as_u16(), body };
    if let Some(request) = request {
        keep_answer(tx, request, &answer, ring, now).await?;
    }
    Ok(answer)
}

fn response(answer: &KeptAnswer) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    Ok(HttpResponse::build(status).content_type("application/json").body(answer.body.clone()))
}

impl Deref for OnceTx {
    type Target = dyn TenantTx;

    fn deref(&self) -> &Self::Target {
        &*self.tx
    }
}

impl DerefMut for OnceTx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.tx
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyed").field("route", &self.route).field("key", &self.key).finish_non_exhaustive()
    }
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::OtherRequest => Self::new(Code::IdempotencyKeyReused),
            IdempotencyError::Running => Self::new(Code::RequestRunning),
            IdempotencyError::NoKey(error) => Self::internal(error),
            IdempotencyError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn code_for(values: &[&[u8]]) -> Option<Code> {
        let request = values.iter().fold(TestRequest::default(), |request, value| {
            request.append_header((IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap()))
        });
        key(request.to_http_request().headers()).err().map(|problem| problem.code())
    }

    #[test]
    fn there_is_one_key_or_none() {
        for values in [&[][..], &[&b"k-1"[..]]] {
            assert_eq!(code_for(values), None, "{values:?}");
        }
        for values in [&[&b""[..]][..], &[b"a b"], &[b"\xc3\xa9"], &[b"a", b"a"], &[&[b'x'; 256]]] {
            assert_eq!(code_for(values), Some(Code::InvalidIdempotencyKey), "{values:?}");
        }
    }

    #[test]
    fn what_is_sent_elsewhere_or_otherwise_is_another_request() {
        let one = digest_of("/a", b"{}");
        assert_eq!(one, digest_of("/a", b"{}"));
        assert_ne!(one, digest_of("/a", b"{ }"));
        assert_ne!(one, digest_of("/b", b"{}"));
    }
}
