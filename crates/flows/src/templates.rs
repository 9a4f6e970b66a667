//! Message templates: reading the copies, changing templates at Meta, keeping the copies current. Changes are audited.

mod business_account_access;
mod create_template;
mod delete_template;
mod edit_template;
mod fill_template;
mod ports;
mod read_templates;
mod refresh_template;
mod sync_templates;
mod upload_examples;

pub use business_account_access::{TemplateAccessTx, business_account_access};
pub use create_template::{NewTemplateAtMeta, create_template_at_meta, record_created_template};
pub use delete_template::{delete_template_at_meta, record_deleted_template};
pub use edit_template::{check_template_edit, edit_template_at_meta, record_template_edit};
pub use fill_template::{TemplateRefusal, fill_template};
pub use ports::{RefreshTemplateTx, TemplateTx};
pub use read_templates::{template, templates};
pub use refresh_template::{TemplateSource, claim_template_refresh, refresh_refusing_template, refresh_template};
pub(crate) use sync_templates::next_sync;
pub use sync_templates::{SyncTemplatesError, sync_templates};
pub use upload_examples::{ExampleUpload, UploadExamplesError};
