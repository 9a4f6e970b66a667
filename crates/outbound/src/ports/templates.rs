use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, TemplateId};
use kernel::{Page, PageRequest, StoreError};
use secrecy::SecretString;
use serde_json::Value;
use thiserror::Error;
use whatsapp::GraphError;

use crate::template::{Language, Template, TemplateChange, TemplateStatus};

/// What a call to Meta needs to be made for a business account.
#[derive(Clone, Debug)]
pub struct BusinessAccountAccess {
    pub waba_id: String,
    pub access_token: SecretString,
}

/// What Meta says of a template that it has taken. It reviews it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenTemplate {
    pub meta_id: String,
    /// As Meta writes them; it may have chosen another category.
    pub status: Option<String>,
    pub category: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateApiError {
    #[error("Meta refused: {}", .0.title)]
    Refused(GraphError),
    /// No answer, or none that can be read. The text says which.
    #[error("Meta did not answer: {0}")]
    Silent(String),
}

/// Meta's Graph API for the templates of a business account. Calls are never repeated by the adapter.
#[async_trait]
pub trait TemplateApi: Send + Sync {
    /// All templates, in all languages: `GET /{waba}/message_templates`, page by page to the end. An error of one page is an error
    /// of the list. With a name, only templates with exactly this name.
    async fn list(&self, access: &BusinessAccountAccess, name: Option<&str>) -> Result<Vec<Value>, TemplateApiError>;

    /// `POST /{waba}/message_templates` with a JSON body.
    async fn create(&self, access: &BusinessAccountAccess, body: &str) -> Result<TakenTemplate, TemplateApiError>;

    /// `POST /{meta_id}` with a JSON body.
    async fn edit(&self, access: &BusinessAccountAccess, meta_id: &str, body: &str) -> Result<(), TemplateApiError>;

    /// `DELETE /{waba}/message_templates?name=&hsm_id=`: one language only.
    async fn delete(&self, access: &BusinessAccountAccess, name: &str, meta_id: &str) -> Result<(), TemplateApiError>;
}

/// The copy of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTemplate {
    pub id: TemplateId,
    pub waba_id: String,
    pub template: Template,
    pub synced_at: DateTime<Utc>,
    /// When it was edited here, oldest first, within the last 30 days.
    pub edited_at: Vec<DateTime<Utc>>,
}

/// Which templates a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateFilter {
    /// Those of the business account of this number.
    pub account: Option<AccountId>,
    pub status: Option<TemplateStatus>,
    pub name: Option<String>,
}

/// What a sync has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounts {
    pub stored: u64,
    pub deleted: u64,
}

/// The copies of a tenant's templates.
#[async_trait]
pub trait TemplateRepo: Send {
    /// By name, language and id.
    async fn templates(
        &mut self,
        filter: &TemplateFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredTemplate>, StoreError>;

    async fn template(&mut self, id: TemplateId) -> Result<Option<StoredTemplate>, StoreError>;

    async fn template_by_name(
        &mut self,
        waba_id: &str,
        name: &str,
        language: &Language,
    ) -> Result<Option<StoredTemplate>, StoreError>;

    /// Names and languages of what can be sent, at most `limit`.
    async fn usable_templates(&mut self, waba_id: &str, limit: u16) -> Result<Vec<(String, Language)>, StoreError>;

    /// Makes the copy of a business account equal to what Meta has listed. Templates keep their ids. With a name, only the templates
    /// of this name are replaced.
    async fn replace_templates(
        &mut self,
        waba_id: &str,
        name: Option<&str>,
        templates: &[Template],
        now: DateTime<Utc>,
    ) -> Result<SyncCounts, StoreError>;

    /// Stores a template, or changes the copy with its `meta_id`.
    async fn save_template(
        &mut self,
        waba_id: &str,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<TemplateId, StoreError>;

    /// What an event of Meta's tells. `false` if the template is not stored, or a later event was stored before.
    async fn change_template(
        &mut self,
        waba_id: &str,
        meta_id: &str,
        change: &TemplateChange,
        occurred_at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Replaces the components and notes the time of the edit. The status becomes pending.
    async fn record_edit(&mut self, id: TemplateId, components: &Value, now: DateTime<Utc>) -> Result<(), StoreError>;

    async fn delete_template(&mut self, id: TemplateId) -> Result<(), StoreError>;
}
