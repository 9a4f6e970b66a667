//! Administering the roles of a tenant: a caller creates, changes and deletes only roles whose permissions they hold.

mod change;
mod create;
mod delete;

use audit::{Record, target};
use kernel::PermissionSet;
use rbac::Role;

pub use change::{ChangeRoleError, RolePatch, change_role};
pub use create::{CreateRoleError, NewRole, create_role};
pub use delete::{DeleteRoleError, delete_role};

/// Adds what each audit record about a role has.
fn about(record: Record, role: &Role) -> Record {
    record.about(target::ROLE, &role.id).with("key", role.key.as_str())
}

fn keys(permissions: &PermissionSet) -> Vec<&'static str> {
    permissions.iter().map(kernel::Permission::key).collect()
}
