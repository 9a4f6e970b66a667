use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{User, UserName, UserStatus};
use kernel::ids::UserId;
use kernel::{Clock, Permit, StoreError, UsersWrite};
use rbac::{RoleKey, SystemRole};

use super::{ChangeUserTx, Member};
use crate::administration::{AuthorityError, AuthorityTx, lock_authority, require_active_owner};

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
    tx: &mut dyn ChangeUserTx,
    id: UserId,
    patch: UserPatch,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Member, ChangeUserError> {
    let Member { mut user, roles } = lock_target(&permit, tx, id).await?;
    let action = match patch.status {
        Some(UserStatus::Suspended) => Action::UserSuspended,
        Some(UserStatus::Active) => Action::UserReactivated,
        None => Action::UserChanged,
    };
    let record = Record::new(Principal::User(permit.user()), origin, action, clock)
        .about(target::USER, &id)
        .with("renamed", patch.name.is_some());
    user.name = patch.name.unwrap_or(user.name);
    let was = user.status;
    user.status = patch.status.unwrap_or(was);
    tx.update_user(&user).await?;
    if (was, user.status) == (UserStatus::Active, UserStatus::Suspended) {
        tx.end_sessions(id, None, clock.now()).await?;
        check_owners_without(tx, &roles).await?;
    }
    tx.append_audit_record(&record).await?;
    Ok(Member { user, roles })
}

/// Deletes a user. Their conversations become unassigned; the history of contacts keeps what they did, without their name.
///
/// # Errors
/// [`ChangeUserError`].
pub async fn delete_user(
    permit: Permit<UsersWrite>,
    tx: &mut dyn ChangeUserTx,
    id: UserId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeUserError> {
    let Member { user, roles } = lock_target(&permit, tx, id).await?;
    tx.delete_user(id).await?;
    if user.status == UserStatus::Active {
        check_owners_without(tx, &roles).await?;
    }
    let record = Record::new(Principal::User(permit.user()), origin, Action::UserDeleted, clock);
    Ok(tx.append_audit_record(&record.about(target::USER, &id)).await?)
}

/// Locks a user whose permissions the caller holds, with the tenant locked until the transaction ends.
async fn lock_target(
    permit: &Permit<UsersWrite>,
    tx: &mut dyn AuthorityTx,
    id: UserId,
) -> Result<Member, ChangeUserError> {
    let authority = lock_authority(tx, permit).await?;
    let (user, _): (User, _) = tx.lock_user(id).await?.ok_or(ChangeUserError::Unknown)?;
    let held = tx.permissions(id).await?;
    authority.act_on(&held).map_err(AuthorityError::from)?;
    let roles = tx.role_keys(id).await?;
    Ok(Member { user, roles })
}

/// Checks the owners after an active user with these roles was removed.
async fn check_owners_without(tx: &mut dyn AuthorityTx, roles: &[RoleKey]) -> Result<(), AuthorityError> {
    if roles.contains(&SystemRole::Owner.key()) { require_active_owner(tx).await } else { Ok(()) }
}

impl From<StoreError> for ChangeUserError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}
