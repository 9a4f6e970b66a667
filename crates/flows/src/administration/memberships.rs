use audit::{Action, Record, RequestOrigin, target};
use iam::{User, UserStatus};
use kernel::ids::{RoleId, UserId};
use kernel::{Clock, Page, PageRequest, Permit, RolesRead, RolesWrite, StoreError};
use rbac::{Authority, Membership, Role, SystemRole};

use crate::administration::{AuthorityError, MemberTx, RoleTx, lock_authority, require_active_owner};

#[derive(Debug, thiserror::Error)]
pub enum ChangeMembershipError {
    /// The user, the role or the membership does not exist.
    #[error("the membership does not exist")]
    Unknown,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Lists a user's memberships, newest first; `None` if the user does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn memberships(
    _permit: Permit<RolesRead>,
    tx: &mut dyn MemberTx,
    user: UserId,
    page: &PageRequest,
) -> Result<Option<Page<Membership>>, StoreError> {
    if tx.user(user).await?.is_none() {
        return Ok(None);
    }
    tx.memberships(user, page).await.map(Some)
}

/// Grants a role to a user. The caller must hold all permissions of the role and of the user. Granting it again changes
/// nothing.
///
/// # Errors
/// [`ChangeMembershipError`].
pub async fn grant_membership(
    permit: Permit<RolesWrite>,
    tx: &mut dyn RoleTx,
    user: UserId,
    role: RoleId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Membership, ChangeMembershipError> {
    let (authority, _) = lock_target(&permit, tx, user).await?;
    let role = tx.role(role).await?.ok_or(ChangeMembershipError::Unknown)?;
    authority.grant(&role.permissions).map_err(AuthorityError::from)?;
    if let Some(membership) = tx.membership(user, role.id).await? {
        return Ok(membership);
    }
    let now = clock.now();
    tx.insert_membership(user, role.id, now).await?;
    let record = Record::new(permit.actor().into(), origin, Action::MembershipGranted, clock);
    tx.append_audit_record(&about(record, user, role.id, role.key.as_str())).await?;
    let Role { id, key, name, system, .. } = role;
    Ok(Membership { role: id, key, name, system, created_at: now })
}

/// Revokes a role of a user. The caller must hold all permissions of the user, and the tenant must keep an active owner. Takes
/// effect on the user's next request.
///
/// # Errors
/// [`ChangeMembershipError`].
pub async fn revoke_membership(
    permit: Permit<RolesWrite>,
    tx: &mut dyn RoleTx,
    user: UserId,
    role: RoleId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeMembershipError> {
    let (_, other) = lock_target(&permit, tx, user).await?;
    let membership = tx.membership(user, role).await?.ok_or(ChangeMembershipError::Unknown)?;
    tx.delete_membership(user, role).await?;
    if membership.key == SystemRole::Owner.key() && other.status == UserStatus::Active {
        require_active_owner(tx).await?;
    }
    let record = Record::new(permit.actor().into(), origin, Action::MembershipRevoked, clock);
    tx.append_audit_record(&about(record, user, role, membership.key.as_str())).await?;
    Ok(())
}

/// Finds a user whose permissions the caller holds, with the tenant locked until the transaction ends.
async fn lock_target(
    permit: &Permit<RolesWrite>,
    tx: &mut dyn RoleTx,
    user: UserId,
) -> Result<(Authority, User), ChangeMembershipError> {
    let authority = lock_authority(tx, permit).await?;
    let other = tx.user(user).await?.ok_or(ChangeMembershipError::Unknown)?;
    let held = tx.permissions(user).await?;
    authority.act_on(&held).map_err(AuthorityError::from)?;
    Ok((authority, other))
}

fn about(record: Record, user: UserId, role: RoleId, key: &str) -> Record {
    record.about(target::USER, &user).with("role_id", role.to_string()).with("role", key)
}

impl From<StoreError> for ChangeMembershipError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Clock as _, PageRequest};
    use rbac::{MembershipRepo as _, RoleKey};

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn grant(store: &mut FakeStore, user: UserId, role: SystemRole) -> Result<Membership, ChangeMembershipError> {
        let (permit, role, clock) = (store.permit(), store.system_role(role), store.clock.clone());
        run(grant_membership(permit, store, user, role, origin(), &*clock))
    }

    fn revoke(store: &mut FakeStore, user: UserId, role: SystemRole) -> Result<(), ChangeMembershipError> {
        let (permit, role, clock) = (store.permit(), store.system_role(role), store.clock.clone());
        run(revoke_membership(permit, store, user, role, origin(), &*clock))
    }

    #[test]
    fn granted_role_is_held_and_audited() {
        let mut store = FakeStore::with_owner();
        let user = store.add_user("ada", SystemRole::Viewer);
        let membership = grant(&mut store, user, SystemRole::Agent).unwrap();
        assert_eq!((membership.key, membership.created_at), (SystemRole::Agent.key(), store.clock.now()));
        assert_eq!(run(store.role_keys(user)).unwrap(), [SystemRole::Agent.key(), SystemRole::Viewer.key()]);
        let record = store.audit_log.pop().unwrap();
        assert_eq!(record.action, Action::MembershipGranted);
        assert_eq!(record.target.unwrap().id, user.to_string());
        assert_eq!(record.changes["role"], "agent");
    }

    #[test]
    fn role_granted_again_stays_as_it_is() {
        let mut store = FakeStore::with_owner();
        let user = store.add_user("ada", SystemRole::Viewer);
        assert!(grant(&mut store, user, SystemRole::Viewer).is_ok());
        assert_eq!(store.memberships.len(), 2);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn role_beyond_the_callers_permissions_is_refused() {
        let mut store = FakeStore::with_owner();
        store.caller = store.add_user("admin", SystemRole::Admin);
        let user = store.add_user("ada", SystemRole::Viewer);
        let outcome = grant(&mut store, user, SystemRole::Owner);
        assert!(matches!(outcome, Err(ChangeMembershipError::Authority(AuthorityError::PermissionNotHeld(_)))));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn user_with_more_permissions_cannot_be_changed() {
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        store.caller = store.add_user("admin", SystemRole::Admin);
        for outcome in
            [grant(&mut store, owner, SystemRole::Viewer).map(|_| ()), revoke(&mut store, owner, SystemRole::Owner)]
        {
            assert!(matches!(outcome, Err(ChangeMembershipError::Authority(AuthorityError::TargetHoldsMore(_)))));
        }
    }

    #[test]
    fn unknown_user_role_or_membership_is_not_found() {
        let mut store = FakeStore::with_owner();
        let (permit, clock) = (store.permit(), store.clock.clone());
        let (owner, unknown) = (store.caller, UserId::new(&*clock));
        let role = RoleId::new(&*clock);
        let unknown_role = run(grant_membership(permit, &mut store, owner, role, origin(), &*clock));
        assert!(matches!(unknown_role, Err(ChangeMembershipError::Unknown)));
        assert!(matches!(grant(&mut store, unknown, SystemRole::Agent), Err(ChangeMembershipError::Unknown)));
        assert!(matches!(revoke(&mut store, owner, SystemRole::Agent), Err(ChangeMembershipError::Unknown)));
    }

    #[test]
    fn role_of_the_last_active_owner_cannot_be_revoked() {
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        let second = store.add_user("second", SystemRole::Owner);
        store.suspend(second);
        let outcome = revoke(&mut store, owner, SystemRole::Owner);
        assert!(matches!(outcome, Err(ChangeMembershipError::Authority(AuthorityError::LastOwner))));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn role_of_suspended_owner_can_be_revoked() {
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        // A caller with all permissions who is no owner.
        let (id, permissions) = (RoleId::new(&*store.clock), SystemRole::Owner.permissions());
        let template = SystemRole::Viewer.with_id(id, store.clock.now());
        store.roles.push(Role { key: RoleKey::parse("all").unwrap(), system: false, permissions, ..template });
        store.caller = store.add_user("deputy", SystemRole::Viewer);
        store.memberships.push((store.caller, id, store.clock.now()));
        store.suspend(owner);
        revoke(&mut store, owner, SystemRole::Owner).unwrap();
        assert_eq!(run(store.role_keys(owner)).unwrap(), []);
        assert_eq!(store.audited(), [Action::MembershipRevoked]);
    }

    #[test]
    fn memberships_of_unknown_user_are_none() {
        let mut store = FakeStore::with_owner();
        let page = PageRequest { limit: kernel::PageLimit::default(), after: None };
        let (owner, unknown) = (store.caller, UserId::new(&*store.clock));
        let permit = store.permit();
        assert_eq!(run(memberships(permit, &mut store, owner, &page)).unwrap().unwrap().items.len(), 1);
        let permit = store.permit();
        assert!(run(memberships(permit, &mut store, unknown, &page)).unwrap().is_none());
    }
}
