use actix_web::web;
use chrono::{DateTime, Utc};
use flows::{RotateError, rotate_signing_keys};
use serde::Serialize;
use tokens::ScopeGrant as _;
use tokens::scope::KeysRotate;
use utoipa::ToSchema;

use crate::operators::Operate;
use crate::problem::Problem;
use crate::state::State;
use crate::tags;

/// The next signing key for access tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UpcomingSigningKey)]
pub(crate) struct UpcomingBody {
    /// As in the published key set.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    #[schema(value_type = String, example = "upcoming")]
    state: &'static str,
    published_at: DateTime<Utc>,
    /// When it replaces the current signing key, give or take a few seconds.
    signs_from: DateTime<Utc>,
}

/// Rotate the signing keys
///
/// Publishes the next key now; it signs after all verifiers have had time to fetch it. If a rotation is already in
/// progress, nothing changes. Tokens signed with the previous key are accepted until they expire.
#[utoipa::path(
    post,
    path = "/platform/signing-keys/rotate",
    operation_id = "rotateSigningKeys",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [KeysRotate::SCOPE])),
    responses((status = 200, description = "The next signing key", body = UpcomingBody)),
)]
pub(crate) async fn rotate(
    operate: Operate<KeysRotate>,
    state: web::Data<State>,
) -> Result<web::Json<UpcomingBody>, Problem> {
    let auth = &state.auth;
    let (factory, policy) = (auth.keys.factory(), auth.keys.policy());
    let (operator, origin) = (operate.operator(), operate.origin());
    let (entropy, clock) = (&*auth.entropy, &*state.clock);
    let key = state
        .database
        .in_operator(async |tx| rotate_signing_keys(operator, tx, factory, policy, origin, entropy, clock).await)
        .await?;
    Ok(web::Json(UpcomingBody {
        kid: key.kid,
        state: key.state.into_str(),
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
