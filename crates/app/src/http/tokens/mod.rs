//! What others need to check our access tokens.

use actix_web::Responder;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, ServiceConfig, get, resource};

use crate::http::State;
use crate::http::auth::Public;
use crate::http::openapi::tag;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/.well-known/jwks.json").route(get().to(jwks)));
}

/// A new key is published for longer than this before it signs.
const MAY_BE_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Signing keys
///
/// The public halves of the keys that sign access tokens, as a JSON Web Key Set (RFC 7517).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "signingKeys",
    tag = tag::KEYS,
    responses((
        status = 200,
        description = "The keys",
        body = Object,
        headers(("Cache-Control" = String, description = "`public, max-age=300`")),
        example = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }] }),
    )),
)]
pub(crate) async fn jwks(_public: Public, state: web::Data<State>) -> impl Responder {
    web::Json(state.identity.keys.to_jwks()).customize().insert_header((CACHE_CONTROL, MAY_BE_KEPT))
}
