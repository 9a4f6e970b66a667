use std::time::Instant;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use flows::{AcceptError, Accepted, accept_delivery};
use inbound::{AppSecrets, EventStatus, InvalidSignature, Signature};
use metrics::{counter, histogram};

use super::Failure;
use super::callee::Callee;
use super::storing::Storing;
use crate::http::State;
use crate::http::auth::Public;
use crate::http::extract::{BodyLimit, read_body};
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};
use crate::telemetry::metrics::{WEBHOOK_ACCEPT, WEBHOOK_DELIVERIES};

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// What is answered besides 200.
const PROBLEMS: [Code; 5] = [
    Code::InvalidSignature,
    Code::IncompleteBody,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::TemporarilyUnavailable,
];

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
    extensions(("x-problems" = json!(PROBLEMS))),
)]
pub(crate) async fn deliver(
    _public: Public,
    callee: Callee,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    receive(&state, callee, &request, payload).await
}

/// Deliver events of a tenant's own Meta app
///
/// As those of the deployment's, under the secret of this app. What is in them reaches only numbers that are connected to this
/// app. Without such an app, every signature is the wrong one.
#[utoipa::path(
    post,
    path = "/webhooks/whatsapp/{app}",
    operation_id = "deliverAppEvents",
    tag = tag::WEBHOOKS,
    params(
        ("app" = String, Path, description = "The app's key"),
        (
            "X-Hub-Signature-256" = String,
            Header,
            description = "`sha256=` and the HMAC-SHA256 of the body under the app's secret, in hexadecimal",
            example = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        ),
    ),
    request_body(
        content = Object,
        content_type = "application/json",
        description = "Up to 4 MiB; nothing in it makes a delivery fail",
        example = json!({ "object": "whatsapp_business_account", "entry": [] }),
    ),
    responses((status = 200, description = "Stored")),
    extensions(("x-problems" = json!(PROBLEMS))),
)]
pub(crate) async fn deliver_to_app(
    _public: Public,
    callee: Callee,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    receive(&state, callee, &request, payload).await
}

async fn receive(
    state: &State,
    callee: Callee,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    // Before anything is looked up or read: whoever does not even claim to be Meta costs nothing.
    let signature = only_signature(request.headers()).and_then(Signature::parse).map_err(refuse)?;
    let known = callee.find(state).await.inspect_err(|_| count("failed"))?;
    // Also for an app that there is not: its caller must not learn that from being answered sooner.
    let body = read_body(request, payload.into_inner(), BodyLimit::WEBHOOK).await?;
    let secrets = known.as_ref().map(|known| &known.credentials.secrets);
    let verified = AppSecrets::verify_known(secrets, &signature, &body);
    let app = verified.and(known.ok_or(InvalidSignature)).map_err(refuse)?.app;
    let started = Instant::now();
    let storing = Storing::begin(state, request);
    let outcome = accept_delivery(&state.intake, &app, &body, storing.at, &*state.identity.clock).await;
    histogram!(WEBHOOK_ACCEPT).record(started.elapsed());
    count(label(&outcome));
    storing.end(state, &outcome);
    outcome.map_err(Failure::from)?;
    Ok(HttpResponse::Ok().finish())
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

fn label(outcome: &Result<Accepted, AcceptError>) -> &'static str {
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
