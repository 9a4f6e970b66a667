use audit::{Action, Record, RequestOrigin, target};
use iam::{Tenant, TenantName, TenantStatus, TenantWeight};
use kernel::{Clock, Operator, StoreError};

use crate::administration::ChangeTenantTx;

/// An operator's changes to a tenant. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct OperatorTenantPatch {
    pub name: Option<TenantName>,
    pub status: Option<TenantStatus>,
    pub weight: Option<TenantWeight>,
}

/// Renames, suspends or reactivates the transaction's tenant, or changes its weight; `None` if it does not exist. Changes are recorded in the tenant's
/// audit log and in the platform's. All requests of a suspended tenant are refused, and its webhook events are held; after a
/// reactivation the caller requeues them by [`requeue_held_and_unroutable`](crate::requeue_held_and_unroutable).
///
/// # Errors
/// [`StoreError`].
pub async fn change_tenant_by_operator(
    operator: Operator,
    tx: &mut dyn ChangeTenantTx,
    patch: OperatorTenantPatch,
    origin: &RequestOrigin,
    clock: &dyn Clock,
) -> Result<Option<(Tenant, TenantWeight)>, StoreError> {
    let Some(mut tenant) = tx.lock_tenant().await? else { return Ok(None) };
    let record = |action| Record::new(operator.into(), origin.clone(), action, clock).about(target::TENANT, &tenant.id);
    let mut records = Vec::new();
    if let Some(name) = patch.name.filter(|name| *name != tenant.name) {
        records.push(record(Action::TenantChanged).with("name", name.as_str()));
        tenant.name = name;
    }
    if let Some(status) = patch.status.filter(|status| *status != tenant.status) {
        records.push(record(match status {
            TenantStatus::Active => Action::TenantReactivated,
            TenantStatus::Suspended => Action::TenantSuspended,
        }));
        tenant.status = status;
    }
    let mut weight = tx.tenant_weight().await?;
    if let Some(changed) = patch.weight.filter(|changed| *changed != weight) {
        records.push(record(Action::TenantChanged).with("weight", changed.get()));
        tx.set_tenant_weight(changed).await?;
        weight = changed;
    }
    tx.update_tenant(&tenant).await?;
    for record in &records {
        tx.append_audit_record(record).await?;
        tx.append_platform_audit_record(record).await?;
    }
    Ok(Some((tenant, weight)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, operator, origin, run};

    fn change(store: &mut FakeStore, patch: OperatorTenantPatch) -> Option<(Tenant, TenantWeight)> {
        let clock = store.clock.clone();
        run(change_tenant_by_operator(operator(), store, patch, &origin(), &*clock)).unwrap()
    }

    #[test]
    fn each_change_is_in_both_audit_logs() {
        let mut store = FakeStore::with_owner();
        let name = TenantName::parse("Acme Ltd").unwrap();
        let weight = TenantWeight::new(3).unwrap();
        let patch = OperatorTenantPatch {
            name: Some(name.clone()),
            status: Some(TenantStatus::Suspended),
            weight: Some(weight),
        };
        let (tenant, changed) = change(&mut store, patch).unwrap();
        assert_eq!((tenant.name, tenant.status, changed), (name, TenantStatus::Suspended, weight));
        let all = [Action::TenantChanged, Action::TenantSuspended, Action::TenantChanged];
        assert_eq!(store.audited(), all);
        assert_eq!(store.audited_on_platform(), all);
    }

    #[test]
    fn value_that_stays_is_not_audited() {
        let mut store = FakeStore::with_owner();
        let name = store.tenant.as_ref().map(|tenant| tenant.name.clone());
        assert!(
            change(
                &mut store,
                OperatorTenantPatch { name, status: Some(TenantStatus::Active), weight: Some(TenantWeight::default()) }
            )
            .is_some()
        );
        assert!(store.audit_log.is_empty() && store.platform_audit_log.is_empty());
    }

    #[test]
    fn unknown_tenant_is_none() {
        assert!(change(&mut FakeStore::new(), OperatorTenantPatch::default()).is_none());
    }
}
