use std::time::Instant;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use flows::{AcceptError, Accepted, accept_delivery};
use inbound::EventStatus;
use metrics::{counter, histogram};
use whatsapp::{InvalidSignature, Signature, SignatureCheck};

use super::error::WebhookError;
use super::store_span::StoreSpan;
use super::target::WebhookTarget;
use crate::auth::Public;
use crate::extract::{BodyLimit, client_address, read_body_with};
use crate::limits::free_place;
use crate::metrics::{WEBHOOK_ACCEPT, WEBHOOK_DELIVERIES};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// Problems of both delivery operations.
const PROBLEMS: [Code; 4] = [Code::InvalidSignature, Code::IncompleteBody, Code::RequestTimeout, Code::BodyTooLarge];
/// Those of deliveries to tenants' apps: requests that name unknown apps are limited.
const APP_PROBLEMS: [Code; 5] =
    [Code::InvalidSignature, Code::IncompleteBody, Code::RequestTimeout, Code::BodyTooLarge, Code::RateLimited];

/// Deliver events
///
/// Called by Meta. Responds with 200 only after all events are stored; a failure of the server is a 503, so that Meta
/// sends the delivery again.
#[utoipa::path(
    post,
    path = "/webhooks/whatsapp",
    operation_id = "deliverEvents",
    tag = tags::WEBHOOKS,
    params((
        "X-Hub-Signature-256" = String,
        Header,
        description = "`sha256=` and the HMAC-SHA256 of the body under the app's secret, in hexadecimal",
        example = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
    )),
    request_body(
        content = Object,
        content_type = "application/json",
        description = "Up to 4 MiB; the content never makes a delivery fail",
        example = json!({ "object": "whatsapp_business_account", "entry": [] }),
    ),
    responses((status = 200, description = "Stored")),
    extensions(("x-problems" = json!(PROBLEMS))),
)]
pub(crate) async fn deliver(
    _public: Public,
    target: WebhookTarget,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    verify_and_accept(&state, target, &request, payload).await
}

/// Deliver events of a tenant's own Meta app
///
/// Like `POST /webhooks/whatsapp`, with the secret of this app. Events reach only numbers that are connected to this
/// app. For an unknown app, every signature is invalid.
#[utoipa::path(
    post,
    path = "/webhooks/whatsapp/{app}",
    operation_id = "deliverAppEvents",
    tag = tags::WEBHOOKS,
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
        description = "Up to 4 MiB; the content never makes a delivery fail",
        example = json!({ "object": "whatsapp_business_account", "entry": [] }),
    ),
    responses((status = 200, description = "Stored")),
    extensions(("x-problems" = json!(APP_PROBLEMS))),
)]
pub(crate) async fn deliver_to_app(
    _public: Public,
    target: WebhookTarget,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    verify_and_accept(&state, target, &request, payload).await
}

async fn verify_and_accept(
    state: &State,
    target: WebhookTarget,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    // Parsed before any lookup or read, and verified below: a request without a signature must cost nothing.
    let signature = only_signature(request.headers()).and_then(Signature::parse).map_err(refuse)?;
    let known = target.resolve(state, client_address(request)).await;
    let known = known.inspect_err(|problem| {
        if problem.code() != Code::RateLimited {
            count("failed");
        }
    })?;
    // Also for an unknown app: the response time must not reveal whether the app exists.
    let mut check = SignatureCheck::new(known.as_ref().map(|known| &known.credentials.secrets));
    let body = read_body_with(request, payload.into_inner(), BodyLimit::WEBHOOK, |part| check.update(part)).await?;
    let verified = check.verify(&signature);
    let app = verified.and(known.ok_or(InvalidSignature)).map_err(refuse)?.app;
    free_place(request);
    let started = Instant::now();
    let store_span = StoreSpan::begin(state, request);
    let outcome = accept_delivery(&*state.delivery_store, &app, &body.bytes, store_span.at).await;
    histogram!(WEBHOOK_ACCEPT).record(started.elapsed());
    count(label(&outcome));
    store_span.end(state, &outcome);
    outcome.map_err(WebhookError::from)?;
    Ok(HttpResponse::Ok().finish())
}

/// The value of the single signature header. Two are ambiguous and refused.
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
        // No event could be parsed.
        Ok(accepted) if all(accepted, EventStatus::DeadLetter) => "malformed",
        Ok(accepted) if all(accepted, EventStatus::Unroutable) => "unknown_account",
        // Also a delivery without events.
        Ok(_) => "stored",
    }
}

fn all(accepted: &Accepted, status: EventStatus) -> bool {
    !accepted.stored.is_empty() && accepted.stored.iter().all(|event| event.status == status)
}
