use audit::{Action, AuditRepo, Principal, Record, RequestOrigin, target};
use iam::{Email, HashError, InvalidPassword, Password, PasswordHash, TenantRepo, User, UserName, UserRepo};
use kernel::{Clock, Permit, StoreError, UsersWrite};

use super::Member;
use crate::{AuthService, settle};

/// What [`create_user`] needs.
pub trait CreateUserTx: UserRepo + AuditRepo {}

impl<T: UserRepo + AuditRepo + ?Sized> CreateUserTx for T {}

/// An administrator's request for a new user.
#[derive(Debug)]
pub struct CreateUser {
    pub email: Email,
    pub name: UserName,
    pub password: Password,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    #[error("the tenant has a user with that email address")]
    EmailTaken,
    #[error(transparent)]
    WeakPassword(#[from] InvalidPassword),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A user with a hashed password who is not stored yet.
#[derive(Debug)]
pub struct PreparedUser {
    user: User,
    password: PasswordHash,
}

/// Checks and hashes the password. Called before the transaction of [`create_user`], because no transaction is held open
/// during a hash.
///
/// # Errors
/// [`CreateUserError`].
pub async fn prepare_user(
    permit: &Permit<UsersWrite>,
    auth: &AuthService,
    input: CreateUser,
) -> Result<PreparedUser, CreateUserError> {
    let CreateUser { email, name, password } = input;
    let mut tx = auth.database.tenant(permit.scope()).await?;
    let found = TenantRepo::tenant(&mut *tx).await;
    if let Some(tenant) = settle(tx, found).await? {
        password.check_personal(&[tenant.name.as_str(), tenant.slug.as_str()])?;
    }
    let password = auth.hasher.hash(password, &*auth.entropy).await?;
    let user = User::new(email, name, false, &*auth.clock);
    Ok(PreparedUser { user, password })
}

/// Creates a user without any role.
///
/// # Errors
/// [`CreateUserError`].
pub async fn create_user(
    permit: Permit<UsersWrite>,
    tx: &mut dyn CreateUserTx,
    new: PreparedUser,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Member, CreateUserError> {
    let PreparedUser { user, password } = new;
    tx.insert_user(&user, &password).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::USER_EMAIL) { CreateUserError::EmailTaken } else { error.into() }
    })?;
    let record = Record::new(Principal::User(permit.user()), origin, Action::UserCreated, clock);
    tx.append_audit_record(&record.about(target::USER, &user.id)).await?;
    Ok(Member { user, roles: Vec::new() })
}
