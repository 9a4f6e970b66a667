use std::marker::PhantomData;

use crate::actor::Holder;
use crate::ids::{TenantId, UserId};
use crate::permission::{Grant, PermissionSet};
use crate::{Actor, TenantScope};

/// Who sent a request. Tenant and permissions were read from the database for this request.
#[derive(Clone, Debug)]
pub struct AuthenticatedCaller {
    pub actor: Actor,
    pub tenant: TenantId,
    pub permissions: PermissionSet,
}

impl AuthenticatedCaller {
    /// Proof that the caller holds the permission `P`; `None` if they do not, or if it is one that only users hold.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the check that a permit is the proof of")]
    pub fn permit<P: Grant>(&self) -> Option<Permit<P>> {
        let holder = P::Holder::of(self.actor).filter(|_| self.permissions.contains(P::PERMISSION))?;
        Some(Permit::new(TenantScope::mint(self.tenant), holder))
    }
}

/// Proof that a caller holds the permission `P` in a tenant. A protected use case demands one, so a route with a forgotten or
/// wrong permission does not compile. Its transaction begins with [`Permit::scope`], so that it is one of the same tenant.
#[derive(Debug)]
pub struct Permit<P: Grant> {
    scope: TenantScope,
    holder: P::Holder,
    /// Of a function type, so that a permit is `Send` and `Sync` whatever `P` is.
    permission: PhantomData<fn() -> P>,
}

impl<P: Grant<Holder = UserId>> Permit<P> {
    /// The user who holds the permission.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.holder
    }
}

impl<P: Grant> Permit<P> {
    /// A disallowed method outside [`AuthenticatedCaller::permit`].
    #[must_use]
    pub const fn new(scope: TenantScope, holder: P::Holder) -> Self {
        Self { scope, holder, permission: PhantomData }
    }

    /// The user or the API key that holds the permission.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.holder.into()
    }

    /// The tenant in which the caller holds the permission.
    #[must_use]
    pub const fn scope(&self) -> &TenantScope {
        &self.scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ApiKeyId;
    use crate::{CrmRead, Permission, SystemClock, UsersRead};

    #[test]
    fn api_key_never_holds_what_only_users_hold() {
        let clock = SystemClock::new();
        let permissions: PermissionSet = Permission::ALL.iter().copied().collect();
        let tenant = TenantId::new(&clock);
        let key = AuthenticatedCaller { actor: Actor::ApiKey(ApiKeyId::new(&clock)), tenant, permissions };
        assert_eq!(key.permit::<CrmRead>().unwrap().actor(), key.actor);
        assert!(key.permit::<UsersRead>().is_none());
        let user = UserId::new(&clock);
        let user_caller = AuthenticatedCaller { actor: user.into(), ..key };
        assert_eq!(user_caller.permit::<UsersRead>().unwrap().user(), user);
        let without = AuthenticatedCaller { permissions: PermissionSet::default(), ..user_caller };
        assert!(without.permit::<UsersRead>().is_none());
    }
}
