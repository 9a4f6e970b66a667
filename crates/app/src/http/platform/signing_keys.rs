use actix_web::web;
use chrono::{DateTime, Utc};
use flows::{RotateError, rotate_signing_keys, settle};
use serde::Serialize;
use tokens::ScopeGrant as _;
use tokens::scope::KeysRotate;
use utoipa::ToSchema;

use crate::http::State;
use crate::http::openapi::tag;
use crate::http::operators::Operate;
use crate::http::problem::Problem;

/// The next key that signs access tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UpcomingSigningKey)]
pub(crate) struct UpcomingBody {
    /// As in the published set of keys.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    #[schema(value_type = String, example = "upcoming")]
    state: &'static str,
    published_at: DateTime<Utc>,
    /// When it takes the place of the one that signs now; a few seconds later at most.
    signs_from: DateTime<Utc>,
}

/// Rotate the signing keys
///
/// The next key is published now and signs when everybody who checks tokens has had the time to read it. Nothing changes if that
/// has begun already. Tokens of the key before it are accepted until they expire.
#[utoipa::path(
    post,
    path = "/platform/signing-keys/rotate",
    operation_id = "rotateSigningKeys",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [KeysRotate::SCOPE])),
    responses((status = 200, description = "The key that will sign", body = UpcomingBody)),
)]
pub(crate) async fn rotate(
    operate: Operate<KeysRotate>,
    state: web::Data<State>,
) -> Result<web::Json<UpcomingBody>, Problem> {
    let identity = &state.identity;
    let (ring, policy) = (identity.keys.ring(), identity.keys.policy());
    let mut tx = identity.database.operator().await?;
    let (operator, origin) = (operate.operator(), operate.origin());
    let (entropy, clock) = (&*identity.entropy, &*identity.clock);
    let outcome = rotate_signing_keys(operator, &mut *tx, ring, policy, origin, entropy, clock).await;
    let key = settle(tx, outcome).await?;
    Ok(web::Json(UpcomingBody {
        kid: key.kid,
        state: key.state.key(),
        published_at: key.since,
        signs_from: key.since + policy.publish,
    }))
}

impl From<RotateError> for Problem {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Failed(flows::SigningKeysError::Store(error)) => error.into(),
            error => Self::internal(error),
        }
    }
}
