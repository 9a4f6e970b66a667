//! Idempotent creation: a client that got no response sends the request again with the same `Idempotency-Key`, and the
//! resource is created once.
//!
//! A handler takes its body as [`IdempotentJson`] instead of `Json`, declares `params(IdempotencyHeader)` in its
//! `#[utoipa::path]`, and runs its use case by [`IdempotencyGuard::create`]. The response is stored in the same transaction as the resource. Responses must hold no
//! secrets, except those of [`IdempotencyGuard::create_with_secret`], which are stored without them.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use flows::{
    IdempotencyError, IdempotencyKey, KeyedRequest, Sender, StoredResponse, TenantTx, claim_request, settle,
    store_response,
};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use kernel::seal::KeyRing;
use kernel::{Actor, Grant, Operator, Permit};
use ring::digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::auth::Allow;
use crate::extract::read_json;
use crate::problem::{Code, Problem};
use crate::state::State;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The header that [`IdempotentJson`] reads, for the document.
pub(crate) const HEADER: &str = "Idempotency-Key";
/// The header of a replayed response, for the document.
pub(crate) const REPLAYED_HEADER: &str = "Idempotency-Replayed";

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document; `IdempotentJson` reads it")]
pub(crate) struct IdempotencyHeader {
    /// Chosen by the client, a new one for each resource to create. A request with the same key is executed once;
    /// retries within 24 hours get the first response.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "0190b5a2-7e2f-7000-8000-000000000000"
    )]
    key: Option<String>,
}

/// The JSON body of an idempotent request.
#[derive(Debug)]
pub(crate) struct IdempotentJson<T> {
    body: T,
    guard: IdempotencyGuard,
}

/// Begins the transaction of an idempotent request; without a key, of an ordinary one.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyGuard(Option<RequestFingerprint>);

#[derive(Clone)]
struct RequestFingerprint {
    route: String,
    key: IdempotencyKey,
    digest: [u8; 32],
}

/// A response with a secret that is shown once.
pub(crate) trait OneTimeSecret: Serialize {
    /// What is stored, and answered to a repeated request.
    fn without_secret(self) -> Self;
}

/// Result of claiming an idempotency key.
enum Claim {
    /// First request with the key, or no key: execute it in this transaction.
    New(IdempotentTx),
    /// The request was executed before; this is its stored response.
    Replay(HttpResponse),
}

/// The transaction of an idempotent request.
#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
struct IdempotentTx {
    tx: Box<dyn TenantTx>,
    /// `None` if the client sent no key.
    request: Option<KeyedRequest>,
    now: DateTime<Utc>,
}

impl<T: DeserializeOwned + 'static> FromRequest for IdempotentJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let key = key(request.headers())?;
            let (body, read) = read_json(&request, payload).await?;
            let fingerprint = key.map(|key| RequestFingerprint {
                route: format!("{} {}", request.method(), request.match_pattern().unwrap_or_default()),
                key,
                digest: request_digest(request.path(), &read.bytes),
            });
            Ok(Self { body, guard: IdempotencyGuard(fingerprint) })
        }
        .boxed_local()
    }
}

impl<T> IdempotentJson<T> {
    pub(crate) fn into_parts(self) -> (T, IdempotencyGuard) {
        (self.body, self.guard)
    }
}

/// The single key, if one is sent.
fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| text.parse().ok());
    match (key, rest) {
        (Some(key), None) => Ok(Some(key)),
        _ => Err(Problem::new(Code::InvalidIdempotencyKey)),
    }
}

