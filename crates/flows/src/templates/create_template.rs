use audit::{Action, Record, RequestOrigin, target};
use kernel::ids::TemplateId;
use kernel::{Clock, Permit, StoreError, TemplatesWrite};
use outbound::template::Template;
use outbound::{
    BusinessAccountAccess, NewTemplate, StoredTemplate, TemplateApi, TemplateApiError, TemplateCategory,
    TemplateQuality, TemplateStatus,
};

use super::TemplateTx;

/// A template that Meta has taken and this system has not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTemplateAtMeta {
    waba_id: String,
    template: Template,
}

/// Creates a template at Meta, which reviews it. Call it outside of a transaction.
///
/// # Errors
/// [`TemplateApiError`]: if Meta is silent, the template may exist there; a sync tells.
pub async fn create_template_at_meta(
    _permit: &Permit<TemplatesWrite>,
    api: &dyn TemplateApi,
    access: &BusinessAccountAccess,
    new: NewTemplate,
) -> Result<NewTemplateAtMeta, TemplateApiError> {
    let taken = api.create(access, &new.to_meta()).await?;
    let template = Template {
        meta_id: taken.meta_id,
        name: new.name,
        language: new.language,
        category: taken.category.map_or(new.category, |word| TemplateCategory::of_meta(&word)),
        status: taken.status.map_or(TemplateStatus::Pending, |word| TemplateStatus::of_meta(&word)),
        quality: TemplateQuality::Unknown,
        rejection_reason: None,
        format: new.format,
        components: new.components,
    };
    Ok(NewTemplateAtMeta { waba_id: access.waba_id.clone(), template })
}

/// Stores the copy of a template that was created at Meta.
///
/// # Errors
/// [`StoreError`].
pub async fn record_created_template(
    permit: Permit<TemplatesWrite>,
    tx: &mut dyn TemplateTx,
    created: &NewTemplateAtMeta,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<StoredTemplate, StoreError> {
    let NewTemplateAtMeta { waba_id, template } = created;
    let id = tx.save_template(TemplateId::new(clock), waba_id, template, clock.now()).await?;
    let record = Record::new(permit.actor().into(), origin, Action::TemplateCreated, clock)
        .about(target::TEMPLATE, &id)
        .with("name", template.name.as_str())
        .with("language", template.language.as_str());
    tx.append_audit_record(&record).await?;
    tx.template(id).await?.ok_or_else(|| StoreError::corrupt("templates.id"))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use outbound::TakenTemplate;
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::{FakeStore, changes, origin, run};

    /// Meta, which chooses another category.
    struct FakeMeta;

    #[async_trait]
    impl TemplateApi for FakeMeta {
        async fn list(&self, _: &BusinessAccountAccess, _: Option<&str>) -> Result<Vec<Value>, TemplateApiError> {
            Ok(Vec::new())
        }

        async fn create(&self, _: &BusinessAccountAccess, body: &str) -> Result<TakenTemplate, TemplateApiError> {
            assert!(body.contains(r#""name":"hello""#), "{body}");
            let category = Some("MARKETING".to_owned());
            Ok(TakenTemplate { meta_id: "77".to_owned(), status: Some("PENDING".to_owned()), category })
        }

        async fn edit(&self, _: &BusinessAccountAccess, _: &str, _: &str) -> Result<(), TemplateApiError> {
            Ok(())
        }

        async fn delete(&self, _: &BusinessAccountAccess, _: &str, _: &str) -> Result<(), TemplateApiError> {
            Ok(())
        }
    }

    #[test]
    fn created_template_is_stored_as_meta_took_it() {
        let mut store = FakeStore::new();
        let access = BusinessAccountAccess { waba_id: "900".to_owned(), access_token: "EAA".into() };
        let new = NewTemplate::parse(&json!({
            "name": "hello", "language": "de", "category": "utility", "components": [{"type": "BODY", "text": "Hi"}],
        }))
        .unwrap();
        let (permit, clock) = (store.permit(), store.clock.clone());
        let created = run(create_template_at_meta(&permit, &FakeMeta, &access, new)).unwrap();
        let stored = run(record_created_template(permit, &mut store, &created, origin(), &*clock)).unwrap();
        assert_eq!(stored.template.meta_id, "77");
        assert_eq!(stored.template.category, TemplateCategory::Marketing);
        assert_eq!(stored.template.status, TemplateStatus::Pending);
        assert_eq!(store.audited(), [Action::TemplateCreated]);
        assert_eq!(changes(&store.audit_log[0]), [r#"language="de""#, r#"name="hello""#]);
    }
}
