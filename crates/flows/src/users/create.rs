use iam::{Email, HashError, InvalidPassword, Password, PasswordHash, TenantRepo, User, UserName, UserRepo};
use kernel::{Permit, StoreError, TenantScope, UsersWrite};

use super::Member;
use crate::{Identity, TenantTx, settle};

/// A user whom somebody else makes.
#[derive(Debug)]
pub struct CreateUser {
    pub email: Email,
    pub name: UserName,
    pub password: Password,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    #[error("the tenant has a user with that address")]
    EmailTaken,
    #[error(transparent)]
    WeakPassword(#[from] InvalidPassword),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A user whose password is hashed, and who is not in the database yet.
#[derive(Debug)]
pub struct PreparedUser {
    user: User,
    password: PasswordHash,
}

/// Checks and hashes what somebody is to log in with: before the transaction of [`create_user`], as none is held open across
/// a hash.
///
/// # Errors
/// [`CreateUserError`].
pub async fn prepare_user(
    _permit: &Permit<UsersWrite>,
    identity: &Identity,
    scope: &TenantScope,
    input: CreateUser,
) -> Result<PreparedUser, CreateUserError> {
    let CreateUser { email, name, password } = input;
    let mut tx = identity.database.tenant(scope).await?;
    let found = TenantRepo::tenant(&mut *tx).await;
    if let Some(tenant) = settle(tx, found).await? {
        password.check_personal(&[tenant.name.as_str(), tenant.slug.as_str()])?;
    }
    let password = identity.hasher.hash(password, &*identity.entropy).await?;
    let user = User::new(email, name, false, &*identity.clock);
    Ok(PreparedUser { user, password })
}

/// Makes a user without any role: roles are given by who may give them.
///
/// # Errors
/// [`CreateUserError`].
pub async fn create_user(
    _permit: Permit<UsersWrite>,
    tx: &mut dyn TenantTx,
    new: PreparedUser,
) -> Result<Member, CreateUserError> {
    let PreparedUser { user, password } = new;
    UserRepo::insert_user(tx, &user, &password).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::USER_EMAIL) { CreateUserError::EmailTaken } else { error.into() }
    })?;
    Ok(Member { user, roles: Vec::new() })
}
