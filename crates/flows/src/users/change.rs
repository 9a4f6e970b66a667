use iam::{User, UserName, UserRepo, UserStatus};
use kernel::ids::UserId;
use kernel::{Clock, Permit, StoreError, UsersWrite};
use rbac::{MembershipRepo, RoleKey, SystemRole};
use tokens::SessionRepo;

use super::Member;
use crate::TenantTx;
use crate::authority::{AuthorityError, keep_an_owner, lock_authority};

/// What an administrator may change about a user. What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    pub name: Option<UserName>,
    pub status: Option<UserStatus>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    #[error("the tenant has no such user")]
    Unknown,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Changes a user's name, suspends or reactivates them. A suspended user is out at once: their sessions end, and do not come
/// back.
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
    let Member { mut user, roles } = lock_other(permit, tx, id).await?;
    user.name = patch.name.unwrap_or(user.name);
    let was = user.status;
    user.status = patch.status.unwrap_or(was);
    UserRepo::update_user(tx, &user).await?;
    if (was, user.status) == (UserStatus::Active, UserStatus::Suspended) {
        SessionRepo::end_sessions(tx, id, None, clock.now()).await?;
        without(tx, &roles).await?;
    }
    Ok(Member { user, roles })
}

/// Deletes a user. Conversations that were assigned to them are nobody's; what they did stays in the history of contacts,
/// without their name.
///
/// # Errors
/// [`ChangeUserError`].
pub async fn delete_user(permit: Permit<UsersWrite>, tx: &mut dyn TenantTx, id: UserId) -> Result<(), ChangeUserError> {
    let Member { user, roles } = lock_other(permit, tx, id).await?;
    UserRepo::delete_user(tx, id).await?;
    if user.status == UserStatus::Active {
        without(tx, &roles).await?;
    }
    Ok(())
}

/// Somebody whom the actor may act on, and whose rights nobody changes until the transaction ends.
async fn lock_other(permit: Permit<UsersWrite>, tx: &mut dyn TenantTx, id: UserId) -> Result<Member, ChangeUserError> {
    let authority = lock_authority(tx, &permit).await?;
    let (user, _): (User, _) = UserRepo::lock_user(tx, id).await?.ok_or(ChangeUserError::Unknown)?;
    let held = MembershipRepo::permissions(tx, id).await?;
    authority.act_on(&held).map_err(AuthorityError::from)?;
    let roles = MembershipRepo::role_keys(tx, id).await?;
    Ok(Member { user, roles })
}

/// An active user with these roles has gone.
async fn without(tx: &mut dyn TenantTx, roles: &[RoleKey]) -> Result<(), AuthorityError> {
    if roles.contains(&SystemRole::Owner.key()) { keep_an_owner(tx).await } else { Ok(()) }
}

impl From<StoreError> for ChangeUserError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}
