use chrono::{DateTime, Utc};
use kernel::{Permission, PermissionSet};
use rbac::{Membership, Role};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::validation::Validation;

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub(crate) struct RoleBody {
    id: Uuid,
    /// Unique in the tenant.
    #[schema(example = "sales")]
    key: String,
    #[schema(example = "Sales")]
    name: String,
    /// One of those that every tenant has, and that stay as they are.
    system: bool,
    /// Keys of permissions, with what they imply.
    #[schema(example = json!(["crm:read", "crm:write"]))]
    permissions: Vec<&'static str>,
    /// Counts the changes; to be sent along with the next one.
    version: i64,
    created_at: DateTime<Utc>,
}

/// That a user has a role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Membership)]
pub(crate) struct MembershipBody {
    role_id: Uuid,
    #[schema(example = "sales")]
    key: String,
    #[schema(example = "Sales")]
    name: String,
    system: bool,
    /// When it was given to them.
    created_at: DateTime<Utc>,
}

/// The permissions that a body names, or notes of what is none.
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
