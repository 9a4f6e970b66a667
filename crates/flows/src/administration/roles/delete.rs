use audit::{Action, Principal, Record, RequestOrigin};
use kernel::ids::RoleId;
use kernel::{Clock, Permit, RolesWrite, StoreError};
use rbac::constraint;

use super::{RoleTx, about, keys};
use crate::administration::{AuthorityError, lock_authority};

#[derive(Debug, thiserror::Error)]
pub enum DeleteRoleError {
    #[error("the role does not exist")]
    Unknown,
    #[error("a system role cannot be deleted")]
    System,
    #[error("the role has members")]
    InUse,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Deletes a role that no user has. The caller must hold its permissions.
///
/// # Errors
/// [`DeleteRoleError`].
pub async fn delete_role(
    permit: Permit<RolesWrite>,
    tx: &mut dyn RoleTx,
    id: RoleId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), DeleteRoleError> {
    let authority = lock_authority(tx, &permit).await?;
    let role = tx.role(id).await?.ok_or(DeleteRoleError::Unknown)?;
    if role.system {
        return Err(DeleteRoleError::System);
    }
    authority.grant(&role.permissions).map_err(AuthorityError::from)?;
    tx.delete_role(id).await.map_err(|error| {
        if error.is_conflict_with(constraint::ROLE_IN_USE) { DeleteRoleError::InUse } else { error.into() }
    })?;
    let record = about(Record::new(Principal::User(permit.user()), origin, Action::RoleDeleted, clock), &role)
        .with("name", role.name.as_str())
        .with("permissions", keys(&role.permissions));
    tx.append_audit_record(&record).await?;
    Ok(())
}

impl From<StoreError> for DeleteRoleError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}
