use audit::{Action, Record, RequestOrigin, target};
use iam::{Email, HashError, HashRequester, Password, PasswordHash, Slug, Tenant, TenantName, User, UserName};
use kernel::seal::KeyRing;
use kernel::{Operator, StoreError, TenantScope};

use crate::administration::{CreateTenantError, ProvisionTenantTx, create_tenant, slugs};
use crate::{
    AuthService, AuthServiceError, IdempotencyError, KeyedRequest, StoredResponse, claim_request, settle,
    store_response,
};

/// An operator's request for a tenant and its first user.
#[derive(Debug)]
pub struct ProvisionTenant {
    pub name: TenantName,
    /// Derived from the name if missing.
    pub slug: Option<Slug>,
    pub owner_email: Email,
    pub owner_password: Password,
    pub owner_name: UserName,
}

/// Why the response could not be made.
type Unanswerable = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("the slug is taken")]
    SlugTaken,
    #[error("the response could not be made")]
    Unanswerable(#[source] Unanswerable),
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

/// The response to an operator.
#[derive(Debug)]
pub enum ProvisionOutcome {
    /// The tenant was created.
    Created(StoredResponse),
    /// The same request created the tenant before; this is the response of that time.
    Replayed(StoredResponse),
}

/// Creates a tenant with its system roles and its first user as owner, recorded in the tenant's audit log and in the platform's,
/// in one transaction; once, if the request has an idempotency key. `answer` makes the response, which must hold no secrets.
///
/// # Errors
/// [`ProvisionError`].
pub async fn provision_tenant(
    operator: Operator,
    auth: &AuthService,
    input: ProvisionTenant,
    request: Option<(&KeyedRequest, &KeyRing)>,
    answer: &(dyn Fn(&Tenant) -> Result<StoredResponse, Unanswerable> + Sync),
    origin: &RequestOrigin,
) -> Result<ProvisionOutcome, ProvisionError> {
    let ProvisionTenant { name, slug, owner_email, owner_password, owner_name } = input;
    let password = auth.hasher.hash(owner_password, HashRequester::Authenticated, &*auth.entropy).await?;
    let owner = User::new(owner_email, owner_name, false, &*auth.clock);
    for slug in slugs(&name, slug, &*auth.entropy)? {
        let tenant = Tenant::new(name.clone(), slug, &*auth.clock);
        #[expect(clippy::disallowed_methods, reason = "the tenant does not exist yet: it is created in this scope")]
        let scope = TenantScope::mint(tenant.id);
        let mut tx = auth.database.tenant(&scope).await?;
        let outcome = async {
            let now = auth.clock.now();
            if let Some((request, ring)) = request
                && let Some(answer) = claim_request(&mut *tx, request, ring, now).await?
            {
                return Ok(ProvisionOutcome::Replayed(answer));
            }
            write(operator, auth, &mut *tx, &tenant, &owner, &password, origin).await?;
            let answer = answer(&tenant).map_err(ProvisionError::Unanswerable)?;
            if let Some((request, ring)) = request {
                store_response(&mut *tx, request, &answer, ring, now).await?;
            }
            Ok(ProvisionOutcome::Created(answer))
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
    auth: &AuthService,
    tx: &mut dyn ProvisionTenantTx,
    tenant: &Tenant,
    owner: &User,
    password: &PasswordHash,
    origin: &RequestOrigin,
) -> Result<(), ProvisionError> {
    create_tenant(tx, tenant, owner, password, &*auth.clock).await?;
    let record = || {
        Record::new(operator.into(), origin.clone(), Action::TenantCreated, &*auth.clock)
            .about(target::TENANT, &tenant.id)
            .with("slug", tenant.slug.as_str())
            .with("name", tenant.name.as_str())
            .with("owner_id", owner.id.to_string())
    };
    tx.append_audit_record(&record()).await?;
    tx.append_platform_audit_record(&record()).await?;
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

impl From<CreateTenantError> for ProvisionError {
    fn from(error: CreateTenantError) -> Self {
        match error {
            CreateTenantError::SlugTaken => Self::SlugTaken,
            CreateTenantError::Store(error) => error.into(),
        }
    }
}
