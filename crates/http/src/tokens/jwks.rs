use actix_web::Responder;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web;

use crate::auth::Public;
use crate::state::State;
use crate::tags;

/// Read the signing keys
///
/// The public keys that verify access tokens, as a JSON Web Key Set (RFC 7517). A new key is published longer than the
/// set may be cached before it signs; a revoked key is removed.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "signingKeys",
    tag = tags::KEYS,
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
    let auth = &state.auth;
    auth.keys.refresh(&*state.database, state.clock.now()).await;
    let cache_control = format!("public, max-age={}", state.jwks_max_age.num_seconds());
    web::Json(auth.keys.current().to_jwks()).customize().insert_header((CACHE_CONTROL, cache_control))
}
