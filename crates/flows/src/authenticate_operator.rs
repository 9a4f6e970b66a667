use std::collections::BTreeSet;

use audit::{Action, Actor, Origin, Record, target};
use kernel::{Clock, Operator, StoreError};
use tokens::{KeyScope, ProvisioningKey, ProvisioningKeyHash, ProvisioningKeyRepo};

use crate::audited::note_for_operators;
use crate::{Database, settle};

/// An operator's program, and what its key may be used for.
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

/// Whose provisioning key this is; nothing for one that is unknown, has expired or is revoked: which of them, nobody learns.
/// The key whose hash is `bootstrap` is for all that operators do, and is not in the database: it makes the first tenants of a
/// deployment before there are others.
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
        ProvisioningKeyRepo::note_provisioning_key_used(&mut *tx, key.id, now).await?;
        Ok(Some(key))
    }
    .await;
    let key: Option<ProvisioningKey> = settle(tx, outcome).await?;
    if bootstrap.is_some_and(|bootstrap| *bootstrap == hash) {
        #[expect(clippy::disallowed_methods, reason = "this is the check of the key")]
        return Ok(Some(OperatorAccess { operator: Operator::with_bootstrap_key(), scopes: KeyScope::ALL.into() }));
    }
    #[expect(clippy::disallowed_methods, reason = "this is the check of the key")]
    Ok(key.map(|key| OperatorAccess { operator: Operator::with_key(key.id), scopes: key.scopes }))
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
        .about(target::ENDPOINT, &what)
        .with("reason", why)
        .refused();
    note_for_operators(database, &record).await
}
