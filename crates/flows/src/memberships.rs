use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use iam::{User, UserRepo, UserStatus};
use kernel::ids::{RoleId, UserId};
use kernel::{Clock, Page, PageRequest, Permit, RolesRead, RolesWrite, StoreError};
use rbac::{Authority, Membership, MembershipRepo, Role, RoleRepo, SystemRole};

use crate::TenantTx;
use crate::authority::{AuthorityError, keep_an_owner, lock_authority};

#[derive(Debug, thiserror::Error)]
pub enum ChangeMembershipError {
    /// The user, the role, or that the user has it.
    #[error("the tenant has no such membership")]
    Unknown,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// A user's roles, the newest first; nothing where there is no such user.
///
/// # Errors
/// [`StoreError`].
pub async fn memberships(
    _permit: Permit<RolesRead>,
    tx: &mut dyn TenantTx,
    user: UserId,
    page: &PageRequest,
) -> Result<Option<Page<Membership>>, StoreError> {
    if UserRepo::user(tx, user).await?.is_none() {
        return Ok(None);
    }
    MembershipRepo::memberships(tx, user, page).await.map(Some)
}

/// Gives a user a role: one that holds nothing the actor does not, to somebody who may do nothing that the actor may not.
/// Giving it once more changes nothing.
///
/// # Errors
/// [`ChangeMembershipError`].
pub async fn grant_membership(
    permit: Permit<RolesWrite>,
    tx: &mut dyn TenantTx,
    user: UserId,
    role: RoleId,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<Membership, ChangeMembershipError> {
    let (authority, _) = lock_other(&permit, tx, user).await?;
    let role = RoleRepo::role(tx, role).await?.ok_or(ChangeMembershipError::Unknown)?;
    authority.grant(&role.permissions).map_err(AuthorityError::from)?;
    if let Some(membership) = MembershipRepo::membership(tx, user, role.id).await? {
        return Ok(membership);
    }
    let now = clock.now();
    MembershipRepo::insert_membership(tx, user, role.id, now).await?;
    let record = Record::new(Actor::User(permit.user()), origin, Action::MembershipGranted, clock);
    AuditRepo::append_audit_record(tx, &about(record, user, role.id, role.key.as_str())).await?;
    let Role { id, key, name, system, .. } = role;
    Ok(Membership { role: id, key, name, system, created_at: now })
}

/// Takes a role from a user who may do nothing that the actor may not. It works on their next request. A tenant keeps an
/// active owner.
///
/// # Errors
/// [`ChangeMembershipError`].
pub async fn revoke_membership(
    permit: Permit<RolesWrite>,
    tx: &mut dyn TenantTx,
    user: UserId,
    role: RoleId,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<(), ChangeMembershipError> {
    let (_, other) = lock_other(&permit, tx, user).await?;
    let membership = MembershipRepo::membership(tx, user, role).await?.ok_or(ChangeMembershipError::Unknown)?;
    MembershipRepo::delete_membership(tx, user, role).await?;
    if membership.key == SystemRole::Owner.key() && other.status == UserStatus::Active {
        keep_an_owner(tx).await?;
    }
    let record = Record::new(Actor::User(permit.user()), origin, Action::MembershipRevoked, clock);
    AuditRepo::append_audit_record(tx, &about(record, user, role, membership.key.as_str())).await?;
    Ok(())
}

/// Somebody whom the actor may act on, and whose rights nobody changes until the transaction ends.
async fn lock_other(
    permit: &Permit<RolesWrite>,
    tx: &mut dyn TenantTx,
    user: UserId,
) -> Result<(Authority, User), ChangeMembershipError> {
    let authority = lock_authority(tx, permit).await?;
    let other = UserRepo::user(tx, user).await?.ok_or(ChangeMembershipError::Unknown)?;
    let held = MembershipRepo::permissions(tx, user).await?;
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
