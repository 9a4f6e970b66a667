use std::collections::HashMap;

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
    /// A number of the business account, an active one if there is one.
    pub account: Option<AccountId>,
    pub template: Template,
    pub synced_at: DateTime<Utc>,
    /// When it was edited here, oldest first, within the last 30 days.
    pub edited_at: Vec<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Which templates a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateFilter {
    /// Those of the business account of this number.
    pub account: Option<AccountId>,
    pub status: Option<TemplateStatus>,
    pub name: Option<String>,
}

/// What a message names its template by, within a business account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TemplateName {
    pub waba_id: String,
    pub name: String,
    pub language: Language,
}

/// What a sync has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounts {
    pub stored: usize,
    pub deleted: usize,
}

/// The copies of the templates of the transaction's tenant.
#[async_trait]
pub trait TemplateRepo: TemplateEventRepo {
    /// Newest first.
    async fn templates(
        &mut self,
        filter: &TemplateFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredTemplate>, StoreError>;

    async fn template(&mut self, id: TemplateId) -> Result<Option<StoredTemplate>, StoreError>;

    /// The templates with these names that have copies; of several with one name a usable one, if there is one.
    async fn templates_by_name(
        &mut self,
        names: &[TemplateName],
    ) -> Result<HashMap<TemplateName, StoredTemplate>, StoreError>;

    /// Names and languages of what can be sent, by name, at most `limit`.
    async fn usable_templates(&mut self, waba_id: &str, limit: u16) -> Result<Vec<(String, Language)>, StoreError>;

    /// Makes the copy of a business account equal to what Meta has listed. With a name, only templates of this name are concerned.
    ///
    /// Templates keep their ids. What was stored or told by events after `listed_at`, when the list was asked for, stays.
    async fn replace_templates(
        &mut self,
        waba_id: &str,
        name: Option<&str>,
        templates: &[(TemplateId, Template)],
        listed_at: DateTime<Utc>,
    ) -> Result<SyncCounts, StoreError>;

    /// Stores a template that Meta has taken, or changes the copy with its `meta_id`. Answers its id.
    async fn save_template(
        &mut self,
        new: TemplateId,
        waba_id: &str,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<TemplateId, StoreError>;

    /// Stores components, category and status, and notes the time of the edit.
    async fn record_template_edit(
        &mut self,
        id: TemplateId,
        template: &Template,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    async fn delete_template(&mut self, id: TemplateId) -> Result<(), StoreError>;

    /// Notes that a business account was read to the end.
    async fn record_template_sync(&mut self, waba_id: &str, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Whether templates of one name may be read from Meta now because a message was refused: not if that was done since
    /// `not_since`. Notes it.
    async fn claim_template_refresh(
        &mut self,
        waba_id: &str,
        now: DateTime<Utc>,
        not_since: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Meta's ids of the business accounts of the tenant's active numbers.
    async fn business_accounts(&mut self) -> Result<Vec<String>, StoreError>;

    /// An active number of the business account that has an access token, one that Meta has not refused if there is one.
    async fn account_with_token(&mut self, waba_id: &str) -> Result<Option<AccountId>, StoreError>;
}

/// What Meta's events tell of the templates of the transaction's tenant.
#[async_trait]
pub trait TemplateEventRepo: Send {
    /// Changes the copy, unless a later event has. `false` if there is no copy.
    async fn change_template(
        &mut self,
        waba_id: &str,
        meta_id: &str,
        change: &TemplateChange,
        occurred_at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
}
