use audit::{Action, Actor, Origin, PlatformAuditRepo, Record};
use kernel::{Clock, Operator, StoreError};
use tokens::{KeyScope, ProvisioningKey, ProvisioningKeyHash, ProvisioningKeyRepo};

use crate::{Database, settle};

/// An operator's program, and what its key may be used for.
#[derive(Clone, Debug)]
pub struct OperatorAccess {
    pub operator: Operator,
    key: ProvisioningKey,
}

impl OperatorAccess {
    #[must_use]
    pub fn may(&self, scope: KeyScope) -> bool {
        self.key.scopes.contains(&scope)
    }
}

/// Whose provisioning key this is; nothing for one that is unknown, has expired or is revoked: which of them, nobody learns.
///
/// # Errors
/// [`StoreError`].
pub async fn authenticate_operator(
    database: &dyn Database,
    shown: &str,
    clock: &dyn Clock,
) -> Result<Option<OperatorAccess>, StoreError> {
    let now = clock.now();
    let mut tx = database.operator().await?;
    let outcome = async {
        let found = ProvisioningKeyRepo::provisioning_key(&mut *tx, &ProvisioningKeyHash::of(shown)).await?;
        let Some(key) = found.filter(|key| key.is_in_force(now)) else { return Ok(None) };
        ProvisioningKeyRepo::note_provisioning_key_used(&mut *tx, key.id, now).await?;
        Ok(Some(key))
    }
    .await;
    let key: Option<ProvisioningKey> = settle(tx, outcome).await?;
    #[expect(clippy::disallowed_methods, reason = "this is the check of the key")]
    Ok(key.map(|key| OperatorAccess { operator: Operator::with_key(key.id), key }))
}

/// Writes down that somebody called an operators' endpoint who may not.
///
/// # Errors
/// [`StoreError`].
pub async fn note_refused_operator(
    database: &dyn Database,
    actor: Actor,
    origin: Origin,
    what: &str,
    why: &str,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let record = Record::new(actor, origin, Action::OperatorRefused, clock)
        .about("endpoint", &what)
        .with("reason", why)
        .refused();
    let mut tx = database.operator().await?;
    let outcome = PlatformAuditRepo::append_platform_audit_record(&mut *tx, &record).await;
    settle(tx, outcome).await
}
