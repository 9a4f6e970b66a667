use audit::{Action, Record, RequestOrigin, target};
use kernel::{Clock, Permit, StoreError, TemplatesWrite};
use outbound::template::NotEditable;
use outbound::{BusinessAccountAccess, StoredTemplate, TemplateApi, TemplateApiError, TemplateEdit, TemplateStatus};

use super::TemplateTx;

/// Checks Meta's rules of edits.
///
/// # Errors
/// [`NotEditable`] for what Meta would refuse.
pub fn check_template_edit(stored: &StoredTemplate, edit: &TemplateEdit, clock: &dyn Clock) -> Result<(), NotEditable> {
    stored.template.check_edit(edit.category, &stored.edited_at, clock.now())
}

/// Edits a template at Meta, which reviews it again. Call it outside of a transaction.
///
/// # Errors
/// [`TemplateApiError`]: if Meta is silent, it may be edited there; a sync tells.
pub async fn edit_template_at_meta(
    _permit: &Permit<TemplatesWrite>,
    api: &dyn TemplateApi,
    access: &BusinessAccountAccess,
    stored: &StoredTemplate,
    edit: &TemplateEdit,
) -> Result<(), TemplateApiError> {
    api.edit(access, &stored.template.meta_id, &edit.to_meta()).await
}

/// Stores what was edited at Meta. The template is pending until Meta has reviewed it.
///
/// # Errors
/// [`StoreError`].
pub async fn record_template_edit(
    permit: Permit<TemplatesWrite>,
    tx: &mut dyn TemplateTx,
    stored: StoredTemplate,
    edit: TemplateEdit,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Option<StoredTemplate>, StoreError> {
    let mut template = stored.template;
    template.components = edit.components;
    template.category = edit.category.unwrap_or(template.category);
    template.status = TemplateStatus::Pending;
    tx.record_template_edit(stored.id, &template, clock.now()).await?;
    let record = Record::new(permit.actor().into(), origin, Action::TemplateEdited, clock)
        .about(target::TEMPLATE, &stored.id)
        .with("name", template.name.as_str())
        .with("language", template.language.as_str());
    tx.append_audit_record(&record).await?;
    tx.template(stored.id).await
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    #[test]
    fn edited_template_is_pending_and_cannot_be_edited_again() {
        let mut store = FakeStore::new();
        let id = store.add_template("1", "hello", "APPROVED");
        let body = json!({"components": [{"type": "BODY", "text": "Hi there"}]});
        let (permit, clock) = (store.permit(), store.clock.clone());
        let stored = store.template_of(id).clone();
        let edit = TemplateEdit::parse(&body, &stored.template).unwrap();
        check_template_edit(&stored, &edit, &*clock).unwrap();
        let edited =
            run(record_template_edit(permit, &mut store, stored, edit.clone(), origin(), &*clock)).unwrap().unwrap();
        assert_eq!(edited.template.status, TemplateStatus::Pending);
        assert_eq!(edited.template.components, body["components"]);
        assert_eq!(store.audited(), [Action::TemplateEdited]);

        assert_eq!(check_template_edit(&edited, &edit, &*clock), Err(NotEditable::Status));
        let mut approved = edited;
        approved.template.status = TemplateStatus::Approved;
        clock.advance(TimeDelta::hours(23));
        assert_eq!(check_template_edit(&approved, &edit, &*clock), Err(NotEditable::EditedToday));
        clock.advance(TimeDelta::hours(2));
        check_template_edit(&approved, &edit, &*clock).unwrap();
    }
}
