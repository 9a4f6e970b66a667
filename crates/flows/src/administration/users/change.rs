use audit::{Action, Record, RequestOrigin, target};
use iam::{User, UserName, UserStatus};
use kernel::ids::UserId;
use kernel::{Clock, Permit, StoreError, UsersWrite};
use rbac::{Authority, RoleKey, SystemRole};

use tokens::ApiKey;

use super::Member;
use crate::administration::ChangeUserTx;
use crate::administration::{AuthorityError, AuthorityTx, lock_authority, require_active_owner};
use crate::api_keys::revoke_api_keys_of;

/// An administrator's changes to a user. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    pub name: Option<UserName>,
    pub status: Option<UserStatus>,
    /// Revokes the API keys that the user made.
    pub revokes_api_keys: bool,
}

/// A changed user, and what the user left to the tenant.
#[derive(Clone, Debug)]
pub struct ChangedUser {
    pub member: Member,
    /// Keys that the user made, and that can still be used: they belong to the tenant.
    pub active_api_keys: Vec<ApiKey>,
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
) -> Result<ChangedUser, ChangeUserError> {
    let (Member { mut user, roles }, authority) = lock_target(&permit, tx, id).await?;
    let action = match patch.status {
        Some(UserStatus::Suspended) => Action::UserSuspended,
        Some(UserStatus::Active) => Action::UserReactivated,
        None => Action::UserChanged,
    };
    let record = Record::new(permit.actor().into(), origin.clone(), action, clock)
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
    if patch.revokes_api_keys {
        revoke_api_keys_of(&authority, tx, id, permit.actor().into(), &origin, clock).await?;
    }
    let active_api_keys = tx.active_api_keys_of(id, clock.now()).await?;
    Ok(ChangedUser { member: Member { user, roles }, active_api_keys })
}

