use audit::{Action, Record, RequestOrigin};
use kernel::ids::RoleId;
use kernel::{Clock, Permit, RolesWrite, StoreError};
use rbac::constraint;

use super::{about, keys};
use crate::administration::RoleTx;
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
    let record = about(Record::new(permit.actor().into(), origin, Action::RoleDeleted, clock), &role)
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

#[cfg(test)]
mod tests {
    use rbac::{RoleRepo as _, SystemRole};

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn delete(store: &mut FakeStore, id: RoleId) -> Result<(), DeleteRoleError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(delete_role(permit, store, id, origin(), &*clock))
    }

    fn make_custom(store: &mut FakeStore, role: SystemRole) -> RoleId {
        let id = store.system_role(role);
        for role in store.roles.iter_mut().filter(|role| role.id == id) {
            role.system = false;
        }
        id
    }

    #[test]
    fn unused_role_is_deleted_and_audited() {
        let mut store = FakeStore::with_owner();
        let id = make_custom(&mut store, SystemRole::Viewer);
        delete(&mut store, id).unwrap();
        assert!(run(store.role(id)).unwrap().is_none());
        assert_eq!(store.audited(), [Action::RoleDeleted]);
        assert!(matches!(delete(&mut store, id), Err(DeleteRoleError::Unknown)));
    }

    #[test]
    fn role_with_members_is_in_use() {
        let mut store = FakeStore::with_owner();
        let id = make_custom(&mut store, SystemRole::Viewer);
        store.add_user("ada", SystemRole::Viewer);
        assert!(matches!(delete(&mut store, id), Err(DeleteRoleError::InUse)));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn system_role_cannot_be_deleted() {
        let mut store = FakeStore::with_owner();
        let id = store.system_role(SystemRole::Viewer);
        assert!(matches!(delete(&mut store, id), Err(DeleteRoleError::System)));
    }

    #[test]
    fn role_beyond_the_callers_permissions_is_refused() {
        let mut store = FakeStore::with_owner();
        store.caller = store.add_user("admin", SystemRole::Admin);
        let id = make_custom(&mut store, SystemRole::Billing);
        let outcome = delete(&mut store, id);
        assert!(matches!(outcome, Err(DeleteRoleError::Authority(AuthorityError::PermissionNotHeld(_)))));
    }
}