/// SHA-256 of path and body, separated by a zero byte, which a path cannot contain.
fn request_digest(path: &str, body: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [path.as_bytes(), &[0], body] {
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

impl IdempotencyGuard {
    /// For a body that is not kept in memory: `what` stands for it.
    ///
    /// # Errors
    /// `invalid_idempotency_key`.
    pub(crate) fn of(request: &HttpRequest, what: &[u8]) -> Result<Self, Problem> {
        Ok(Self(key(request.headers())?.map(|key| RequestFingerprint {
            route: format!("{} {}", request.method(), request.match_pattern().unwrap_or_default()),
            key,
            digest: request_digest(request.path(), what),
        })))
    }

    /// Creates a resource: runs the use case in a transaction of the caller's tenant, stores the response in it, and responds
    /// with 201 and the body; or returns the stored response of an earlier request with the same key.
    ///
    /// # Errors
    /// `idempotency_key_reused` if a different request used the key; `request_running` while the same request is in
    /// progress; else the error of the use case or of the transaction.
    pub(crate) async fn create<P, Body, E>(
        self,
        state: &State,
        allow: Allow<P>,
        use_case: impl AsyncFnOnce(Permit<P>, &mut dyn TenantTx) -> Result<Body, E>,
    ) -> Result<HttpResponse, Problem>
    where
        P: Grant,
        Body: Serialize,
        E: Into<Problem>,
    {
        let IdempotentTx { mut tx, request, now } = match self.claim(state, &allow).await? {
            Claim::New(tx) => tx,
            Claim::Replay(response) => return Ok(response),
        };
        let outcome = match use_case(allow.permit(), &mut *tx).await {
            Ok(body) => store(&mut *tx, request.as_ref(), &body, &state.key_ring, now).await,
            Err(error) => Err(error.into()),
        };
        response(&settle(tx, outcome).await?)
    }

    /// As [`create`](Self::create), for a response with a secret: the stored response is without it.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub(crate) async fn create_with_secret<P, Body, E>(
        self,
        state: &State,
        allow: Allow<P>,
        use_case: impl AsyncFnOnce(Permit<P>, &mut dyn TenantTx) -> Result<Body, E>,
    ) -> Result<HttpResponse, Problem>
    where
        P: Grant,
        Body: OneTimeSecret,
        E: Into<Problem>,
    {
        let mut shown = None;
        let stored = self
            .create(state, allow, async |permit, tx| {
                let body = use_case(permit, tx).await.map_err(E::into)?;
                shown = Some(created(&body).map_err(Problem::internal)?);
                Ok::<_, Problem>(body.without_secret())
            })
            .await?;
        // Nothing was carried out: an earlier request with the same key was.
        shown.map_or(Ok(stored), |shown| response(&shown))
    }

    /// What programs send to customers must have a key, so that a retry sends nothing twice.
    ///
    /// # Errors
    /// `idempotency_key_required`.
    pub(crate) fn require_for_programs<P: Grant>(&self, allow: &Allow<P>) -> Result<(), Problem> {
        match (allow.actor(), &self.0) {
            (Actor::ApiKey(_), None) => Err(Problem::new(Code::IdempotencyKeyRequired)),
            _ => Ok(()),
        }
    }

    /// The stored response, if any, for a handler with expensive work before its transaction.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub(crate) async fn replay<P: Grant>(
        &self,
        state: &State,
        allow: &Allow<P>,
    ) -> Result<Option<HttpResponse>, Problem> {
        if self.0.is_none() {
            return Ok(None);
        }
        match self.clone().claim(state, allow).await? {
            Claim::New(IdempotentTx { tx, .. }) => {
                tx.rollback().await?;
                Ok(None)
            }
            Claim::Replay(response) => Ok(Some(response)),
        }
    }

    /// The request of a user or a program, for a use case that begins its own transactions.
    pub(crate) fn tenant_request(self, actor: Actor) -> Option<KeyedRequest> {
        self.0.map(|fingerprint| fingerprint.of(actor.into()))
    }

    /// The request of an operator, for a use case that begins its own transactions.
    pub(crate) fn operator_request(self, operator: Operator) -> Option<KeyedRequest> {
        self.0.map(|fingerprint| fingerprint.of(Sender::Operator(operator)))
    }

    async fn claim<P: Grant>(self, state: &State, allow: &Allow<P>) -> Result<Claim, Problem> {
        let now = state.clock.now();
        let mut tx = state.database.tenant(allow.scope()).await?;
        let Some(request) = self.tenant_request(allow.actor()) else {
            return Ok(Claim::New(IdempotentTx { tx, request: None, now }));
        };
        match claim_request(&mut *tx, &request, &state.key_ring, now).await {
            Ok(None) => Ok(Claim::New(IdempotentTx { tx, request: Some(request), now })),
            outcome => {
                let stored = settle(tx, outcome.map_err(Problem::from)).await?;
                let stored = stored.ok_or_else(|| Problem::new(Code::InternalError))?;
                Ok(Claim::Replay(replayed_response(&stored)?))
            }
        }
    }
}

impl RequestFingerprint {
    fn of(self, sender: Sender) -> KeyedRequest {
        let Self { route, key, digest } = self;
        KeyedRequest { sender, route, key, digest }
    }
}

async fn store<Body: Serialize>(
    tx: &mut dyn TenantTx,
    request: Option<&KeyedRequest>,
    body: &Body,
    key_ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<StoredResponse, Problem> {
    let response = created(body).map_err(Problem::internal)?;
    if let Some(request) = request {
        store_response(tx, request, &response, key_ring, now).await?;
    }
    Ok(response)
}

/// The stored form of a 201 response.
pub(crate) fn created<B: Serialize>(body: &B) -> Result<StoredResponse, serde_json::Error> {
    stored(StatusCode::CREATED, body)
}

/// The stored form of a 202 response: what was asked for is done later.
pub(crate) fn accepted<B: Serialize>(body: &B) -> Result<StoredResponse, serde_json::Error> {
    stored(StatusCode::ACCEPTED, body)
}

fn stored<B: Serialize>(status: StatusCode, body: &B) -> Result<StoredResponse, serde_json::Error> {
    Ok(StoredResponse { status: status.as_u16(), body: serde_json::to_string(body)? })
}

/// A stored response, marked as replayed.
pub(crate) fn replayed_response(stored: &StoredResponse) -> Result<HttpResponse, Problem> {
    let mut response = response(stored)?;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

pub(crate) fn response(stored: &StoredResponse) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(stored.status).map_err(Problem::internal)?;
    Ok(HttpResponse::build(status).content_type("application/json").body(stored.body.clone()))
}

impl std::fmt::Debug for RequestFingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestFingerprint").field("route", &self.route).field("key", &self.key).finish_non_exhaustive()
    }
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::new(Code::IdempotencyKeyReused),
            IdempotencyError::InProgress => Self::new(Code::RequestRunning),
            IdempotencyError::NoSealingKey(error) => Self::internal(error),
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
    fn one_valid_key_or_none_is_accepted() {
        for values in [&[][..], &[&b"k-1"[..]]] {
            assert_eq!(code_for(values), None, "{values:?}");
        }
        for values in [&[&b""[..]][..], &[b"a b"], &[b"\xc3\xa9"], &[b"a", b"a"], &[&[b'x'; 256]]] {
            assert_eq!(code_for(values), Some(Code::InvalidIdempotencyKey), "{values:?}");
        }
    }

    #[test]
    fn different_path_or_body_is_a_different_request() {
        let one = request_digest("/a", b"{}");
        assert_eq!(one, request_digest("/a", b"{}"));
        assert_ne!(one, request_digest("/a", b"{ }"));
        assert_ne!(one, request_digest("/b", b"{}"));
    }
}
