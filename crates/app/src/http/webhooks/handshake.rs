use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use inbound::{Handshake, HandshakeRefused};
use url::form_urlencoded;

use super::callee::Callee;
use crate::http::State;
use crate::http::auth::Public;
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

/// Verify the webhook
///
/// Meta asks this once, when the webhook is registered: whoever knows the verify token gets the challenge back.
#[utoipa::path(
    get,
    path = "/webhooks/whatsapp",
    operation_id = "verifyWebhook",
    tag = tag::WEBHOOKS,
    params(
        ("hub.mode" = String, Query, description = "`subscribe`", example = "subscribe"),
        ("hub.verify_token" = String, Query, description = "As configured"),
        ("hub.challenge" = String, Query, description = "To be answered", example = "1158201444"),
    ),
    responses((
        status = 200, description = "The challenge", body = String, content_type = "text/plain", example = "1158201444",
    )),
    extensions(("x-problems" = json!([Code::HandshakeRefused]))),
)]
pub(crate) async fn handshake(
    _public: Public,
    callee: Callee,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&state, callee, &request).await
}

/// Verify the webhook of a tenant's own Meta app
///
/// As that of the deployment's, with the verify token of this app. Without such an app, every token is the wrong one.
#[utoipa::path(
    get,
    path = "/webhooks/whatsapp/{app}",
    operation_id = "verifyAppWebhook",
    tag = tag::WEBHOOKS,
    params(
        ("app" = String, Path, description = "The app's key"),
        ("hub.mode" = String, Query, description = "`subscribe`", example = "subscribe"),
        ("hub.verify_token" = String, Query, description = "As entered with the app"),
        ("hub.challenge" = String, Query, description = "To be answered", example = "1158201444"),
    ),
    responses((
        status = 200, description = "The challenge", body = String, content_type = "text/plain", example = "1158201444",
    )),
    extensions(("x-problems" = json!([Code::HandshakeRefused, Code::TemporarilyUnavailable]))),
)]
pub(crate) async fn handshake_of_app(
    _public: Public,
    callee: Callee,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(&state, callee, &request).await
}

async fn answer(state: &State, callee: Callee, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let parameters: Vec<_> = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let handshake = Handshake::from_query(&parameters)?;
    let known = callee.find(state).await?;
    let challenge = handshake.answer(known.as_ref().map(|known| &known.credentials.verify_token))?;
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body(challenge))
}

impl From<HandshakeRefused> for Problem {
    fn from(reason: HandshakeRefused) -> Self {
        match reason {
            HandshakeRefused::Malformed => Self::new(Code::InvalidQuery).with_detail(reason.to_string()),
            HandshakeRefused::Refused => Self::new(Code::HandshakeRefused).caused_by(reason),
        }
    }
}
