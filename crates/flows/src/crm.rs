//! CRM operations that are audited, or that depend on the rights of another user.

mod change_conversation;
mod contact_jobs;
mod contacts;

pub use change_conversation::{ChangeConversationError, ChangeConversationTx, change_conversation};
pub use contact_jobs::{ContactJobRun, continue_contact_jobs};
pub use contacts::{ContactJobTx, MergeContactsTx, delete_contact, merge_contacts};
