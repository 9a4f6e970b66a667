use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use iam::{Email, Password, PasswordHash, Slug, Tenant, TenantName, User, UserName};
use kernel::{StoreError, TenantScope};
use rbac::SystemRole;
use tokens::Client;

use crate::found_tenant::{FoundError, found_tenant, slugs};
use crate::tokens_for::SessionTokens;
use crate::{Identity, LoggedIn, TenantTx, TokensError, settle};

/// A business that wants to use Parley, and its first user.
#[derive(Debug)]
pub struct SignUp {
    pub tenant_name: TenantName,
    /// Made of the name when it is missing.
    pub slug: Option<Slug>,
    pub email: Email,
    pub password: Password,
    pub name: UserName,
    pub client: Client,
    pub origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    #[error("the slug is taken")]
    SlugTaken,
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// Makes a tenant with its system roles, a trial, and its first user as owner, and logs them in: in one transaction.
///
/// # Errors
/// [`SignUpError`].
pub async fn sign_up(identity: &Identity, input: SignUp) -> Result<LoggedIn, SignUpError> {
    let SignUp { tenant_name, slug, email, password, name, client, origin } = input;
    let password = identity.hasher.hash(password, &*identity.entropy).await.map_err(TokensError::from)?;
    let owner = User::new(email, name, false, &*identity.clock);
    for slug in slugs(&tenant_name, slug, &*identity.entropy)? {
        let tenant = Tenant::new(tenant_name.clone(), slug, &*identity.clock);
        #[expect(clippy::disallowed_methods, reason = "the tenant does not exist yet: it is made in this very scope")]
        let scope = TenantScope::mint(tenant.id);
        let mut tx = identity.database.tenant(&scope).await?;
        let outcome = write(identity, &mut *tx, &tenant, &owner, &password, client.clone(), origin.clone()).await;
        match settle(tx, outcome).await {
            Err(SignUpError::SlugTaken) => {}
            outcome => return Ok(identity.logged_in(tenant, owner, vec![SystemRole::Owner.key()], outcome?)),
        }
    }
    Err(SignUpError::SlugTaken)
}

async fn write(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    tenant: &Tenant,
    owner: &User,
    password: &PasswordHash,
    client: Client,
    origin: Origin,
) -> Result<SessionTokens, SignUpError> {
    found_tenant(tx, tenant, owner, password, &*identity.clock).await?;
    let record = Record::new(Actor::User(owner.id), origin, Action::TenantCreated, &*identity.clock)
        .about(target::TENANT, &tenant.id)
        .with("slug", tenant.slug.as_str())
        .with("name", tenant.name.as_str());
    AuditRepo::append_audit_record(tx, &record).await?;
    Ok(identity.start_first_session(tx, tenant.id, owner.id, client).await?)
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<FoundError> for SignUpError {
    fn from(error: FoundError) -> Self {
        match error {
            FoundError::SlugTaken => Self::SlugTaken,
            FoundError::Store(error) => error.into(),
        }
    }
}
