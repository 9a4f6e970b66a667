use std::slice;

use audit::{Action, Record, RequestOrigin};
use kernel::ids::RoleId;
use kernel::{Clock, PermissionSet, Permit, RolesWrite, StoreError};
use rbac::{Role, RoleKey, RoleName, constraint};

use super::{about, is_name_taken, keys};
use crate::administration::RoleTx;
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
    #[error("the tenant has a role with that name")]
    NameTaken,
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
    if is_name_taken(tx, &role.name, role.id).await? {
        return Err(CreateRoleError::NameTaken);
    }
    let record = about(Record::new(permit.actor().into(), origin, Action::RoleCreated, clock), &role)
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

#[cfg(test)]
mod tests {
    use kernel::Permission;
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn create(store: &mut FakeStore, key: &str, permissions: &[Permission]) -> Result<Role, CreateRoleError> {
        let new = NewRole {
            key: RoleKey::parse(key).unwrap(),
            name: RoleName::parse(key).unwrap(),
            permissions: permissions.iter().copied().collect(),
        };
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(create_role(permit, store, new, origin(), &*clock))
    }

    #[test]
    fn new_role_is_stored_and_audited() {
        let mut store = FakeStore::with_owner();
        let role = create(&mut store, "sales", &[Permission::CrmRead]).unwrap();
        assert_eq!((role.version, role.system), (1, false));
        let record = store.audit_log.pop().unwrap();
        assert_eq!((record.action, &record.changes["key"]), (Action::RoleCreated, &"sales".into()));
        assert_eq!(record.changes["permissions"], serde_json::json!(["crm:read"]));
    }

    #[test]
    fn key_of_another_role_is_taken() {
        let mut store = FakeStore::with_owner();
        assert!(matches!(create(&mut store, "owner", &[]), Err(CreateRoleError::KeyTaken)));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn name_of_another_role_is_taken() {
        let mut store = FakeStore::with_owner();
        create(&mut store, "sales", &[]).unwrap();
        let new = NewRole {
            key: RoleKey::parse("other").unwrap(),
            name: RoleName::parse("SALES").unwrap(),
            permissions: PermissionSet::default(),
        };
        let (permit, clock) = (store.permit(), store.clock.clone());
        let outcome = run(create_role(permit, &mut store, new, origin(), &*clock));
        assert!(matches!(outcome, Err(CreateRoleError::NameTaken)));
    }

    #[test]
    fn role_beyond_the_callers_permissions_is_refused() {
        let mut store = FakeStore::with_owner();
        store.caller = store.add_user("admin", SystemRole::Admin);
        let outcome = create(&mut store, "sales", &[Permission::BillingWrite]);
        assert!(matches!(outcome, Err(CreateRoleError::Authority(AuthorityError::PermissionNotHeld(_)))));
    }

    #[test]
    fn role_beyond_the_limit_is_refused() {
        let mut store = FakeStore::with_owner();
        for number in 0..Role::MAX_CUSTOM {
            create(&mut store, &format!("role{number}"), &[]).unwrap();
        }
        assert!(matches!(create(&mut store, "another", &[]), Err(CreateRoleError::TooMany)));
    }
}
