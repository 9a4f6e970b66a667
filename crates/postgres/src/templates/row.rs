use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use kernel::StoreError;
use kernel::ids::{AccountId, TemplateId};
use outbound::template::Template;
use outbound::{Language, StoredTemplate};
use uuid::Uuid;

use crate::closed_set::parse;
use crate::schema::templates;

#[derive(Queryable, Selectable)]
#[diesel(table_name = templates)]
pub(super) struct Row {
    id: Uuid,
    pub(super) waba_id: String,
    meta_id: String,
    name: String,
    language: String,
    category: String,
    status: String,
    quality: String,
    rejection_reason: Option<String>,
    format: String,
    components: String,
    edited_at: Vec<DateTime<Utc>>,
    synced_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn into_template(self, account: Option<AccountId>) -> Result<StoredTemplate, StoreError> {
        let corrupt = || StoreError::corrupt("templates.components");
        Ok(StoredTemplate {
            id: TemplateId::from_uuid(self.id),
            waba_id: self.waba_id,
            account,
            template: Template {
                meta_id: self.meta_id,
                name: self.name,
                language: language(&self.language)?,
                category: parse(&self.category, "templates.category")?,
                status: parse(&self.status, "templates.status")?,
                quality: parse(&self.quality, "templates.quality")?,
                rejection_reason: self.rejection_reason,
                format: parse(&self.format, "templates.format")?,
                components: serde_json::from_str(&self.components).map_err(|_| corrupt())?,
            },
            synced_at: self.synced_at,
            edited_at: self.edited_at,
            created_at: self.created_at,
        })
    }
}

pub(super) fn language(text: &str) -> Result<Language, StoreError> {
    Language::parse(text).ok_or_else(|| StoreError::corrupt("templates.language"))
}
