use iam::{User, UserName, UserRepo, UserStatus};
use kernel::ids::UserId;
use kernel::{Clock, Permit, StoreError, UsersWrite};
use rbac::{MembershipRepo, RoleKey, SystemRole};
use tokens::SessionRepo;

use super::Member;
use crate::TenantTx;
use crate::administration::{AuthorityError, lock_authority, require_active_owner};

/// An administrator's changes to a user. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    pub name: Option<UserName>,
    pub status: Option<UserStatus>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    #[error("the user does not exist")]
    Unknown,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Renames, suspends or reactivates a user. A suspension ends all sessions of the user for good.
///
/// # Errors
/// [`ChangeUserError`].
pub async fn change_user(
    permit: Permit<UsersWrite>,
    tx: &mut dyn TenantTx,
    id: UserId,
    patch: UserPatch,
    clock: &dyn Clock,
) -> Result<Member, ChangeUserError> {
    let Member { mut user, roles } = lock_target(permit, tx, id).await?;
    user.name = patch.name.unwrap_or(user.name);
    let was = user.status;
    user.status = patch.status.unwrap_or(was);
    UserRepo::update_user(tx, &user).await?;
    if (was, user.status) == (UserStatus::Active, UserStatus::Suspended) {
        SessionRepo::end_sessions(tx, id, None, clock.now()).await?;
        check_owners_without(tx, &roles).await?;
    }
    Ok(Member { user, roles })
}

/// Deletes a user. Their conversations become unassigned; the history of contacts keeps what they did, without their name.
///
/// # Errors
/// [`ChangeUserError`].
pub async fn delete_user(permit: Permit<UsersWrite>, tx: &mut dyn TenantTx, id: UserId) -> Result<(), ChangeUserError> {
    let Member { user, roles } = lock_target(permit, tx, id).await?;
    UserRepo::delete_user(tx, id).await?;
    if user.status == UserStatus::Active {
        check_owners_without(tx, &roles).await?;
    }
    Ok(())
}

/// Locks a user whose permissions the caller holds, with the tenant locked until the transaction ends.
async fn lock_target(permit: Permit<UsersWrite>, tx: &mut dyn TenantTx, id: UserId) -> Result<Member, ChangeUserError> {
    let authority = lock_authority(tx, &permit).await?;
    let (user, _): (User, _) = UserRepo::lock_user(tx, id).await?.ok_or(ChangeUserError::Unknown)?;
    let held = MembershipRepo::permissions(tx, id).await?;
    authority.act_on(&held).map_err(AuthorityError::from)?;
    let roles = MembershipRepo::role_keys(tx, id).await?;
    Ok(Member { user, roles })
}

/// Checks the owners after an active user with these roles was removed.
async fn check_owners_without(tx: &mut dyn TenantTx, roles: &[RoleKey]) -> Result<(), AuthorityError> {
    if roles.contains(&SystemRole::Owner.key()) { require_active_owner(tx).await } else { Ok(()) }
}

impl From<StoreError> for ChangeUserError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}
