use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{User, UserStatus};
use kernel::ids::{RoleId, UserId};
use kernel::{Clock, Page, PageRequest, Permit, RolesRead, RolesWrite, StoreError};
use rbac::{Authority, Membership, Role, SystemRole};

use super::roles::RoleTx;
use super::users::MemberTx;
use crate::administration::{AuthorityError, lock_authority, require_active_owner};

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
    let record = Record::new(Principal::User(permit.user()), origin, Action::MembershipGranted, clock);
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
    let record = Record::new(Principal::User(permit.user()), origin, Action::MembershipRevoked, clock);
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
