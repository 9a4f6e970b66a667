use std::marker::PhantomData;

use crate::ids::{SessionId, TenantId, UserId};
use crate::permission::{Grant, PermissionSet};

/// Who is asking: a user whose session, tenant and rights were read from the database for this very request.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
    pub permissions: PermissionSet,
}

impl Actor {
    /// Proof that the actor holds `P`, or nothing.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the check that a permit is the proof of")]
    pub fn permit<P: Grant>(&self) -> Option<Permit<P>> {
        self.permissions.contains(P::PERMISSION).then(|| Permit::grant(self.user))
    }
}

/// Proof that a user holds the permission `P`. A protected use case demands one, so a route with a forgotten or wrong
/// permission does not compile.
#[derive(Debug)]
pub struct Permit<P> {
    user: UserId,
    /// Of a function, as a permit can go to any thread whatever the permission is.
    permission: PhantomData<fn() -> P>,
}

impl<P: Grant> Permit<P> {
    /// Disallowed outside [`Actor::permit`].
    #[must_use]
    pub const fn grant(user: UserId) -> Self {
        Self { user, permission: PhantomData }
    }

    /// Who holds it.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }
}
