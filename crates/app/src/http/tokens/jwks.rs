use actix_web::Responder;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web;

use crate::http::State;
use crate::http::auth::Public;
use crate::http::openapi::tag;

/// Signing keys
///
/// The public halves of the keys that sign access tokens, as a JSON Web Key Set (RFC 7517). A new key is published for longer
/// than the set may be kept before it signs; one that was revoked is not in it any more.
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
    let identity = &state.identity;
    identity.keys.refresh(&*identity.database, identity.clock.now()).await;
    let kept = format!("public, max-age={}", state.keys_kept.num_seconds());
    web::Json(identity.keys.current().to_jwks()).customize().insert_header((CACHE_CONTROL, kept))
}
