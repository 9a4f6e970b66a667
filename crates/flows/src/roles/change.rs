use audit::{Action, Actor, AuditRepo, Origin, Record};
use kernel::ids::RoleId;
use kernel::{Clock, PermissionSet, Permit, RolesWrite, StoreError};
use rbac::{MembershipRepo, Role, RoleName, RoleRepo};

use super::{about, keys};
use crate::TenantTx;
use crate::authority::{AuthorityError, lock_authority};

/// What may be changed about a role. What is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct RolePatch {
    /// As it was last read.
    pub version: i64,
    pub name: Option<RoleName>,
    pub permissions: Option<PermissionSet>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeRoleError {
    #[error("the tenant has no such role")]
    Unknown,
    #[error("a system role stays as it is")]
    System,
    #[error("the role was changed meanwhile")]
    Stale,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Changes a role of which the actor holds everything, to what the actor holds. Whoever has the role may do what it says on
/// their next request; nothing is taken in this way from who may do what the actor may not.
///
/// # Errors
/// [`ChangeRoleError`].
pub async fn change_role(
    permit: Permit<RolesWrite>,
    tx: &mut dyn TenantTx,
    id: RoleId,
    patch: RolePatch,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<Role, ChangeRoleError> {
    let authority = lock_authority(tx, &permit).await?;
    let before = RoleRepo::role(tx, id).await?.ok_or(ChangeRoleError::Unknown)?;
    if before.system {
        return Err(ChangeRoleError::System);
    }
    authority.grant(&before.permissions).map_err(AuthorityError::from)?;
    let mut role = before.clone();
    role.name = patch.name.unwrap_or(role.name);
    role.permissions = patch.permissions.unwrap_or(role.permissions);
    authority.grant(&role.permissions).map_err(AuthorityError::from)?;
    if !before.permissions.is_subset(&role.permissions) {
        let held = MembershipRepo::permissions_of_holders(tx, id).await?;
        authority.act_on(&held).map_err(AuthorityError::from)?;
    }
    if before.version != patch.version {
        return Err(ChangeRoleError::Stale);
    }
    if role.name == before.name && role.permissions == before.permissions {
        return Ok(before);
    }
    role.version += 1;
    RoleRepo::update_role(tx, &role).await?;
    let record = changed(Record::new(Actor::User(permit.user()), origin, Action::RoleChanged, clock), &before, &role);
    AuditRepo::append_audit_record(tx, &record).await?;
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
