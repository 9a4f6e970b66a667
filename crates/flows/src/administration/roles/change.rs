use audit::{Action, Record, RequestOrigin};
use kernel::ids::RoleId;
use kernel::{Clock, PermissionSet, Permit, RolesWrite, StoreError};
use rbac::{Role, RoleName};

use super::{about, is_name_taken, keys};
use crate::administration::RoleTx;
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
    #[error("the tenant has a role with that name")]
    NameTaken,
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
    if role.name != before.name && is_name_taken(tx, &role.name, id).await? {
        return Err(ChangeRoleError::NameTaken);
    }
    role.version += 1;
    tx.update_role(&role).await?;
    let record = changed(Record::new(permit.actor().into(), origin, Action::RoleChanged, clock), &before, &role);
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

#[cfg(test)]
mod tests {
    use kernel::{Clock as _, Permission};
    use rbac::{RoleKey, SystemRole};

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn change(store: &mut FakeStore, id: RoleId, patch: RolePatch) -> Result<Role, ChangeRoleError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_role(permit, store, id, patch, origin(), &*clock))
    }

    /// A store with the custom role `sales`, which may write to the CRM.
    fn store_with_role() -> (FakeStore, RoleId) {
        let mut store = FakeStore::with_owner();
        let (key, name) = (RoleKey::parse("sales").unwrap(), RoleName::parse("Sales").unwrap());
        let id = RoleId::new(&*store.clock);
        let permissions = [Permission::CrmWrite].into_iter().collect();
        let created_at = store.clock.now();
        store.roles.push(Role { id, key, name, system: false, permissions, version: 1, created_at });
        (store, id)
    }

    fn permissions(permissions: &[Permission]) -> RolePatch {
        RolePatch { version: 1, name: None, permissions: Some(permissions.iter().copied().collect()) }
    }

    #[test]
    fn change_is_audited_with_values_before_and_after() {
        let (mut store, id) = store_with_role();
        let patch =
            RolePatch { name: Some(RoleName::parse("Readers").unwrap()), ..permissions(&[Permission::CrmRead]) };
        assert_eq!(change(&mut store, id, patch).unwrap().version, 2);
        let changes = store.audit_log.pop().unwrap().changes;
        assert_eq!((&changes["name_before"], &changes["name"]), (&"Sales".into(), &"Readers".into()));
        assert_eq!(changes["permissions"], serde_json::json!(["crm:read"]));
        assert!(changes["permissions_before"].as_array().unwrap().contains(&"crm:write".into()));
    }

    #[test]
    fn patch_that_changes_nothing_keeps_the_version() {
        let (mut store, id) = store_with_role();
        assert_eq!(change(&mut store, id, permissions(&[Permission::CrmWrite])).unwrap().version, 1);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn patch_of_an_old_version_is_refused() {
        let (mut store, id) = store_with_role();
        change(&mut store, id, permissions(&[Permission::CrmRead])).unwrap();
        assert!(matches!(change(&mut store, id, permissions(&[])), Err(ChangeRoleError::Stale)));
    }

    #[test]
    fn system_role_cannot_be_changed() {
        let (mut store, _) = store_with_role();
        let id = store.system_role(SystemRole::Viewer);
        assert!(matches!(change(&mut store, id, permissions(&[])), Err(ChangeRoleError::System)));
    }

    #[test]
    fn unknown_role_is_not_found() {
        let (mut store, _) = store_with_role();
        let id = RoleId::new(&*store.clock);
        assert!(matches!(change(&mut store, id, permissions(&[])), Err(ChangeRoleError::Unknown)));
    }

    #[test]
    fn permission_that_the_caller_lacks_is_refused() {
        let (mut store, id) = store_with_role();
        store.caller = store.add_user("admin", SystemRole::Admin);
        let outcome = change(&mut store, id, permissions(&[Permission::CrmWrite, Permission::BillingWrite]));
        assert!(matches!(outcome, Err(ChangeRoleError::Authority(AuthorityError::PermissionNotHeld(_)))));
    }

    #[test]
    fn permission_is_not_taken_from_user_who_holds_more() {
        let (mut store, id) = store_with_role();
        store.memberships.push((store.caller, id, store.clock.now()));
        store.caller = store.add_user("admin", SystemRole::Admin);
        let outcome = change(&mut store, id, permissions(&[]));
        assert!(matches!(outcome, Err(ChangeRoleError::Authority(AuthorityError::TargetHoldsMore(_)))));
        // Permissions may be added to that user.
        change(&mut store, id, permissions(&[Permission::CrmWrite, Permission::UsersRead])).unwrap();
    }
}
