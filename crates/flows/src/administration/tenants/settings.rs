use audit::{Action, AuditRepo, Principal, Record, RequestOrigin, target};
use iam::{Tenant, TenantPatch, TenantRepo, change_tenant};
use kernel::{Clock, Permit, StoreError, TenantWrite};

/// What [`change_settings`] needs.
pub trait ChangeSettingsTx: TenantRepo + AuditRepo {}

impl<T: TenantRepo + AuditRepo + ?Sized> ChangeSettingsTx for T {}

/// Changes the tenant's own settings; `None` if it does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn change_settings(
    permit: Permit<TenantWrite>,
    tx: &mut dyn ChangeSettingsTx,
    patch: TenantPatch,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Option<Tenant>, StoreError> {
    let (user, TenantPatch { name, self_registration }) = (permit.user(), patch.clone());
    let Some(tenant) = change_tenant(permit, tx, patch).await? else { return Ok(None) };
    let mut record =
        Record::new(Principal::User(user), origin, Action::TenantChanged, clock).about(target::TENANT, &tenant.id);
    if let Some(name) = name {
        record = record.with("name", name.as_str());
    }
    if let Some(mode) = self_registration {
        record = record.with("self_registration", mode.key());
    }
    tx.append_audit_record(&record).await?;
    Ok(Some(tenant))
}
