use std::sync::Arc;

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use channels::MetaAppDirectory;
use flows::settle;
use kernel::{StoreError, error_chain};
use tracing::warn;
use url::form_urlencoded;
use whatsapp::{Handshake, HandshakeError, MetaAppKey};

use super::target::WebhookTarget;
use crate::auth::Public;
use crate::extract::client_address;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Verify the webhook
///
/// Called by Meta when the webhook is registered. If the verify token matches, the response is the challenge.
#[utoipa::path(
    get,
    path = "/webhooks/whatsapp",
    operation_id = "verifyWebhook",
    tag = tags::WEBHOOKS,
    params(
        ("hub.mode" = String, Query, pattern = "^subscribe$", description = "`subscribe`", example = "subscribe"),
        ("hub.verify_token" = String, Query, description = "The configured verify token"),
        ("hub.challenge" = String, Query, min_length = 1, max_length = 1024, pattern = "^[!-~]+$", description = "To be returned", example = "1158201444"),
    ),
    responses((
        status = 200, description = "The challenge", body = String, content_type = "text/plain", example = "1158201444",
    )),
    extensions(("x-problems" = json!([Code::HandshakeError]))),
)]
pub(crate) async fn handshake(
    _public: Public,
    target: WebhookTarget,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    respond(&state, target, &request).await
}

/// Verify the webhook of a tenant's own Meta app
///
/// Like `GET /webhooks/whatsapp`, with the verify token of this app. For an unknown app, every token is wrong.
#[utoipa::path(
    get,
    path = "/webhooks/whatsapp/{app}",
    operation_id = "verifyAppWebhook",
    tag = tags::WEBHOOKS,
    params(
        ("app" = String, Path, description = "The app's key"),
        ("hub.mode" = String, Query, pattern = "^subscribe$", description = "`subscribe`", example = "subscribe"),
        ("hub.verify_token" = String, Query, description = "The app's verify token"),
        ("hub.challenge" = String, Query, min_length = 1, max_length = 1024, pattern = "^[!-~]+$", description = "To be returned", example = "1158201444"),
    ),
    responses((
        status = 200, description = "The challenge", body = String, content_type = "text/plain", example = "1158201444",
    )),
    extensions(("x-problems" = json!([Code::HandshakeError, Code::RateLimited]))),
)]
pub(crate) async fn handshake_of_app(
    _public: Public,
    target: WebhookTarget,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    respond(&state, target, &request).await
}

async fn respond(state: &State, target: WebhookTarget, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let parameters: Vec<_> = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let handshake = Handshake::from_query(&parameters)?;
    let app = target.resolve(state, client_address(request)).await?;
    let answer = handshake.answer(app.as_ref().map(|app| &app.credentials.verify_token));
    if let Some(app) = app.filter(|app| app.app.tenant_key().is_some()) {
        record(state, app.app, answer.is_ok());
    }
    let challenge = answer?;
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body(challenge))
}

/// Shows the tenant that Meta has asked. The response to Meta does not wait for it.
fn record(state: &State, app: MetaAppKey, succeeded: bool) {
    let (database, now) = (Arc::clone(&state.database), state.clock.now());
    state.background.spawn(async move {
        let recorded = async {
            let mut tx = database.intake().await?;
            let outcome = MetaAppDirectory::record_handshake(&mut *tx, &app, succeeded, now).await;
            settle(tx, outcome).await
        };
        if let Err(error) = recorded.await {
            let error: StoreError = error;
            warn!(error = error_chain(&error), "recording a handshake failed");
        }
    });
}

impl From<HandshakeError> for Problem {
    fn from(reason: HandshakeError) -> Self {
        match reason {
            HandshakeError::Malformed => Self::new(Code::InvalidQuery).with_detail(reason.to_string()),
            HandshakeError::Refused => Self::new(Code::HandshakeError).caused_by(reason),
        }
    }
}
