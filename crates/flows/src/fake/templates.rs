use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, TemplateId};
use kernel::{Clock as _, Page, PageRequest, StoreError};
use outbound::template::{Template, TemplateChange};
use outbound::{Language, StoredTemplate, SyncCounts, TemplateEventRepo, TemplateFilter, TemplateName, TemplateRepo};
use serde_json::{Value, json};

use super::FakeStore;

/// The copies of templates of the tenant.
#[derive(Debug, Default)]
pub(crate) struct FakeTemplates {
    pub(crate) stored: Vec<StoredTemplate>,
    pub(crate) refreshed_at: Option<DateTime<Utc>>,
}

/// An entry of Meta's list.
fn listed(meta_id: &str, name: &str, status: &str) -> Value {
    json!({
        "id": meta_id,
        "name": name,
        "language": "de",
        "status": status,
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Hello {{1}}"}],
    })
}

impl FakeStore {
    /// Adds the copy of a template of the business account 900.
    pub(crate) fn add_template(&mut self, meta_id: &str, name: &str, status: &str) -> TemplateId {
        let template = Template::from_meta(&listed(meta_id, name, status)).unwrap();
        let now = self.clock.now();
        let id = TemplateId::new(&*self.clock);
        self.templates.stored.push(StoredTemplate {
            id,
            waba_id: "900".to_owned(),
            account: None,
            template,
            synced_at: now,
            edited_at: Vec::new(),
            created_at: now,
        });
        id
    }

    pub(crate) fn template_of(&self, id: TemplateId) -> &StoredTemplate {
        self.templates.stored.iter().find(|stored| stored.id == id).unwrap()
    }
}

#[async_trait]
impl TemplateEventRepo for FakeStore {
    async fn change_template(
        &mut self,
        waba_id: &str,
        meta_id: &str,
        change: &TemplateChange,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let found = self
            .templates
            .stored
            .iter_mut()
            .find(|stored| stored.waba_id == waba_id && stored.template.meta_id == meta_id);
        let Some(StoredTemplate { template, .. }) = found else { return Ok(false) };
        match change {
            TemplateChange::Status(status, reason) => {
                template.status = *status;
                template.rejection_reason.clone_from(reason);
            }
            TemplateChange::Quality(quality) => template.quality = *quality,
            TemplateChange::Category(category) => template.category = *category,
            TemplateChange::Components => {}
        }
        Ok(true)
    }
}

#[async_trait]
impl TemplateRepo for FakeStore {
    async fn templates(&mut self, _: &TemplateFilter, _: &PageRequest) -> Result<Page<StoredTemplate>, StoreError> {
        unreachable!("no use case filters or pages by itself")
    }

    async fn template(&mut self, id: TemplateId) -> Result<Option<StoredTemplate>, StoreError> {
        Ok(self.templates.stored.iter().find(|stored| stored.id == id).cloned())
    }

    async fn templates_by_name(
        &mut self,
        names: &[TemplateName],
    ) -> Result<HashMap<TemplateName, StoredTemplate>, StoreError> {
        let is_it = |stored: &&StoredTemplate, wanted: &TemplateName| {
            stored.waba_id == wanted.waba_id
                && stored.template.name == wanted.name
                && stored.template.language == wanted.language
        };
        let find = |wanted: &TemplateName| self.templates.stored.iter().find(|stored| is_it(stored, wanted)).cloned();
        Ok(names.iter().filter_map(|wanted| find(wanted).map(|stored| (wanted.clone(), stored))).collect())
    }

    async fn usable_templates(&mut self, waba_id: &str, limit: u16) -> Result<Vec<(String, Language)>, StoreError> {
        let usable = self
            .templates
            .stored
            .iter()
            .filter(|stored| stored.waba_id == waba_id && stored.template.status.is_usable());
        Ok(usable
            .take(limit.into())
            .map(|stored| (stored.template.name.clone(), stored.template.language.clone()))
            .collect())
    }

    async fn replace_templates(
        &mut self,
        waba_id: &str,
        name: Option<&str>,
        templates: &[(TemplateId, Template)],
        listed_at: DateTime<Utc>,
    ) -> Result<SyncCounts, StoreError> {
        let before = self.templates.stored.len();
        self.templates
            .stored
            .retain(|stored| stored.waba_id != waba_id || name.is_some_and(|name| name != stored.template.name));
        let deleted = before - self.templates.stored.len();
        for (id, template) in templates {
            self.save_template(*id, waba_id, template, listed_at).await?;
        }
        Ok(SyncCounts { stored: templates.len(), deleted })
    }

    async fn save_template(
        &mut self,
        id: TemplateId,
        waba_id: &str,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<TemplateId, StoreError> {
        self.templates.stored.push(StoredTemplate {
            id,
            waba_id: waba_id.to_owned(),
            account: None,
            template: template.clone(),
            synced_at: now,
            edited_at: Vec::new(),
            created_at: now,
        });
        Ok(id)
    }

    async fn record_template_edit(
        &mut self,
        id: TemplateId,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let stored = self.templates.stored.iter_mut().find(|stored| stored.id == id).unwrap();
        stored.template = template.clone();
        stored.edited_at.push(now);
        Ok(())
    }

    async fn delete_template(&mut self, id: TemplateId) -> Result<(), StoreError> {
        self.templates.stored.retain(|stored| stored.id != id);
        Ok(())
    }

    async fn record_template_sync(&mut self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn claim_template_refresh(
        &mut self,
        _: &str,
        now: DateTime<Utc>,
        not_since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if self.templates.refreshed_at.is_some_and(|at| at > not_since) {
            return Ok(false);
        }
        self.templates.refreshed_at = Some(now);
        Ok(true)
    }

    async fn business_accounts(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(vec!["900".to_owned()])
    }

    async fn account_with_token(&mut self, waba_id: &str) -> Result<Option<AccountId>, StoreError> {
        let has_token = |id: AccountId| {
            self.channels.credentials.iter().any(|stored| stored.account == id && stored.access_token.is_some())
        };
        let mut accounts = self.channels.accounts.iter();
        let found = accounts.find(|account| account.waba_id.as_str() == waba_id && has_token(account.id));
        Ok(found.map(|account| account.id))
    }
}
