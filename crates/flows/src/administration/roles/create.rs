use std::slice;

use audit::{Action, Principal, Record, RequestOrigin};
use kernel::ids::RoleId;
use kernel::{Clock, PermissionSet, Permit, RolesWrite, StoreError};
use rbac::{Role, RoleKey, RoleName, constraint};

use super::{RoleTx, about, keys};
use crate::administration::{AuthorityError, lock_authority};

/// A custom role.
#[derive(Clone, Debug)]
pub struct NewRole {
    pub key: RoleKey,
    pub name: RoleName,
    pub permissions: PermissionSet,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateRoleError {
    #[error("the tenant has a role with that key")]
    KeyTaken,
    #[error("the tenant already has {} custom roles", Role::MAX_CUSTOM)]
    TooMany,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Creates a role. The caller must hold its permissions.
///
/// # Errors
/// [`CreateRoleError`].
pub async fn create_role(
    permit: Permit<RolesWrite>,
    tx: &mut dyn RoleTx,
    new: NewRole,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Role, CreateRoleError> {
    let authority = lock_authority(tx, &permit).await?;
    authority.grant(&new.permissions).map_err(AuthorityError::from)?;
    if tx.custom_roles().await? >= Role::MAX_CUSTOM {
        return Err(CreateRoleError::TooMany);
    }
    let NewRole { key, name, permissions } = new;
    let role =
        Role { id: RoleId::new(clock), key, name, system: false, permissions, version: 1, created_at: clock.now() };
    tx.insert_roles(slice::from_ref(&role)).await.map_err(|error| {
        if error.is_conflict_with(constraint::ROLE_KEY) { CreateRoleError::KeyTaken } else { error.into() }
    })?;
    let record = about(Record::new(Principal::User(permit.user()), origin, Action::RoleCreated, clock), &role)
        .with("name", role.name.as_str())
        .with("permissions", keys(&role.permissions));
    tx.append_audit_record(&record).await?;
    Ok(role)
}

impl From<StoreError> for CreateRoleError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}
