use std::collections::BTreeSet;

use audit::{Action, Principal, Record, RequestOrigin, target};
use kernel::ids::ProvisioningKeyId;
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

/// What a provisioning key is.
#[derive(Clone, Debug)]
pub enum OperatorKey {
    InForce(OperatorAccess),
    /// Expired or revoked. For the audit log only: the caller must not learn that it existed.
    Ended(ProvisioningKeyId),
    Unknown,
}

impl OperatorAccess {
    #[must_use]
    pub fn may(&self, scope: KeyScope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Authenticates an operator by a provisioning key. The key with the hash `bootstrap` has all scopes and is not in the database: it creates the first tenants of a new
/// deployment.
///
/// # Errors
/// [`StoreError`].
pub async fn authenticate_operator(
    database: &dyn Database,
    bootstrap: Option<&ProvisioningKeyHash>,
    shown: &str,
    clock: &dyn Clock,
) -> Result<OperatorKey, StoreError> {
    let (now, hash) = (clock.now(), ProvisioningKeyHash::of(shown));
    let mut tx = database.operator().await?;
    let outcome = async {
        let found = ProvisioningKeyRepo::provisioning_key(&mut *tx, &hash).await?;
        if let Some(key) = found.as_ref().filter(|key| key.is_in_force(now)) {
            ProvisioningKeyRepo::record_provisioning_key_use(&mut *tx, key.id, now).await?;
        }
        Ok(found)
    }
    .await;
    let key: Option<ProvisioningKey> = settle(tx, outcome).await?;
    if bootstrap.is_some_and(|bootstrap| *bootstrap == hash) {
        #[expect(clippy::disallowed_methods, reason = "the key was checked")]
        let operator = Operator::from_bootstrap_key();
        return Ok(OperatorKey::InForce(OperatorAccess { operator, scopes: KeyScope::ALL.iter().copied().collect() }));
    }
    let Some(key) = key else { return Ok(OperatorKey::Unknown) };
    if !key.is_in_force(now) {
        return Ok(OperatorKey::Ended(key.id));
    }
    #[expect(clippy::disallowed_methods, reason = "the key was checked")]
    let operator = Operator::from_provisioning_key(key.id);
    Ok(OperatorKey::InForce(OperatorAccess { operator, scopes: key.scopes }))
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
