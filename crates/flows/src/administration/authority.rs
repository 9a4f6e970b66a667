//! Rules of each operation that grants or takes permissions. The order is always the same: lock the tenant, read the caller's
//! current permissions, change, check that an active owner remains.

use iam::{TenantStatus, UserStatus};
use kernel::ids::UserId;
use kernel::{Grant, Permit, StoreError};
use rbac::{Authority, PermissionNotHeld, TargetHoldsMore};

use crate::administration::AuthorityTx;

/// Why an operation on permissions, or on a user who holds permissions, was refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The caller held the permission when the request was authenticated, and has lost it since.
    #[error("the caller has lost the permission")]
    PermissionLost,
    #[error(transparent)]
    TargetHoldsMore(#[from] TargetHoldsMore),
    #[error(transparent)]
    PermissionNotHeld(#[from] PermissionNotHeld),
    /// A tenant keeps at least one active owner.
    #[error("the tenant would be left without an active owner")]
    LastOwner,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Locks the tenant until the transaction ends, so that no permissions in it change, and returns the caller's current
/// permissions. Must be the first statement of the transaction.
///
/// # Errors
/// [`AuthorityError::PermissionLost`] if the caller no longer holds the permission of the permit.
pub async fn lock_authority<P: Grant<Holder = UserId>>(
    tx: &mut dyn AuthorityTx,
    permit: &Permit<P>,
) -> Result<Authority, AuthorityError> {
    let tenant = tx.lock_tenant().await?;
    let user = tx.user(permit.user()).await?;
    let permissions = tx.permissions(permit.user()).await?;
    let active = tenant.is_some_and(|tenant| tenant.status == TenantStatus::Active)
        && user.is_some_and(|user| user.status == UserStatus::Active);
    if active && permissions.contains(P::PERMISSION) {
        Ok(Authority::of(permissions))
    } else {
        Err(AuthorityError::PermissionLost)
    }
}

/// Checks that the tenant still has an active owner. Must be the last check of a transaction that has locked the tenant: a
/// count without the lock lets two concurrent transactions remove the last two owners.
///
/// # Errors
/// [`AuthorityError::LastOwner`].
pub async fn require_active_owner(tx: &mut dyn AuthorityTx) -> Result<(), AuthorityError> {
    if tx.active_owners().await? > 0 { Ok(()) } else { Err(AuthorityError::LastOwner) }
}

#[cfg(test)]
mod tests {
    use kernel::{Permission, RolesWrite};
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, run};

    fn authority(store: &mut FakeStore) -> Result<Authority, AuthorityError> {
        let permit = store.permit::<RolesWrite>();
        run(lock_authority(store, &permit))
    }

    #[test]
    fn authority_is_what_the_caller_holds_now() {
        let mut store = FakeStore::with_owner();
        store.caller = store.add_user("admin", SystemRole::Admin);
        let authority = authority(&mut store).unwrap();
        assert!(authority.grant(&SystemRole::Agent.permissions()).is_ok());
        assert!(authority.grant(&[Permission::BillingWrite].into_iter().collect()).is_err());
    }

    #[test]
    fn caller_without_the_permission_is_refused() {
        let mut store = FakeStore::with_owner();
        store.memberships.clear();
        assert!(matches!(authority(&mut store), Err(AuthorityError::PermissionLost)));
    }

    #[test]
    fn suspended_caller_is_refused() {
        let mut store = FakeStore::with_owner();
        store.suspend(store.caller);
        assert!(matches!(authority(&mut store), Err(AuthorityError::PermissionLost)));
    }

    #[test]
    fn caller_of_suspended_tenant_is_refused() {
        let mut store = FakeStore::with_owner();
        store.tenant.as_mut().unwrap().status = TenantStatus::Suspended;
        assert!(matches!(authority(&mut store), Err(AuthorityError::PermissionLost)));
    }

    #[test]
    fn suspended_owner_does_not_count_as_owner() {
        let mut store = FakeStore::with_owner();
        assert!(run(require_active_owner(&mut store)).is_ok());
        store.suspend(store.caller);
        assert!(matches!(run(require_active_owner(&mut store)), Err(AuthorityError::LastOwner)));
    }
}
