use audit::{Action, Record, RequestOrigin, target};
use iam::{Email, HashError, HashRequester, InvalidPassword, Password, PasswordHash, TenantRepo, User, UserName};
use kernel::{Clock, Permit, StoreError, UsersWrite};

use super::Member;
use crate::administration::CreateUserTx;
use crate::{AuthService, settle};

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
    let password = auth.hasher.hash(password, HashRequester::Authenticated, &*auth.entropy).await?;
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
    let record = Record::new(permit.actor().into(), origin, Action::UserCreated, clock);
    tx.append_audit_record(&record.about(target::USER, &user.id)).await?;
    Ok(Member { user, roles: Vec::new() })
}

#[cfg(test)]
mod tests {
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, auth_service, hash_of, origin, run};

    fn create(store: &mut FakeStore, email: &str) -> Result<Member, CreateUserError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        let user = User::new(Email::parse(email).unwrap(), UserName::default(), false, &*clock);
        let new = PreparedUser { user, password: hash_of("a long password") };
        run(create_user(permit, store, new, origin(), &*clock))
    }

    #[test]
    fn new_user_has_no_role_and_is_audited() {
        let mut store = FakeStore::with_owner();
        let member = create(&mut store, "ada@acme.example").unwrap();
        assert!(member.roles.is_empty());
        let record = store.audit_log.pop().unwrap();
        assert_eq!((record.action, record.target.unwrap().id), (Action::UserCreated, member.user.id.to_string()));
    }

    #[test]
    fn email_of_another_user_is_taken() {
        let mut store = FakeStore::with_owner();
        store.add_user("ada", SystemRole::Agent);
        assert!(matches!(create(&mut store, "ADA@acme.example"), Err(CreateUserError::EmailTaken)));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn user_is_not_prepared_without_a_database() {
        let mut store = FakeStore::with_owner();
        let auth = auth_service(&mut store);
        let input = CreateUser {
            email: Email::parse("ada@acme.example").unwrap(),
            name: UserName::default(),
            password: Password::for_new("a long password of ada", &[]).unwrap(),
        };
        let outcome = run(prepare_user(&store.permit(), &auth, input));
        assert!(matches!(outcome, Err(CreateUserError::Store(StoreError::Unavailable(_)))));
    }
}
