use iam::{PasswordHash, Slug, Tenant, TenantName, User};
use kernel::ids::RoleId;
use kernel::{Clock, Entropy, StoreError};
use rbac::{Role, SystemRole};

use crate::AuthServiceError;
use crate::administration::CreateTenantTx;

/// Why a tenant was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateTenantError {
    #[error("the slug is taken")]
    SlugTaken,
    #[error(transparent)]
    Store(StoreError),
}

/// Creates a tenant with its system roles, its owner and its trial, in the scope of the new tenant.
///
/// # Errors
/// [`CreateTenantError`].
pub(crate) async fn create_tenant(
    tx: &mut dyn CreateTenantTx,
    tenant: &Tenant,
    owner: &User,
    password: &PasswordHash,
    clock: &dyn Clock,
) -> Result<(), CreateTenantError> {
    let now = clock.now();
    tx.insert_tenant(tenant).await.map_err(|error| {
        if error.is_conflict_with(iam::constraint::TENANT_SLUG) { CreateTenantError::SlugTaken } else { error.into() }
    })?;
    let roles: Vec<Role> = SystemRole::ALL.iter().map(|role| role.with_id(RoleId::new(clock), now)).collect();
    tx.insert_roles(&roles).await?;
    tx.insert_user(owner, password).await?;
    for role in roles.iter().filter(|role| role.key == SystemRole::Owner.key()) {
        tx.insert_membership(owner.id, role.id, now).await?;
    }
    billing::start_trial(tx, now).await?;
    Ok(())
}

/// How many slugs are tried if the caller names none.
const SLUG_TRIES: usize = 4;

/// Slugs to try, in this order: only the requested one, or some derived from the name.
///
/// # Errors
/// [`AuthServiceError`].
pub(crate) fn slugs(
    name: &TenantName,
    asked: Option<Slug>,
    entropy: &dyn Entropy,
) -> Result<Vec<Slug>, AuthServiceError> {
    if let Some(slug) = asked {
        return Ok(vec![slug]);
    }
    let mut slugs: Vec<Slug> = Slug::suggest(name).into_iter().collect();
    while slugs.len() < SLUG_TRIES {
        slugs.push(random_slug(name, entropy)?);
    }
    Ok(slugs)
}

/// The name's slug with a random suffix.
fn random_slug(name: &TenantName, entropy: &dyn Entropy) -> Result<Slug, AuthServiceError> {
    let mut random = [0; 3];
    entropy.fill(&mut random)?;
    let stem: String =
        Slug::suggest(name).map_or_else(|| "tenant".to_owned(), |slug| slug.as_str().chars().take(50).collect());
    let slug = format!("{}-{}", stem.trim_end_matches('-'), hex::encode(random));
    Slug::parse(&slug).map_err(|_| StoreError::corrupt(format!("{slug:?} is no slug")).into())
}

impl From<StoreError> for CreateTenantError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    fn slugs_of(name: &str, asked: Option<&str>) -> Vec<String> {
        let asked = asked.map(|slug| Slug::parse(slug).unwrap());
        let slugs = slugs(&TenantName::parse(name).unwrap(), asked, &SystemEntropy::new()).unwrap();
        slugs.iter().map(|slug| slug.as_str().to_owned()).collect()
    }

    #[test]
    fn requested_slug_is_the_only_one_tried() {
        assert_eq!(slugs_of("Acme", Some("acme-eu")), ["acme-eu"]);
    }

    #[test]
    fn slug_of_the_name_is_tried_before_random_ones() {
        let tried = slugs_of("Acme & Co", None);
        assert_eq!((tried.len(), tried[0].as_str()), (SLUG_TRIES, "acme-co"));
        assert!(tried[1..].iter().all(|slug| slug.starts_with("acme-co-") && slug.len() == "acme-co-".len() + 6));
    }

    #[test]
    fn name_without_latin_letters_gets_random_slugs() {
        let tried = slugs_of("株式会社", None);
        assert!(tried.len() == SLUG_TRIES && tried.iter().all(|slug| slug.starts_with("tenant-")), "{tried:?}");
    }
}
