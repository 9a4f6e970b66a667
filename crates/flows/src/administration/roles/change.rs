use audit::{Action, Principal, Record, RequestOrigin};
use kernel::ids::RoleId;
use kernel::{Clock, PermissionSet, Permit, RolesWrite, StoreError};
use rbac::{Role, RoleName};

use super::{RoleTx, about, keys};
use crate::administration::{AuthorityError, lock_authority};

/// Changes to a role. `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct RolePatch {
    /// The version that the caller read last.
    pub version: i64,
    pub name: Option<RoleName>,
    pub permissions: Option<PermissionSet>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeRoleError {
    #[error("the role does not exist")]
    Unknown,
    #[error("a system role cannot be changed")]
    System,
    #[error("the role has another version")]
    Stale,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Changes a role. The caller must hold its permissions before and after the change, and, if it loses one, all permissions of
/// each user who has the role. Takes effect on the next request of those users.
///
/// # Errors
/// [`ChangeRoleError`].
pub async fn change_role(
    permit: Permit<RolesWrite>,
    tx: &mut dyn RoleTx,
    id: RoleId,
    patch: RolePatch,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Role, ChangeRoleError> {
    let authority = lock_authority(tx, &permit).await?;
    let before = tx.role(id).await?.ok_or(ChangeRoleError::Unknown)?;
    if before.system {
        return Err(ChangeRoleError::System);
    }
    authority.grant(&before.permissions).map_err(AuthorityError::from)?;
    let mut role = before.clone();
    role.name = patch.name.unwrap_or(role.name);
    role.permissions = patch.permissions.unwrap_or(role.permissions);
    authority.grant(&role.permissions).map_err(AuthorityError::from)?;
    if !before.permissions.is_subset(&role.permissions) {
        let held = tx.permissions_of_holders(id).await?;
        authority.act_on(&held).map_err(AuthorityError::from)?;
    }
    if before.version != patch.version {
        return Err(ChangeRoleError::Stale);
    }
    if role.name == before.name && role.permissions == before.permissions {
        return Ok(before);
    }
    role.version += 1;
    tx.update_role(&role).await?;
    let record =
        changed(Record::new(Principal::User(permit.user()), origin, Action::RoleChanged, clock), &before, &role);
    tx.append_audit_record(&record).await?;
    Ok(role)
}

fn changed(record: Record, before: &Role, role: &Role) -> Record {
    let mut record = about(record, role);
    if before.name != role.name {
        record = record.with("name_before", before.name.as_str()).with("name", role.name.as_str());
    }
    if before.permissions != role.permissions {
        record =
            record.with("permissions_before", keys(&before.permissions)).with("permissions", keys(&role.permissions));
    }
    record
}

impl From<StoreError> for ChangeRoleError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}
