use iam::{
    Email, HashError, InvalidPassword, Password, PasswordHash, TenantRepo, User, UserName, UserRepo, UserStatus,
};
use kernel::ids::UserId;
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

/// Makes a user without any role: roles are given by who may give them.
///
/// # Errors
/// [`CreateUserError`].
pub async fn create_user(
    _permit: Permit<UsersWrite>,
    identity: &Identity,
    scope: &TenantScope,
    input: CreateUser,
) -> Result<Member, CreateUserError> {
    let CreateUser { email, name, password } = input;
    let mut tx = identity.database.tenant(scope).await?;
    let found = TenantRepo::tenant(&mut *tx).await;
    if let Some(tenant) = settle(tx, found).await? {
        password.check_personal(&[tenant.name.as_str(), tenant.slug.as_str()])?;
    }
    let password = identity.hasher.hash(password, &*identity.entropy).await?;
    let user = User {
        id: UserId::new(&*identity.clock),
        email,
        name,
        status: UserStatus::Active,
        self_registered: false,
        created_at: identity.clock.now(),
    };
    let mut tx = identity.database.tenant(scope).await?;
    let outcome = insert(&mut *tx, &user, &password).await;
    settle(tx, outcome).await?;
    Ok(Member { user, roles: Vec::new() })
}

async fn insert(tx: &mut dyn TenantTx, user: &User, password: &PasswordHash) -> Result<(), CreateUserError> {
    UserRepo::insert_user(tx, user, password).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::USER_EMAIL) { CreateUserError::EmailTaken } else { error.into() }
    })
}
