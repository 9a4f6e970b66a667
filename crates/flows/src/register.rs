use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use iam::{
    Email, InvalidPassword, Password, PasswordHash, SelfRegistration, Tenant, TenantReference, TenantRepo,
    TenantStatus, User, UserName, UserRepo,
};
use kernel::{StoreError, TenantScope};
use tokens::Client;

use crate::throttle::{ReserveError, Try};
use crate::{Identity, LoggedIn, TenantTx, Throttled, TokensError, settle};

/// Somebody who wants to be a user of a tenant. They can say neither in which role nor with which rights: nobody has verified
/// who they are.
#[derive(Debug)]
pub struct Register {
    pub tenant: TenantReference,
    pub email: Email,
    pub password: Password,
    pub name: UserName,
    pub client: Client,
    pub origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// There is no such tenant, or it is suspended.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// Users of this tenant are made by its administrators.
    #[error("people cannot register themselves in this tenant")]
    Closed,
    #[error("the tenant has a user with that address")]
    EmailTaken,
    #[error(transparent)]
    WeakPassword(#[from] InvalidPassword),
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Failed(#[from] TokensError),
}

impl RegisterError {
    /// Whether somebody may be finding out which tenants there are, or who their users are.
    const fn is_probing(&self) -> bool {
        matches!(self, Self::InvalidCredentials | Self::Closed | Self::EmailTaken)
    }
}

/// Makes a user without any role, and logs them in. It must be driven to its end, as [`log_in`](crate::log_in).
///
/// # Errors
/// [`RegisterError`].
pub async fn register(identity: &Identity, input: Register) -> Result<LoggedIn, RegisterError> {
    let slot = identity.reserve(identity.throttle.of_address(input.client.address)).await?;
    let outcome = try_to(identity, input).await;
    let end = match &outcome {
        Ok(_) => Try::Right,
        Err(error) if error.is_probing() => Try::Wrong,
        Err(_) => Try::None,
    };
    identity.settle_try(slot, end).await?;
    outcome
}

async fn try_to(identity: &Identity, input: Register) -> Result<LoggedIn, RegisterError> {
    let Register { tenant, email, password, name, client, origin } = input;
    let tenant = identity.find_tenant(&tenant).await?;
    if let Some(tenant) = tenant.as_ref().filter(|tenant| tenant.status == TenantStatus::Active) {
        password.check_personal(&[tenant.name.as_str(), tenant.slug.as_str()])?;
    }
    // Whether or not there is such a tenant.
    let password = identity.hasher.hash(password, &*identity.entropy).await.map_err(TokensError::from)?;
    let tenant = tenant.ok_or(RegisterError::InvalidCredentials)?;
    let user = User::new(email, name, true, &*identity.clock);
    #[expect(clippy::disallowed_methods, reason = "whoever registers names the tenant, which says whether they may")]
    let scope = TenantScope::mint(tenant.id);
    let mut tx = identity.database.tenant(&scope).await?;
    let outcome = write(identity, &mut *tx, user, &password, client, origin).await;
    settle(tx, outcome).await
}

async fn write(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    user: User,
    password: &PasswordHash,
    client: Client,
    origin: Origin,
) -> Result<LoggedIn, RegisterError> {
    let active = |tenant: &Tenant| tenant.status == TenantStatus::Active;
    let tenant = TenantRepo::tenant(tx).await?.filter(active).ok_or(RegisterError::InvalidCredentials)?;
    if tenant.self_registration == SelfRegistration::Closed {
        return Err(RegisterError::Closed);
    }
    UserRepo::insert_user(tx, &user, password).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::USER_EMAIL) { RegisterError::EmailTaken } else { error.into() }
    })?;
    let record = Record::new(Actor::User(user.id), origin, Action::UserRegistered, &*identity.clock)
        .about(target::USER, &user.id);
    AuditRepo::append_audit_record(tx, &record).await?;
    let tokens = identity.start_first_session(tx, tenant.id, user.id, client).await?;
    Ok(identity.logged_in(tenant, user, Vec::new(), tokens))
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReserveError> for RegisterError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Throttled(throttled) => throttled.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}
