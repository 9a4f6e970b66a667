use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{
    Email, HashRequester, InvalidPassword, Password, PasswordHash, SelfRegistration, Tenant, TenantReference,
    TenantStatus, User, UserName,
};
use kernel::{StoreError, TenantScope};
use tokens::SessionClient;

use super::ports::RegisterTx;
use super::rate_limit::{AttemptOutcome, CountError, ReserveError};
use crate::{AuthService, AuthServiceError, LoggedIn, RateLimited, TooManyAccounts, settle};

/// A request to become a user of a tenant. It names neither a role nor permissions, because the person is not verified.
#[derive(Debug)]
pub struct Register {
    pub tenant: TenantReference,
    pub email: Email,
    pub password: Password,
    pub name: UserName,
    pub client: SessionClient,
    pub origin: RequestOrigin,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The tenant does not exist or is suspended.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// Administrators create the users of this tenant.
    #[error("self-registration is closed in this tenant")]
    SelfRegistrationClosed,
    #[error("the tenant has a user with that email address")]
    EmailTaken,
    #[error(transparent)]
    WeakPassword(#[from] InvalidPassword),
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    #[error(transparent)]
    TooManyAccounts(#[from] TooManyAccounts),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

impl RegisterError {
    /// Whether the refusal tells something about existing tenants or users, so that it counts against the rate limit.
    const fn is_probing(&self) -> bool {
        matches!(self, Self::InvalidCredentials | Self::SelfRegistrationClosed | Self::EmailTaken)
    }
}

/// Creates a user without any role, and logs them in. Each registration counts against its own limit, and refusals that tell
/// something also against that of logins. Like [`log_in`](crate::log_in), it must be polled to completion.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(auth: &AuthService, input: Register) -> Result<LoggedIn, RegisterError> {
    auth.count_attempt(&auth.rate_limiter.registration_buckets(input.client.address)).await?;
    let reservation = auth.reserve_attempt(auth.rate_limiter.address_buckets(input.client.address)).await?;
    let outcome = register_user(auth, input).await;
    let end = match &outcome {
        Ok(_) => AttemptOutcome::Succeeded,
        Err(error) if error.is_probing() => AttemptOutcome::Failed,
        Err(_) => AttemptOutcome::Aborted,
    };
    auth.finish_attempt(reservation, end).await?;
    outcome
}

async fn register_user(auth: &AuthService, input: Register) -> Result<LoggedIn, RegisterError> {
    let Register { tenant, email, password, name, client, origin } = input;
    let tenant = auth.find_tenant(&tenant).await?;
    if let Some(tenant) = tenant.as_ref().filter(|tenant| tenant.status == TenantStatus::Active) {
        password.check_personal(&[tenant.name.as_str(), tenant.slug.as_str()])?;
    }
    // Hash even if the tenant does not exist: the response time must not tell.
    let password =
        auth.hasher.hash(password, HashRequester::Stranger, &*auth.entropy).await.map_err(AuthServiceError::from)?;
    let tenant = tenant.ok_or(RegisterError::InvalidCredentials)?;
    let user = User::new(email, name, true, &*auth.clock);
    #[expect(
        clippy::disallowed_methods,
        reason = "the request names the tenant, whose settings allow or refuse registration"
    )]
    let scope = TenantScope::mint(tenant.id);
    let mut tx = auth.database.tenant(&scope).await?;
    let outcome = write(auth, &mut *tx, user, &password, client, origin).await;
    settle(tx, outcome).await
}

async fn write(
    auth: &AuthService,
    tx: &mut dyn RegisterTx,
    user: User,
    password: &PasswordHash,
    client: SessionClient,
    origin: RequestOrigin,
) -> Result<LoggedIn, RegisterError> {
    let active = |tenant: &Tenant| tenant.status == TenantStatus::Active;
    let tenant = tx.tenant().await?.filter(active).ok_or(RegisterError::InvalidCredentials)?;
    if tenant.self_registration == SelfRegistration::Closed {
        return Err(RegisterError::SelfRegistrationClosed);
    }
    tx.insert_user(&user, password).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::USER_EMAIL) { RegisterError::EmailTaken } else { error.into() }
    })?;
    let record = Record::new(Principal::User(user.id), origin, Action::UserRegistered, &*auth.clock)
        .about(target::USER, &user.id);
    tx.append_audit_record(&record).await?;
    let tokens = auth.start_first_session(tx, tenant.id, user.id, client).await?;
    Ok(auth.logged_in(tenant, user, Vec::new(), tokens))
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<CountError> for RegisterError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::TooManyAccounts(refusal) => refusal.into(),
            CountError::Failed(error) => error.into(),
        }
    }
}

impl From<ReserveError> for RegisterError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::RateLimited(refusal) | ReserveError::AddressUnknown(refusal) => refusal.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::Clock as _;
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, auth_service, hash_of, run};

    fn register_in(store: &mut FakeStore, email: &str) -> Result<LoggedIn, RegisterError> {
        let auth = auth_service(store);
        let user = User::new(Email::parse(email).unwrap(), UserName::default(), true, &*auth.clock);
        let password = hash_of("a long password");
        run(write(&auth, store, user, &password, SessionClient::default(), RequestOrigin::default()))
    }

    #[test]
    fn registered_user_has_a_session_and_no_role() {
        let mut store = FakeStore::with_owner();
        let logged_in = register_in(&mut store, "ada@acme.example").unwrap();
        assert!(logged_in.roles.is_empty() && logged_in.user.self_registered);
        assert_eq!(store.active_sessions(logged_in.user.id, store.clock.now()).len(), 1);
        assert_eq!(store.audited(), [Action::UserRegistered]);
    }

    #[test]
    fn closed_tenant_registers_no_user() {
        let mut store = FakeStore::with_owner();
        store.tenant.as_mut().unwrap().self_registration = SelfRegistration::Closed;
        let outcome = register_in(&mut store, "ada@acme.example");
        assert!(matches!(outcome, Err(RegisterError::SelfRegistrationClosed)));
        assert_eq!(store.users.len(), 1);
    }

    #[test]
    fn suspended_tenant_looks_like_an_unknown_one() {
        let mut store = FakeStore::with_owner();
        store.tenant.as_mut().unwrap().status = TenantStatus::Suspended;
        let outcome = register_in(&mut store, "ada@acme.example");
        assert!(matches!(outcome, Err(RegisterError::InvalidCredentials)));
    }

    #[test]
    fn email_of_another_user_is_taken() {
        let mut store = FakeStore::with_owner();
        store.add_user("ada", SystemRole::Agent);
        assert!(matches!(register_in(&mut store, "ada@acme.example"), Err(RegisterError::EmailTaken)));
        assert!(store.audit_log.is_empty() && store.sessions.is_empty());
    }

    #[test]
    fn only_refusals_that_tell_something_count() {
        assert!(RegisterError::EmailTaken.is_probing() && RegisterError::InvalidCredentials.is_probing());
        assert!(!RegisterError::WeakPassword(InvalidPassword::TooShort).is_probing());
    }
}
