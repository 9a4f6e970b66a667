use std::borrow::Cow;

use chrono::{DateTime, Utc};
use kernel::ids::UserId;
use kernel::{Permission, PermissionSet};
use serde::Serialize;
use tokens::{ApiKey, ApiKeySecret, ApiKeyState, Networks, NoPermissions, NotForKeys};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::closed_set;
use crate::closed_set::closed_set;
use crate::validation::Validation;

closed_set!(
    /// Whether a key can be used. An expired or revoked key stays so.
    ApiKeyStateBody = ApiKeyState,
    "ApiKeyState"
);

/// The schema of a permission that API keys can hold.
pub(crate) struct ApiKeyPermissionBody;

impl PartialSchema for ApiKeyPermissionBody {
    fn schema() -> RefOr<Schema> {
        let doc = "A permission that API keys can hold; the set grows.";
        closed_set::schema(&[doc], ApiKey::grantable().into_iter().map(Permission::key))
    }
}

impl ToSchema for ApiKeyPermissionBody {
    fn name() -> Cow<'static, str> {
        "ApiKeyPermission".into()
    }
}

/// The schema of a network.
pub(super) struct NetworkBody;

impl PartialSchema for NetworkBody {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("network".to_owned())))
            .description(Some("An address, or a network in CIDR notation; IPv4 or IPv6"))
            .examples(["192.0.2.0/24"])
            .into()
    }
}

impl ToSchema for NetworkBody {
    fn name() -> Cow<'static, str> {
        "Network".into()
    }
}

/// With which a program calls the API. The key itself is shown once, when it is made or rotated.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyBody {
    id: Uuid,
    #[schema(example = "Shop")]
    name: String,
    /// How the key begins; the rest is secret.
    #[schema(example = "parley_ak_01jCvqkWFvQV3yd2u4lYxU")]
    prefix: String,
    /// Including implied ones.
    #[schema(value_type = Vec<ApiKeyPermissionBody>, example = json!(["crm:read", "messages:send"]))]
    permissions: Vec<&'static str>,
    /// From which the key can be used; from everywhere if there is none.
    #[schema(value_type = Vec<NetworkBody>, example = json!(["192.0.2.0/24"]))]
    networks: Vec<String>,
    /// The user who made it; null if that user was deleted.
    #[schema(required)]
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// About once a minute; null if the key was never used.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
    /// Until when the secret before the last rotation is accepted, too; null if there was none.
    #[schema(required)]
    previous_valid_until: Option<DateTime<Utc>>,
    state: ApiKeyStateBody,
}

impl ApiKeyBody {
    pub(crate) fn new(key: &ApiKey, now: DateTime<Utc>) -> Self {
        Self {
            id: key.id.as_uuid(),
            name: key.name.as_str().to_owned(),
            prefix: ApiKeySecret::public_part(key.id),
            permissions: key.permissions.iter().map(Permission::key).collect(),
            networks: key.networks.texts(),
            created_by: key.created_by.map(UserId::as_uuid),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            previous_valid_until: key.previous_valid_until,
            state: key.state(now).into(),
        }
    }
}

/// Checks the permissions of a key; adds an error for each that keys cannot hold.
pub(super) fn permissions(validation: &mut Validation, keys: &[String]) -> PermissionSet {
    if keys.is_empty() {
        validation.field::<(), _>("/permissions", Err(NoPermissions));
    }
    let named = keys.iter().enumerate().filter_map(|(index, key)| {
        let pointer = format!("/permissions/{index}");
        let permission = validation.field(&pointer, key.parse::<Permission>())?;
        let for_keys = if permission.is_for_keys() { Ok(permission) } else { Err(NotForKeys(permission)) };
        validation.field(&pointer, for_keys)
    });
    named.collect()
}

/// Checks the networks of a key.
pub(super) fn networks(validation: &mut Validation, texts: &[String]) -> Networks {
    let parsed = texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| validation.field(&format!("/networks/{index}"), Networks::parse_one(text)));
    let parsed = parsed.collect();
    validation.field("/networks", Networks::new(parsed)).unwrap_or_default()
}
