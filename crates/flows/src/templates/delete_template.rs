use audit::{Action, Record, RequestOrigin, target};
use kernel::{Clock, Permit, StoreError, TemplatesWrite};
use outbound::{BusinessAccountAccess, StoredTemplate, TemplateApi, TemplateApiError};

use super::TemplateTx;

/// Deletes a template in one language at Meta. The name of an approved one cannot be used again for 30 days. Call it outside of a
/// transaction.
///
/// # Errors
/// [`TemplateApiError`]: if Meta is silent, it may be deleted there; a sync tells.
pub async fn delete_template_at_meta(
    _permit: &Permit<TemplatesWrite>,
    api: &dyn TemplateApi,
    access: &BusinessAccountAccess,
    stored: &StoredTemplate,
) -> Result<(), TemplateApiError> {
    api.delete(access, &stored.template.name, &stored.template.meta_id).await
}

/// Deletes the copy of a template that was deleted at Meta.
///
/// # Errors
/// [`StoreError`].
pub async fn record_deleted_template(
    permit: Permit<TemplatesWrite>,
    tx: &mut dyn TemplateTx,
    stored: &StoredTemplate,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    tx.delete_template(stored.id).await?;
    let record = Record::new(permit.actor().into(), origin, Action::TemplateDeleted, clock)
        .about(target::TEMPLATE, &stored.id)
        .with("name", stored.template.name.as_str())
        .with("language", stored.template.language.as_str());
    tx.append_audit_record(&record).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, origin, run};

    #[test]
    fn deleted_template_is_gone_and_audited() {
        let mut store = FakeStore::new();
        let (id, other) = (store.add_template("1", "hello", "APPROVED"), store.add_template("2", "bye", "APPROVED"));
        let (permit, clock) = (store.permit(), store.clock.clone());
        let stored = store.template_of(id).clone();
        run(record_deleted_template(permit, &mut store, &stored, origin(), &*clock)).unwrap();
        assert_eq!(store.templates.stored.iter().map(|stored| stored.id).collect::<Vec<_>>(), [other]);
        assert_eq!(store.audited(), [Action::TemplateDeleted]);
    }
}
