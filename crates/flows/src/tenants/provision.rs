use audit::{Action, AuditRepo, Origin, PlatformAuditRepo, Record, target};
use iam::{Email, HashError, Password, PasswordHash, Slug, Tenant, TenantName, User, UserName};
use kernel::seal::KeyRing;
use kernel::{Operator, StoreError, TenantScope};

use crate::found_tenant::{FoundError, found_tenant, slugs};
use crate::{
    IdempotencyError, Identity, KeptAnswer, KeyedRequest, TenantTx, TokensError, claim_request, keep_answer, settle,
};

/// A tenant that an operator wants, and its first user.
#[derive(Debug)]
pub struct ProvisionTenant {
    pub name: TenantName,
    /// Made of the name when it is missing.
    pub slug: Option<Slug>,
    pub owner_email: Email,
    pub owner_password: Password,
    pub owner_name: UserName,
}

/// Why there is no answer.
type Unanswerable = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("the slug is taken")]
    SlugTaken,
    #[error("the answer cannot be written")]
    Unanswerable(#[source] Unanswerable),
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// How an operator's wish ended.
#[derive(Debug)]
pub enum Provisioned {
    /// And this is the answer, as `answer` made it.
    Now(KeptAnswer),
    /// The same request made it before, and this was answered.
    Before(KeptAnswer),
}

/// Makes a tenant with its system roles and its first user as owner, and says so in the tenant's log and in the operators':
/// in one transaction, and once for a request that is sent again. `answer` says what is answered about the tenant; it must
/// hold no secrets.
///
/// # Errors
/// [`ProvisionError`].
pub async fn provision_tenant(
    operator: Operator,
    identity: &Identity,
    input: ProvisionTenant,
    request: Option<(&KeyedRequest, &KeyRing)>,
    answer: &(dyn Fn(&Tenant) -> Result<KeptAnswer, Unanswerable> + Sync),
    origin: &Origin,
) -> Result<Provisioned, ProvisionError> {
    let ProvisionTenant { name, slug, owner_email, owner_password, owner_name } = input;
    let password = identity.hasher.hash(owner_password, &*identity.entropy).await?;
    let owner = User::new(owner_email, owner_name, false, &*identity.clock);
    for slug in slugs(&name, slug, &*identity.entropy)? {
        let tenant = Tenant::new(name.clone(), slug, &*identity.clock);
        #[expect(clippy::disallowed_methods, reason = "the tenant does not exist yet: it is made in this very scope")]
        let scope = TenantScope::mint(tenant.id);
        let mut tx = identity.database.tenant(&scope).await?;
        let outcome = async {
            let now = identity.clock.now();
            if let Some((request, ring)) = request
                && let Some(answer) = claim_request(&mut *tx, request, ring, now).await?
            {
                return Ok(Provisioned::Before(answer));
            }
            write(operator, identity, &mut *tx, &tenant, &owner, &password, origin).await?;
            let answer = answer(&tenant).map_err(ProvisionError::Unanswerable)?;
            if let Some((request, ring)) = request {
                keep_answer(&mut *tx, request, &answer, ring, now).await?;
            }
            Ok(Provisioned::Now(answer))
        }
        .await;
        match settle(tx, outcome).await {
            Err(ProvisionError::SlugTaken) => {}
            outcome => return outcome,
        }
    }
    Err(ProvisionError::SlugTaken)
}

async fn write(
    operator: Operator,
    identity: &Identity,
    tx: &mut dyn TenantTx,
    tenant: &Tenant,
    owner: &User,
    password: &PasswordHash,
    origin: &Origin,
) -> Result<(), ProvisionError> {
    found_tenant(tx, tenant, owner, password, &*identity.clock).await?;
    let record = || {
        Record::new(operator.into(), origin.clone(), Action::TenantCreated, &*identity.clock)
            .about(target::TENANT, &tenant.id)
            .with("slug", tenant.slug.as_str())
            .with("name", tenant.name.as_str())
            .with("owner_id", owner.id.to_string())
    };
    AuditRepo::append_audit_record(tx, &record()).await?;
    PlatformAuditRepo::append_platform_audit_record(tx, &record()).await?;
    Ok(())
}

impl From<StoreError> for ProvisionError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<HashError> for ProvisionError {
    fn from(error: HashError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<FoundError> for ProvisionError {
    fn from(error: FoundError) -> Self {
        match error {
            FoundError::SlugTaken => Self::SlugTaken,
            FoundError::Store(error) => error.into(),
        }
    }
}
