use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use flows::{CreateApiKeyError, NewApiKey, create_api_key};
use kernel::{ApiKeysWrite, Clock, Grant as _};
use serde::{Deserialize, Serialize};
use tokens::{ApiKey, ApiKeyName};
use utoipa::ToSchema;

use super::bodies::{ApiKeyBody, ApiKeyPermissionBody, NetworkBody, networks, permissions};
use crate::auth::Allow;
use crate::idempotency::{IdempotencyHeader, IdempotentJson, OneTimeSecret};
use crate::problem::{Code, Problem};
use crate::rbac::authority::authority_problem;
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateApiKey)]
pub(crate) struct CreateBody {
    /// 1 to 100 characters; such as the program that will use it.
    #[schema(example = "Shop", format = "key-name")]
    name: String,
    /// The caller must hold them; implied permissions are added.
    #[schema(value_type = Vec<ApiKeyPermissionBody>, min_items = 1, example = json!(["crm:read", "messages:send"]))]
    permissions: Vec<String>,
    /// In 90 days if it is not given; at most 365 days from now.
    expires_at: Option<DateTime<Utc>>,
    /// From which the key can be used; from everywhere if none is given. At most 50.
    #[serde(default)]
    #[schema(value_type = Vec<NetworkBody>, required = false, max_items = 50, example = json!(["192.0.2.0/24"]))]
    networks: Vec<String>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct CreatedBody {
    #[serde(flatten)]
    key: ApiKeyBody,
    /// The key itself: send it as `Authorization: Bearer`. It cannot be read again; a repeated request gets null here.
    #[schema(required)]
    secret: Option<String>,
}

/// Create an API key
///
/// A key lets a program call the API with the permissions of the key. It belongs to the tenant: it stays when the user who made it
/// leaves, and keeps its permissions when that user loses theirs. The key is shown once.
#[utoipa::path(
    post,
    path = "/api-keys",
    operation_id = "createApiKey",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Created", body = CreatedBody)),
    extensions(("x-problems" = json!([Code::CannotGrant, Code::TooManyApiKeys]))),
)]
pub(crate) async fn create(
    allow: Allow<ApiKeysWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let new = body.check(&*state.clock)?;
    let origin = allow.origin();
    let mut response = guard
        .create_with_secret(&state, allow, async |permit, tx| {
            let (clock, entropy) = (&*state.clock, &*state.auth.entropy);
            let (key, secret) = create_api_key(permit, tx, new, origin, entropy, clock).await?;
            let body =
                CreatedBody { key: ApiKeyBody::new(&key, clock.now()), secret: Some(secret.expose().to_owned()) };
            Ok::<_, CreateApiKeyError>(body)
        })
        .await?;
    super::rotate::forbid_storing(&mut response);
    Ok(response)
}

impl CreateBody {
    fn check(self, clock: &dyn Clock) -> Result<NewApiKey, Problem> {
        let mut validation = Validation::default();
        let name = validation.field("/name", ApiKeyName::parse(&self.name));
        let permissions = permissions(&mut validation, &self.permissions);
        let networks = networks(&mut validation, &self.networks);
        let expires_at = match self.expires_at {
            Some(expires_at) => validation.field("/expires_at", ApiKey::check_expiry(expires_at, clock)),
            None => Some(clock.now() + ApiKey::DEFAULT_LIFETIME),
        };
        match name.zip(expires_at) {
            Some((name, expires_at)) if validation.is_valid() => {
                Ok(NewApiKey { name, permissions, networks, expires_at })
            }
            _ => Err(validation.into_problem()),
        }
    }
}

impl OneTimeSecret for CreatedBody {
    fn without_secret(self) -> Self {
        Self { secret: None, ..self }
    }
}

impl From<CreateApiKeyError> for Problem {
    fn from(error: CreateApiKeyError) -> Self {
        match error {
            CreateApiKeyError::TooMany => Self::new(Code::TooManyApiKeys),
            CreateApiKeyError::EntropyUnavailable(error) => Self::internal(error),
            CreateApiKeyError::Authority(error) => authority_problem::<ApiKeysWrite>(error),
        }
    }
}
