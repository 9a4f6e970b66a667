use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{Email, Password, PasswordHash, Slug, Tenant, TenantName, User, UserName};
use kernel::{StoreError, TenantScope};
use rbac::SystemRole;
use tokens::SessionClient;

use super::ports::SignUpTx;
use super::service::SessionTokens;
use crate::administration::{CreateTenantError, create_tenant, slugs};
use crate::{AuthService, AuthServiceError, LoggedIn, settle};

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
    Failed(#[from] AuthServiceError),
}

/// Creates a tenant with its system roles, a trial and its first user as owner, and logs them in, in one transaction.
///
/// # Errors
/// [`SignUpError`].
pub async fn sign_up(auth: &AuthService, input: SignUp) -> Result<LoggedIn, SignUpError> {
    let SignUp { tenant_name, slug, email, password, name, client, origin } = input;
    let password = auth.hasher.hash(password, &*auth.entropy).await.map_err(AuthServiceError::from)?;
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

impl From<CreateTenantError> for SignUpError {
    fn from(error: CreateTenantError) -> Self {
        match error {
            CreateTenantError::SlugTaken => Self::SlugTaken,
            CreateTenantError::Store(error) => error.into(),
        }
    }
}
