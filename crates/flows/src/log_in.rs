use iam::{
    Email, Password, PasswordHash, Tenant, TenantDirectory, TenantReference, TenantStatus, User, UserRepo, UserStatus,
};
use kernel::ids::TenantId;
use kernel::{StoreError, TenantScope};
use rbac::MembershipRepo;
use tokens::Client;

use crate::{Identity, LoggedIn, TenantTx, TokensError, settle};

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
    Failed(#[from] TokensError),
}

/// Lets a user in who knows their password. A refused one costs the same work, whatever was wrong.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(identity: &Identity, input: LogIn) -> Result<LoggedIn, LogInError> {
    let LogIn { tenant, email, password, client } = input;
    let Some((tenant, user, hash)) = find(identity, &tenant, &email).await? else {
        identity.hasher.verify_nothing(password).await.map_err(TokensError::from)?;
        return Err(LogInError::InvalidCredentials);
    };
    let right = identity.hasher.verify(password, hash).await.map_err(TokensError::from)?;
    let may_work = tenant.status == TenantStatus::Active && user.status == UserStatus::Active;
    if !right || !may_work {
        return Err(LogInError::InvalidCredentials);
    }
    let mut tx = identity.database.tenant(&scope(tenant.id)).await?;
    let outcome = start(identity, &mut *tx, tenant, user, client).await;
    settle(tx, outcome).await
}

/// The tenant, and its user with that address. An unknown tenant is asked for the user, too: the time of the answer must not
/// tell which it was.
async fn find(
    identity: &Identity,
    reference: &TenantReference,
    email: &Email,
) -> Result<Option<(Tenant, User, PasswordHash)>, StoreError> {
    let mut tx = identity.database.directory().await?;
    let found = TenantDirectory::find_tenant(&mut *tx, reference).await;
    let tenant = settle(tx, found).await?;

    let id = tenant.as_ref().map_or_else(|| TenantId::new(&*identity.clock), |tenant| tenant.id);
    let mut tx = identity.database.tenant(&scope(id)).await?;
    let found = UserRepo::user_by_email(&mut *tx, email).await;
    let user = settle(tx, found).await?;
    Ok(tenant.zip(user).map(|(tenant, (user, hash))| (tenant, user, hash)))
}

async fn start(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    tenant: Tenant,
    user: User,
    client: Client,
) -> Result<LoggedIn, LogInError> {
    let roles = MembershipRepo::role_keys(tx, user.id).await?;
    let tokens = identity.start_session(tx, tenant.id, user.id, client).await?;
    Ok(LoggedIn {
        tenant,
        user,
        roles,
        access_token: tokens.access_token,
        expires_in: identity.policy.lifetime,
        refresh_token: tokens.refresh_token,
    })
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
