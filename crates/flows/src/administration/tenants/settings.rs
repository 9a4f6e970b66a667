use audit::{Action, Principal, Record, RequestOrigin, target};
use iam::{Tenant, TenantPatch, change_tenant};
use kernel::{Clock, Permit, StoreError, TenantWrite};

use crate::administration::ChangeSettingsTx;

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
        record = record.with("self_registration", mode.into_str());
    }
    tx.append_audit_record(&record).await?;
    Ok(Some(tenant))
}

#[cfg(test)]
mod tests {
    use iam::{SelfRegistration, TenantName};

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn change(store: &mut FakeStore, patch: TenantPatch) -> Option<Tenant> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_settings(permit, store, patch, origin(), &*clock)).unwrap()
    }

    #[test]
    fn changed_settings_are_audited_with_their_values() {
        let mut store = FakeStore::with_owner();
        let patch = TenantPatch {
            name: Some(TenantName::parse("Acme Ltd").unwrap()),
            self_registration: Some(SelfRegistration::Closed),
        };
        assert_eq!(change(&mut store, patch).unwrap().self_registration, SelfRegistration::Closed);
        let record = store.audit_log.pop().unwrap();
        assert_eq!(record.actor, Principal::User(store.caller));
        assert_eq!(
            serde_json::Value::from(record.changes).to_string(),
            r#"{"name":"Acme Ltd","self_registration":"closed"}"#
        );
    }

    #[test]
    fn unknown_tenant_is_none_and_not_audited() {
        let mut store = FakeStore::new();
        assert!(change(&mut store, TenantPatch { name: None, self_registration: None }).is_none());
        assert!(store.audit_log.is_empty());
    }
}
