use std::sync::Arc;
use std::time::Instant;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use flows::{Accepted, accept_delivery};
use inbound::{EventStatus, InvalidSignature, MetaAppKey, Signature};
use kernel::StoreError;
use metrics::{counter, histogram};
use tokio::task::JoinError;

use crate::http::State;
use crate::http::auth::Public;
use crate::http::extract::{BodyLimit, read_body};
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};
use crate::telemetry::metrics::{WEBHOOK_ACCEPT, WEBHOOK_DELIVERIES};

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// Deliver events
///
/// Called by Meta. Answered with 200 only when everything in it is stored; whatever goes wrong on our side is a 503, so that
/// Meta sends it again.
#[utoipa::path(
    post,
    path = "/webhooks/whatsapp",
    operation_id = "deliverEvents",
    tag = tag::WEBHOOKS,
    params((
        "X-Hub-Signature-256" = String,
        Header,
        description = "`sha256=` and the HMAC-SHA256 of the body under the app's secret, in hexadecimal",
        example = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
    )),
    request_body(
        content = Object,
        content_type = "application/json",
        description = "Up to 4 MiB; nothing in it makes a delivery fail",
        example = json!({ "object": "whatsapp_business_account", "entry": [] }),
    ),
    responses((status = 200, description = "Stored")),
    extensions(("x-problems" = json!([
        Code::InvalidSignature, Code::IncompleteBody, Code::RequestTimeout, Code::BodyTooLarge,
        Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn deliver(
    _public: Public,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    // Before the body is read: whoever does not even claim to be Meta costs nothing.
    let signature = only_signature(request.headers()).and_then(Signature::parse).map_err(refuse)?;
    let body = read_body(&request, payload.into_inner(), BodyLimit::WEBHOOK).await?;
    state.whatsapp.secrets.verify(&signature, &body).map_err(refuse)?;
    let started = Instant::now();
    let outcome = store(&state, body).await;
    histogram!(WEBHOOK_ACCEPT).record(started.elapsed());
    count(label(&outcome));
    outcome?;
    Ok(HttpResponse::Ok().finish())
}

/// Why a signed delivery is not stored.
#[derive(Debug, thiserror::Error)]
enum NotStored {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Crashed(#[from] JoinError),
}

/// Stores the delivery and wakes the relay. Once begun it is finished, even if Meta no longer waits for the answer: what
/// would be lost otherwise is the work, not the delivery, but Meta would send it again and again.
async fn store(state: &State, body: Bytes) -> Result<Accepted, NotStored> {
    let (database, clock) = (Arc::clone(&state.identity.database), Arc::clone(&state.identity.clock));
    let nudge = Arc::clone(&state.nudge);
    let accepting = state.background.spawn(async move {
        let accepted = accept_delivery(&*database, &MetaAppKey::deployment(), &body, &*clock).await?;
        if !accepted.stored.is_empty() {
            nudge.notify_one();
        }
        Ok(accepted)
    });
    accepting.await?
}

/// The value of the one signature header. Of two, nobody can say which one counts.
fn only_signature(headers: &HeaderMap) -> Result<&[u8], InvalidSignature> {
    let mut values = headers.get_all(SIGNATURE);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(InvalidSignature),
    }
}

fn refuse(reason: InvalidSignature) -> Problem {
    count("bad_signature");
    let challenge = HeaderValue::from_static(r#"X-Hub-Signature-256 realm="parley""#);
    Problem::new(Code::InvalidSignature).with_header(WWW_AUTHENTICATE, challenge).caused_by(reason)
}

fn count(outcome: &'static str) {
    counter!(WEBHOOK_DELIVERIES, "outcome" => outcome).increment(1);
}

fn label(outcome: &Result<Accepted, NotStored>) -> &'static str {
    match outcome {
        Err(_) => "failed",
        Ok(accepted) if accepted.events > 0 && accepted.stored.is_empty() => "duplicate",
        // Nothing of it could be read: it was never to be processed.
        Ok(accepted) if all(accepted, EventStatus::DeadLetter) => "malformed",
        Ok(accepted) if all(accepted, EventStatus::Unroutable) => "unknown_account",
        // Also a delivery without any event: all of it is stored.
        Ok(_) => "stored",
    }
}

fn all(accepted: &Accepted, status: EventStatus) -> bool {
    !accepted.stored.is_empty() && accepted.stored.iter().all(|event| event.status == status)
}

/// Never a 4xx, whatever the database says: Meta would give the delivery up.
impl From<NotStored> for Problem {
    fn from(reason: NotStored) -> Self {
        Self::unavailable(Code::TemporarilyUnavailable).caused_by(reason)
    }
}
