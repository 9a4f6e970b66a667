use iam::{
    Email, Password, PasswordHash, SelfRegistration, Slug, Tenant, TenantName, TenantRepo, TenantStatus, User,
    UserName, UserRepo, UserStatus,
};
use kernel::ids::{RoleId, TenantId, UserId};
use kernel::{StoreError, TenantScope, hex};
use rbac::{MembershipRepo, Role, RoleRepo, SystemRole};
use tokens::Client;

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
}

#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    #[error("the slug is taken")]
    SlugTaken,
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// How often another slug is tried when the name's is taken.
const SLUG_TRIES: usize = 4;

/// Makes a tenant with its system roles, a trial, and its first user as owner, and logs them in: in one transaction.
///
/// # Errors
/// [`SignUpError`].
pub async fn sign_up(identity: &Identity, input: SignUp) -> Result<LoggedIn, SignUpError> {
    let SignUp { tenant_name, slug, email, password, name, client } = input;
    let password = identity.hasher.hash(password, &*identity.entropy).await.map_err(TokensError::from)?;
    let user = User {
        id: UserId::new(&*identity.clock),
        email,
        name,
        status: UserStatus::Active,
        self_registered: false,
        created_at: identity.clock.now(),
    };
    if let Some(slug) = slug {
        return make_tenant(identity, tenant_name, slug, user, &password, client).await;
    }
    let mut slug = Slug::suggest(&tenant_name);
    for _ in 0..SLUG_TRIES {
        let candidate = match slug.take() {
            Some(slug) => slug,
            None => random_slug(identity, &tenant_name)?,
        };
        let outcome =
            make_tenant(identity, tenant_name.clone(), candidate, user.clone(), &password, client.clone()).await;
        if !matches!(outcome, Err(SignUpError::SlugTaken)) {
            return outcome;
        }
    }
    Err(SignUpError::SlugTaken)
}

async fn make_tenant(
    identity: &Identity,
    name: TenantName,
    slug: Slug,
    user: User,
    password: &PasswordHash,
    client: Client,
) -> Result<LoggedIn, SignUpError> {
    let tenant = Tenant {
        id: TenantId::new(&*identity.clock),
        slug,
        name,
        status: TenantStatus::Active,
        self_registration: SelfRegistration::Open,
        created_at: identity.clock.now(),
    };
    #[expect(clippy::disallowed_methods, reason = "the tenant does not exist yet: it is made in this very scope")]
    let scope = TenantScope::mint(tenant.id);
    let mut tx = identity.database.tenant(&scope).await?;
    let outcome = write(identity, &mut *tx, &tenant, &user, password, client).await;
    let tokens = settle(tx, outcome).await?;
    Ok(identity.logged_in(tenant, user, vec![SystemRole::Owner.key()], tokens))
}

async fn write(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    tenant: &Tenant,
    user: &User,
    password: &PasswordHash,
    client: Client,
) -> Result<SessionTokens, SignUpError> {
    let now = identity.clock.now();
    TenantRepo::insert_tenant(tx, tenant).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::TENANT_SLUG) { SignUpError::SlugTaken } else { error.into() }
    })?;
    let roles: Vec<Role> =
        SystemRole::ALL.into_iter().map(|role| role.with_id(RoleId::new(&*identity.clock))).collect();
    RoleRepo::insert_roles(tx, &roles, now).await?;
    UserRepo::insert_user(tx, user, password).await?;
    let owner = SystemRole::Owner.key();
    for role in roles.iter().filter(|role| role.key == owner) {
        MembershipRepo::insert_membership(tx, user.id, role.id, now).await?;
    }
    billing::start_trial(tx, now).await?;
    Ok(identity.start_session(tx, tenant.id, user.id, client).await?)
}

/// The name's slug with a random end, or a random one altogether.
fn random_slug(identity: &Identity, name: &TenantName) -> Result<Slug, TokensError> {
    let mut random = [0; 3];
    identity.entropy.fill(&mut random)?;
    let stem: String =
        Slug::suggest(name).map_or_else(|| "tenant".to_owned(), |slug| slug.as_str().chars().take(50).collect());
    let slug = format!("{}-{}", stem.trim_end_matches('-'), hex(&random));
    Slug::parse(&slug).map_err(|_| StoreError::corrupt(format!("{slug:?} is no slug")).into())
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
