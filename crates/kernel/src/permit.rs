use std::marker::PhantomData;

use crate::TenantScope;
use crate::ids::{SessionId, TenantId, UserId};
use crate::permission::{Grant, PermissionSet};

/// The user who sent a request. Session, tenant and permissions were read from the database for this request.
#[derive(Clone, Debug)]
pub struct AuthenticatedUser {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
    pub permissions: PermissionSet,
}

impl AuthenticatedUser {
    /// Proof that the user holds the permission `P`; `None` if they do not.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the check that a permit is the proof of")]
    pub fn permit<P: Grant>(&self) -> Option<Permit<P>> {
        self.permissions.contains(P::PERMISSION).then(|| Permit::new(TenantScope::mint(self.tenant), self.user))
    }
}

/// Proof that a user holds the permission `P` in a tenant. A protected use case demands one, so a route with a forgotten or
/// wrong permission does not compile. Its transaction begins with [`Permit::scope`], so that it is one of the same tenant.
#[derive(Debug)]
pub struct Permit<P> {
    scope: TenantScope,
    user: UserId,
    /// Of a function type, so that a permit is `Send` and `Sync` whatever `P` is.
    permission: PhantomData<fn() -> P>,
}

impl<P> Permit<P> {
    /// The user who holds the permission.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The tenant in which the user holds the permission.
    #[must_use]
    pub const fn scope(&self) -> &TenantScope {
        &self.scope
    }
}

impl<P: Grant> Permit<P> {
    /// A disallowed method outside [`AuthenticatedUser::permit`].
    #[must_use]
    pub const fn new(scope: TenantScope, user: UserId) -> Self {
        Self { scope, user, permission: PhantomData }
    }
}
