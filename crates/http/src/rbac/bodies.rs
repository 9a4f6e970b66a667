use std::borrow::Cow;

use chrono::{DateTime, Utc};
use kernel::{Permission, PermissionSet};
use rbac::{Membership, Role};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::closed_set;
use crate::validation::Validation;

/// The schema of a permission's key. Bodies hold texts, so that each unknown key gets an error of its own.
pub(super) struct PermissionKeyBody;

impl PartialSchema for PermissionKeyBody {
    fn schema() -> RefOr<Schema> {
        closed_set::schema(&["A permission; the set grows."], Permission::ALL.iter().map(|permission| permission.key()))
    }
}

impl ToSchema for PermissionKeyBody {
    fn name() -> Cow<'static, str> {
        "PermissionKey".into()
    }
}

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub(crate) struct RoleBody {
    id: Uuid,
    /// Unique within the tenant.
    #[schema(example = "sales")]
    key: String,
    #[schema(example = "Sales")]
    name: String,
    /// Every tenant has the system roles; they cannot be changed.
    system: bool,
    /// Permission keys, including implied ones.
    #[schema(value_type = Vec<PermissionKeyBody>, example = json!(["crm:read", "crm:write"]))]
    permissions: Vec<&'static str>,
    /// Increases with each change; send it with the next change.
    version: i64,
    created_at: DateTime<Utc>,
}

/// A role that a user holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Membership)]
pub(crate) struct MembershipBody {
    role_id: Uuid,
    #[schema(example = "sales")]
    key: String,
    #[schema(example = "Sales")]
    name: String,
    system: bool,
    /// When the role was granted.
    created_at: DateTime<Utc>,
}

/// Parses permission keys; adds an error for each unknown one.
pub(super) fn permissions(validation: &mut Validation, keys: &[String]) -> PermissionSet {
    let named = keys.iter().enumerate().filter_map(|(index, key)| {
        let permission = key.parse::<Permission>();
        validation.field(&format!("/permissions/{index}"), permission)
    });
    named.collect()
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        Self {
            id: role.id.as_uuid(),
            key: role.key.as_str().to_owned(),
            name: role.name.as_str().to_owned(),
            system: role.system,
            permissions: role.permissions.iter().map(Permission::key).collect(),
            version: role.version,
            created_at: role.created_at,
        }
    }
}

impl From<Membership> for MembershipBody {
    fn from(membership: Membership) -> Self {
        Self {
            role_id: membership.role.as_uuid(),
            key: membership.key.as_str().to_owned(),
            name: membership.name.as_str().to_owned(),
            system: membership.system,
            created_at: membership.created_at,
        }
    }
}
