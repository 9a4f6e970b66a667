use iam::{
    Email, Password, PasswordHash, Tenant, TenantReference, TenantRepo, TenantStatus, User, UserRepo, UserStatus,
    Verification,
};
use kernel::ids::TenantId;
use kernel::{StoreError, TenantScope};
use rbac::MembershipRepo;
use tokens::Client;

use crate::throttle::{ReserveError, Try};
use crate::{Identity, LoggedIn, TenantTx, Throttled, TokensError, settle};

/// Somebody at the door.
#[derive(Debug)]
pub struct LogIn {
    pub tenant: TenantReference,
    pub email: Email,
    pub password: Password,
    pub client: Client,
}

#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// One answer, whatever was wrong: tenant, user, password or a suspension.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// Somebody who knows the password, as they were when it was verified.
struct Known {
    tenant: TenantId,
    user: User,
    stored: PasswordHash,
    renewed: Option<PasswordHash>,
}

/// Lets a user in who knows their password. A refused one costs the same work, whatever was wrong. It must be driven to its
/// end, whether or not somebody waits for it: a try that nobody settles counts as a failure.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(identity: &Identity, input: LogIn) -> Result<LoggedIn, LogInError> {
    let LogIn { tenant, email, password, client } = input;
    let (tenant, name) = identity.find_tenant(&tenant).await?;
    let counted = identity.throttle.of_account(&name, &email, client.address);
    let slot = identity.reserve(counted).await?;
    let verified = verify(identity, tenant, &email, password).await;
    let outcome = match &verified {
        Ok(Some(_)) => Try::Right,
        Ok(None) => Try::Wrong,
        Err(_) => Try::None,
    };
    identity.settle_try(slot, outcome).await?;
    let known = verified?.ok_or(LogInError::InvalidCredentials)?;
    let mut tx = identity.database.tenant(&scope(known.tenant)).await?;
    let outcome = start(identity, &mut *tx, known, client).await;
    settle(tx, outcome).await
}

/// Whoever it is, if everything is right. An unknown tenant is asked for the user, too: the time of the answer must not tell
/// which it was.
async fn verify(
    identity: &Identity,
    tenant: Option<Tenant>,
    email: &Email,
    password: Password,
) -> Result<Option<Known>, TokensError> {
    let id = tenant.as_ref().map_or_else(|| TenantId::new(&*identity.clock), |tenant| tenant.id);
    let mut tx = identity.database.tenant(&scope(id)).await?;
    let found = UserRepo::user_by_email(&mut *tx, email).await;
    let Some((tenant, (user, stored))) = tenant.zip(settle(tx, found).await?) else {
        identity.hasher.verify_nothing(password, &*identity.entropy).await?;
        return Ok(None);
    };
    let may_work = tenant.status == TenantStatus::Active && user.status == UserStatus::Active;
    let verification = identity.hasher.verify(password, stored.clone(), may_work, &*identity.entropy).await?;
    Ok(match verification {
        Verification::Right { renewed } if may_work => Some(Known { tenant: tenant.id, user, stored, renewed }),
        _ => None,
    })
}

async fn start(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    known: Known,
    client: Client,
) -> Result<LoggedIn, LogInError> {
    // While the password was verified, it may have been changed, or the user suspended: their sessions have ended then, and
    // this must not be one more.
    let tenant = TenantRepo::tenant(tx).await?.filter(|tenant| tenant.status == TenantStatus::Active);
    let unchanged = |(user, stored): &(User, PasswordHash)| {
        user.status == UserStatus::Active && stored.as_phc() == known.stored.as_phc()
    };
    let user = UserRepo::lock_user(tx, known.user.id).await?.filter(unchanged);
    let (tenant, (user, _)) = tenant.zip(user).ok_or(LogInError::InvalidCredentials)?;
    if let Some(renewed) = known.renewed {
        UserRepo::set_password(tx, user.id, &renewed).await?;
    }
    let roles = MembershipRepo::role_keys(tx, user.id).await?;
    let tokens = identity.start_session(tx, tenant.id, user.id, client).await?;
    Ok(identity.logged_in(tenant, user, roles, tokens))
}

#[expect(clippy::disallowed_methods, reason = "whoever logs in names the tenant; its user's password is then checked")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}

impl From<StoreError> for LogInError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReserveError> for LogInError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Throttled(throttled) => throttled.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}
