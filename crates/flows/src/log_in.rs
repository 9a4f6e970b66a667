use iam::{
    Email, Password, PasswordHash, Tenant, TenantReference, TenantStatus, User, UserRepo, UserStatus, Verification,
};
use kernel::ids::TenantId;
use kernel::{StoreError, TenantScope};
use rbac::RoleKey;
use tokens::Client;

use crate::throttle::{ReserveError, Try};
use crate::{Candidate, Identity, LoggedIn, TenantTx, Throttled, TokensError, settle};

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
    tenant: Tenant,
    user: User,
    stored: PasswordHash,
    roles: Vec<RoleKey>,
    renewed: Option<PasswordHash>,
}

/// Lets a user in who knows their password. A refused one costs the same work, whatever was wrong. It must be driven to its
/// end, whether or not somebody waits for it: a try that nobody settles counts as a failure.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(identity: &Identity, input: LogIn) -> Result<LoggedIn, LogInError> {
    let LogIn { tenant, email, password, client } = input;
    let candidate = identity.database.candidate(&tenant, &email).await?;
    let name = tenant.counted_as(candidate.as_ref().map(|candidate| &candidate.tenant));
    let counted = identity.throttle.of_account(&name, &email, client.address);
    let slot = identity.reserve(counted).await?;
    let verified = verify(identity, candidate, password).await;
    let outcome = match &verified {
        Ok(Some(_)) => Try::Right,
        Ok(None) => Try::Wrong,
        Err(_) => Try::None,
    };
    identity.settle_try(slot, outcome).await?;
    let known = verified?.ok_or(LogInError::InvalidCredentials)?;
    let mut tx = identity.database.tenant(&scope(known.tenant.id)).await?;
    let outcome = start(identity, &mut *tx, known, client).await;
    settle(tx, outcome).await
}

/// Whoever it is, if everything is right. Whatever is wrong, a password is verified: the time of the answer must not tell
/// which it was.
async fn verify(
    identity: &Identity,
    candidate: Option<Candidate>,
    password: Password,
) -> Result<Option<Known>, TokensError> {
    let Some(Candidate { tenant, user: Some((user, stored)), roles }) = candidate else {
        identity.hasher.verify_nothing(password, &*identity.entropy).await?;
        return Ok(None);
    };
    let may_work = tenant.status == TenantStatus::Active && user.status == UserStatus::Active;
    let verification = identity.hasher.verify(password, stored.clone(), may_work, &*identity.entropy).await?;
    Ok(match verification {
        Verification::Right { renewed } if may_work => Some(Known { tenant, user, stored, roles, renewed }),
        _ => None,
    })
}

async fn start(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    known: Known,
    client: Client,
) -> Result<LoggedIn, LogInError> {
    let Known { tenant, user, stored, roles, renewed } = known;
    // While the password was verified, it may have been changed, or the user suspended: their sessions have ended then, and
    // this must not be one more. The tenant is looked at by each request.
    let unchanged =
        |(user, hash): &(User, PasswordHash)| user.status == UserStatus::Active && hash.as_phc() == stored.as_phc();
    UserRepo::lock_user(tx, user.id).await?.filter(unchanged).ok_or(LogInError::InvalidCredentials)?;
    if let Some(renewed) = renewed {
        UserRepo::set_password(tx, user.id, &renewed).await?;
    }
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
