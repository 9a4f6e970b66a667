//! What holds for everything that gives or takes rights, whichever way. The order is always the same: the tenant is locked,
//! the actor's rights are read as they are now, what is asked for is done, and an owner is left.

use iam::{TenantRepo, TenantStatus, UserRepo, UserStatus};
use kernel::{Grant, Permit, StoreError};
use rbac::{Authority, CannotGrant, MembershipRepo, OutranksYou};

use crate::TenantTx;

/// Why somebody's rights, or somebody with rights, stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// They held the permission when they asked, and do not any more.
    #[error("the permission was taken away meanwhile")]
    Lost,
    #[error(transparent)]
    OutranksYou(#[from] OutranksYou),
    #[error(transparent)]
    CannotGrant(#[from] CannotGrant),
    /// A tenant always keeps one active owner.
    #[error("the tenant would be left without an active owner")]
    LastOwner,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Locks the tenant until the transaction ends, so that nobody's rights change meanwhile, and answers what the actor may do
/// at this moment. The first thing to do in the transaction.
///
/// # Errors
/// [`AuthorityError::Lost`] if that is not what the permit says any more.
pub async fn lock_authority<P: Grant>(tx: &mut dyn TenantTx, permit: &Permit<P>) -> Result<Authority, AuthorityError> {
    let tenant = TenantRepo::lock_tenant(tx).await?;
    let user = UserRepo::user(tx, permit.user()).await?;
    let permissions = MembershipRepo::permissions(tx, permit.user()).await?;
    let active = tenant.is_some_and(|tenant| tenant.status == TenantStatus::Active)
        && user.is_some_and(|user| user.status == UserStatus::Active);
    if active && permissions.contains(P::PERMISSION) {
        Ok(Authority::of(permissions))
    } else {
        Err(AuthorityError::Lost)
    }
}

/// The last thing to do before the transaction is committed, with the tenant locked since its beginning: counting before, or
/// in the statement that takes an owner away, lets two of them go at once.
///
/// # Errors
/// [`AuthorityError::LastOwner`].
pub async fn keep_an_owner(tx: &mut dyn TenantTx) -> Result<(), AuthorityError> {
    if MembershipRepo::active_owners(tx).await? > 0 { Ok(()) } else { Err(AuthorityError::LastOwner) }
}
