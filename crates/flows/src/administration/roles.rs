//! Administering the roles of a tenant: a caller creates, changes and deletes only roles whose permissions they hold.

mod change;
mod create;
mod delete;

use audit::{Record, target};
use kernel::ids::RoleId;
use kernel::{PermissionSet, StoreError};
use rbac::{Role, RoleName};

use crate::administration::RoleTx;

pub use change::{ChangeRoleError, RolePatch, change_role};
pub use create::{CreateRoleError, NewRole, create_role};
pub use delete::{DeleteRoleError, delete_role};

/// Adds what each audit record about a role has.
fn about(record: Record, role: &Role) -> Record {
    record.about(target::ROLE, &role.id).with("key", role.key.as_str())
}

/// Whether another role than `this` has the name. The tenant must be locked.
async fn is_name_taken(tx: &mut dyn RoleTx, name: &RoleName, this: RoleId) -> Result<bool, StoreError> {
    let names = tx.role_names().await?;
    Ok(names.iter().any(|(id, taken)| *id != this && taken.is_like(name)))
}

fn keys(permissions: &PermissionSet) -> Vec<&'static str> {
    permissions.iter().map(kernel::Permission::key).collect()
}