/// Deletes a user. Their conversations become unassigned; the history of contacts keeps what they did, without their name. The API
/// keys that they made belong to the tenant and stay, unless they are to be revoked as well.
///
/// # Errors
/// [`ChangeUserError`].
pub async fn delete_user(
    permit: Permit<UsersWrite>,
    tx: &mut dyn ChangeUserTx,
    id: UserId,
    revokes_api_keys: bool,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeUserError> {
    let (Member { user, roles }, authority) = lock_target(&permit, tx, id).await?;
    if revokes_api_keys {
        revoke_api_keys_of(&authority, tx, id, permit.actor().into(), &origin, clock).await?;
    }
    tx.delete_user(id).await?;
    if user.status == UserStatus::Active {
        check_owners_without(tx, &roles).await?;
    }
    let record = Record::new(permit.actor().into(), origin, Action::UserDeleted, clock);
    Ok(tx.append_audit_record(&record.about(target::USER, &id)).await?)
}

/// Locks a user whose permissions the caller holds, with the tenant locked until the transaction ends.
async fn lock_target(
    permit: &Permit<UsersWrite>,
    tx: &mut dyn AuthorityTx,
    id: UserId,
) -> Result<(Member, Authority), ChangeUserError> {
    let authority = lock_authority(tx, permit).await?;
    let (user, _): (User, _) = tx.lock_user(id).await?.ok_or(ChangeUserError::Unknown)?;
    let held = tx.permissions(id).await?;
    authority.act_on(&held).map_err(AuthorityError::from)?;
    let roles = tx.role_keys(id).await?;
    Ok((Member { user, roles }, authority))
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

#[cfg(test)]
mod tests {
    use kernel::{Clock as _, Permission};

    use super::*;
    use crate::fake::{FakeStore, make_api_key, origin, run, start_session};

    fn change(store: &mut FakeStore, id: UserId, patch: UserPatch) -> Result<Member, ChangeUserError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_user(permit, store, id, patch, origin(), &*clock)).map(|changed| changed.member)
    }

    fn delete(store: &mut FakeStore, id: UserId) -> Result<(), ChangeUserError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(delete_user(permit, store, id, false, origin(), &*clock))
    }

    const SUSPEND: UserPatch = UserPatch { name: None, status: Some(UserStatus::Suspended), revokes_api_keys: false };

    #[test]
    fn suspended_user_loses_all_sessions() {
        let mut store = FakeStore::with_owner();
        let user = store.add_user("ada", SystemRole::Agent);
        let caller = store.caller;
        for id in [user, user, caller] {
            store.caller = id;
            start_session(&mut store);
        }
        assert_eq!(change(&mut store, user, SUSPEND).unwrap().user.status, UserStatus::Suspended);
        assert!(store.active_sessions(user, store.clock.now()).is_empty());
        assert_eq!(store.active_sessions(store.caller, store.clock.now()).len(), 1);
        assert_eq!(store.audited(), [Action::UserSuspended]);
    }

    #[test]
    fn renamed_user_keeps_sessions() {
        let mut store = FakeStore::with_owner();
        let user = store.add_user("ada", SystemRole::Agent);
        let caller = std::mem::replace(&mut store.caller, user);
        start_session(&mut store);
        store.caller = caller;
        let name = UserName::parse("Ada Lovelace").unwrap();
        let member = change(&mut store, user, UserPatch { name: Some(name.clone()), ..UserPatch::default() }).unwrap();
        assert_eq!((member.user.name, member.roles), (name, vec![SystemRole::Agent.key()]));
        assert_eq!(store.active_sessions(user, store.clock.now()).len(), 1);
        let record = store.audit_log.pop().unwrap();
        assert_eq!((record.action, &record.changes["renamed"]), (Action::UserChanged, &true.into()));
    }

    #[test]
    fn reactivated_user_is_active_and_audited() {
        let mut store = FakeStore::with_owner();
        let user = store.add_user("ada", SystemRole::Agent);
        store.suspend(user);
        change(&mut store, user, UserPatch { status: Some(UserStatus::Active), ..UserPatch::default() }).unwrap();
        assert!(store.is_active(user));
        assert_eq!(store.audited(), [Action::UserReactivated]);
    }

    #[test]
    fn last_active_owner_cannot_be_suspended_or_deleted() {
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        let outcome = change(&mut store, owner, SUSPEND);
        assert!(matches!(outcome, Err(ChangeUserError::Authority(AuthorityError::LastOwner))));
        assert!(store.audit_log.is_empty());
        // The transaction of the refused change was rolled back.
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        let outcome = delete(&mut store, owner);
        assert!(matches!(outcome, Err(ChangeUserError::Authority(AuthorityError::LastOwner))));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn one_of_two_owners_can_be_deleted() {
        let mut store = FakeStore::with_owner();
        let second = store.add_user("second", SystemRole::Owner);
        delete(&mut store, second).unwrap();
        assert_eq!(store.users.len(), 1);
        let record = store.audit_log.pop().unwrap();
        assert_eq!((record.action, record.target.unwrap().id), (Action::UserDeleted, second.to_string()));
    }

    #[test]
    fn user_with_more_permissions_cannot_be_changed() {
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        store.caller = store.add_user("admin", SystemRole::Admin);
        for outcome in [change(&mut store, owner, SUSPEND).map(|_| ()), delete(&mut store, owner)] {
            assert!(matches!(outcome, Err(ChangeUserError::Authority(AuthorityError::TargetHoldsMore(_)))));
        }
        assert!(store.is_active(owner));
    }

    #[test]
    fn keys_of_a_suspended_user_are_listed_and_can_be_revoked() {
        let mut store = FakeStore::with_owner();
        let owner = store.caller;
        let admin = store.add_user("admin", SystemRole::Admin);
        store.caller = admin;
        let (key, _) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        store.caller = owner;
        let (permit, clock) = (store.permit(), store.clock.clone());
        let kept = run(change_user(permit, &mut store, admin, SUSPEND, origin(), &*clock)).unwrap();
        assert_eq!(kept.active_api_keys, [key]);
        let patch = UserPatch { revokes_api_keys: true, ..SUSPEND };
        let (permit, clock) = (store.permit(), store.clock.clone());
        let revoked = run(change_user(permit, &mut store, admin, patch, origin(), &*clock)).unwrap();
        assert!(revoked.active_api_keys.is_empty());
        assert_eq!(store.audited().last(), Some(&Action::ApiKeyRevoked));
    }

    #[test]
    fn deleted_users_keys_stay_unless_they_are_revoked() {
        for revokes in [false, true] {
            let mut store = FakeStore::with_owner();
            let (owner, admin) = (store.caller, store.add_user("admin", SystemRole::Admin));
            store.caller = admin;
            make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
            store.caller = owner;
            let (permit, clock) = (store.permit(), store.clock.clone());
            run(delete_user(permit, &mut store, admin, revokes, origin(), &*clock)).unwrap();
            assert_eq!(store.api_keys[0].0.revoked_at.is_some(), revokes);
        }
    }

    #[test]
    fn unknown_user_is_not_found() {
        let mut store = FakeStore::with_owner();
        let id = UserId::new(&*store.clock);
        assert!(matches!(change(&mut store, id, SUSPEND), Err(ChangeUserError::Unknown)));
        assert!(matches!(delete(&mut store, id), Err(ChangeUserError::Unknown)));
    }
}
