//! CRM operations that are audited, or that depend on the rights of another user.

mod change_conversation;
mod contacts;
mod tenant_jobs;

pub use change_conversation::{ChangeConversationError, ChangeConversationTx, change_conversation};
pub use contacts::{ContactJobTx, MergeContactsTx, OldContentTx, delete_contact, merge_contacts};
pub use tenant_jobs::{TenantJobRun, continue_contact_jobs, renew_old_content};
