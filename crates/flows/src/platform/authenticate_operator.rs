use std::collections::BTreeSet;

use audit::{Action, Principal, Record, RequestOrigin, target};
use kernel::{Clock, Operator, StoreError};
use tokens::{KeyScope, ProvisioningKey, ProvisioningKeyHash, ProvisioningKeyRepo};

use crate::platform::append_platform_record;
use crate::{Database, settle};

/// An authenticated operator and the scopes of the key.
#[derive(Clone, Debug)]
pub struct OperatorAccess {
    pub operator: Operator,
    scopes: BTreeSet<KeyScope>,
}

impl OperatorAccess {
    #[must_use]
    pub fn may(&self, scope: KeyScope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Authenticates an operator by a provisioning key. Returns `None` for an unknown, expired or revoked key, without telling
/// which. The key with the hash `bootstrap` has all scopes and is not in the database: it creates the first tenants of a new
/// deployment.
///
/// # Errors
/// [`StoreError`].
pub async fn authenticate_operator(
    database: &dyn Database,
    bootstrap: Option<&ProvisioningKeyHash>,
    shown: &str,
    clock: &dyn Clock,
) -> Result<Option<OperatorAccess>, StoreError> {
    let (now, hash) = (clock.now(), ProvisioningKeyHash::of(shown));
    let mut tx = database.operator().await?;
    let outcome = async {
        let found = ProvisioningKeyRepo::provisioning_key(&mut *tx, &hash).await?;
        let Some(key) = found.filter(|key| key.is_in_force(now)) else { return Ok(None) };
        ProvisioningKeyRepo::record_provisioning_key_use(&mut *tx, key.id, now).await?;
        Ok(Some(key))
    }
    .await;
    let key: Option<ProvisioningKey> = settle(tx, outcome).await?;
    if bootstrap.is_some_and(|bootstrap| *bootstrap == hash) {
        #[expect(clippy::disallowed_methods, reason = "the key was checked")]
        let operator = Operator::from_bootstrap_key();
        return Ok(Some(OperatorAccess { operator, scopes: KeyScope::ALL.iter().copied().collect() }));
    }
    #[expect(clippy::disallowed_methods, reason = "the key was checked")]
    Ok(key.map(|key| OperatorAccess { operator: Operator::from_provisioning_key(key.id), scopes: key.scopes }))
}

/// Records a refused request to an operators' endpoint.
///
/// # Errors
/// [`StoreError`].
pub async fn record_refused_operator(
    database: &dyn Database,
    actor: Principal,
    origin: RequestOrigin,
    what: &str,
    why: &str,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let record = Record::new(actor, origin, Action::OperatorRefused, clock)
        .about(target::ENDPOINT, &what)
        .with("reason", why)
        .refused();
    append_platform_record(database, &record).await
}
