use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{Email, HashRequester, Password, PasswordHash, Slug, Tenant, TenantName, User, UserName};
use kernel::{StoreError, TenantScope};
use rbac::SystemRole;
use tokens::SessionClient;

use super::ports::SignUpTx;
use super::rate_limit::CountError;
use super::service::SessionTokens;
use crate::administration::{CreateTenantError, create_tenant, slugs};
use crate::{AuthService, AuthServiceError, LoggedIn, TooManyAccounts, settle};

/// A request to create a tenant and its first user.
#[derive(Debug)]
pub struct SignUp {
    pub tenant_name: TenantName,
    /// Derived from the name if missing.
    pub slug: Option<Slug>,
    pub email: Email,
    pub password: Password,
    pub name: UserName,
    pub client: SessionClient,
    pub origin: RequestOrigin,
}

#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    #[error("the slug is taken")]
    SlugTaken,
    #[error(transparent)]
    TooManyAccounts(#[from] TooManyAccounts),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

/// Creates a tenant as [`create_signed_up`] does, unless too many were created from the address or in the deployment. It must
/// be polled to completion even if the client disconnects.
///
/// # Errors
/// [`SignUpError`].
pub async fn sign_up(auth: &AuthService, input: SignUp) -> Result<LoggedIn, SignUpError> {
    auth.count_attempt(&auth.rate_limiter.signup_buckets(input.client.address)).await?;
    create_signed_up(auth, input).await
}

/// Creates a tenant with its system roles, a trial and its first user as owner, and logs them in, in one transaction. For
/// callers that are not strangers, such as the command line: no rate limit applies.
///
/// # Errors
/// [`SignUpError`].
pub async fn create_signed_up(auth: &AuthService, input: SignUp) -> Result<LoggedIn, SignUpError> {
    let SignUp { tenant_name, slug, email, password, name, client, origin } = input;
    let password =
        auth.hasher.hash(password, HashRequester::Stranger, &*auth.entropy).await.map_err(AuthServiceError::from)?;
    let owner = User::new(email, name, false, &*auth.clock);
    for slug in slugs(&tenant_name, slug, &*auth.entropy)? {
        let tenant = Tenant::new(tenant_name.clone(), slug, &*auth.clock);
        #[expect(clippy::disallowed_methods, reason = "the tenant does not exist yet: it is created in this scope")]
        let scope = TenantScope::mint(tenant.id);
        let mut tx = auth.database.tenant(&scope).await?;
        let outcome = write(auth, &mut *tx, &tenant, &owner, &password, client.clone(), origin.clone()).await;
        match settle(tx, outcome).await {
            Err(SignUpError::SlugTaken) => {}
            outcome => return Ok(auth.logged_in(tenant, owner, vec![SystemRole::Owner.key()], outcome?)),
        }
    }
    Err(SignUpError::SlugTaken)
}

async fn write(
    auth: &AuthService,
    tx: &mut dyn SignUpTx,
    tenant: &Tenant,
    owner: &User,
    password: &PasswordHash,
    client: SessionClient,
    origin: RequestOrigin,
) -> Result<SessionTokens, SignUpError> {
    create_tenant(tx, tenant, owner, password, &*auth.clock).await?;
    let record = Record::new(Principal::User(owner.id), origin, Action::TenantCreated, &*auth.clock)
        .about(target::TENANT, &tenant.id)
        .with("slug", tenant.slug.as_str())
        .with("name", tenant.name.as_str());
    tx.append_audit_record(&record).await?;
    Ok(auth.start_first_session(tx, tenant.id, owner.id, client).await?)
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<CountError> for SignUpError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::TooManyAccounts(refusal) => refusal.into(),
            CountError::Failed(error) => error.into(),
        }
    }
}

impl From<CreateTenantError> for SignUpError {
    fn from(error: CreateTenantError) -> Self {
        match error {
            CreateTenantError::SlugTaken => Self::SlugTaken,
            CreateTenantError::Store(error) => error.into(),
        }
    }
}
