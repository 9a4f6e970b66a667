use audit::{Action, AuditRepo, PlatformAuditRepo, Record, RequestOrigin, target};
use iam::{Tenant, TenantName, TenantRepo, TenantStatus};
use kernel::{Clock, Operator, StoreError};

/// What [`change_tenant_by_operator`] needs.
pub trait ChangeTenantTx: TenantRepo + AuditRepo + PlatformAuditRepo {}

impl<T: TenantRepo + AuditRepo + PlatformAuditRepo + ?Sized> ChangeTenantTx for T {}

/// An operator's changes to a tenant. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct OperatorTenantPatch {
    pub name: Option<TenantName>,
    pub status: Option<TenantStatus>,
}

/// Renames, suspends or reactivates the transaction's tenant; `None` if it does not exist. Changes are recorded in the tenant's
/// audit log and in the platform's. All requests of a suspended tenant are refused, and its webhook events are held; after a
/// reactivation the caller requeues them by [`requeue_waiting_events`](crate::requeue_waiting_events).
///
/// # Errors
/// [`StoreError`].
pub async fn change_tenant_by_operator(
    operator: Operator,
    tx: &mut dyn ChangeTenantTx,
    patch: OperatorTenantPatch,
    origin: &RequestOrigin,
    clock: &dyn Clock,
) -> Result<Option<Tenant>, StoreError> {
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
    tx.update_tenant(&tenant).await?;
    for record in &records {
        tx.append_audit_record(record).await?;
        tx.append_platform_audit_record(record).await?;
    }
    Ok(Some(tenant))
}
