use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use flows::{ChangeApiKeyError, RotatedSecret, rotate_api_key};
use kernel::ids::ApiKeyId;
use kernel::{ApiKeysWrite, Grant as _};
use serde::{Deserialize, Serialize};
use tokens::ApiKey;
use utoipa::ToSchema;

use crate::auth::Allow;
use crate::extract::PathId;
use crate::idempotency::{IdempotencyHeader, IdempotentJson, OneTimeSecret};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotateApiKey)]
pub(crate) struct RotateBody {
    /// How long the present secret stays valid: 24 hours if it is not given, 7 days at most. With 0 it ends at once.
    #[schema(minimum = 0, maximum = 168, example = 24)]
    overlap_hours: Option<u16>,
}

/// The next secret of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotatedApiKey)]
pub(crate) struct RotatedBody {
    /// It cannot be read again; a repeated request gets null here.
    #[schema(required)]
    secret: Option<String>,
    /// Until when the secret before is accepted, too.
    previous_valid_until: DateTime<Utc>,
}

/// Rotate an API key
///
/// The key gets its next secret, which is shown once. The present one stays valid for `overlap_hours`, so that its program can be
/// changed without an outage; one that was replaced before ends at once. The key's expiry stays: change it with PATCH.
#[utoipa::path(
    post,
    path = "/api-keys/{id}/rotate",
    operation_id = "rotateApiKey",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The key's id"), IdempotencyHeader),
    request_body = RotateBody,
    responses((status = 201, description = "The next secret", body = RotatedBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::ApiKeyEnded]))),
)]
pub(crate) async fn rotate(
    allow: Allow<ApiKeysWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ApiKeyId>,
    body: IdempotentJson<RotateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let overlap = body.check()?;
    let origin = allow.origin();
    let mut response = guard
        .create_with_secret(&state, allow, async |permit, tx| {
            let (clock, entropy) = (&*state.clock, &*state.auth.entropy);
            let RotatedSecret { secret, previous_valid_until } =
                rotate_api_key(permit, tx, id, overlap, origin, entropy, clock).await?;
            Ok::<_, ChangeApiKeyError>(RotatedBody { secret: Some(secret.expose().to_owned()), previous_valid_until })
        })
        .await?;
    forbid_storing(&mut response);
    Ok(response)
}

/// The response holds a secret.
pub(super) fn forbid_storing(response: &mut HttpResponse) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

impl RotateBody {
    fn check(self) -> Result<TimeDelta, Problem> {
        match self.overlap_hours {
            None => Ok(ApiKey::DEFAULT_OVERLAP),
            Some(hours) if hours <= ApiKey::MAX_OVERLAP_HOURS => Ok(TimeDelta::hours(hours.into())),
            Some(_) => {
                let error = FieldError::in_body("/overlap_hours", "invalid", "must be from 0 to 168");
                Err(Problem::new(Code::ValidationFailed).with_errors(vec![error]))
            }
        }
    }
}

impl OneTimeSecret for RotatedBody {
    fn without_secret(self) -> Self {
        Self { secret: None, ..self }
    }
}
