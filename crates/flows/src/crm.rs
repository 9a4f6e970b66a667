//! CRM operations that are audited, or that depend on the rights of another user.

mod change_conversation;
mod contacts;

pub use change_conversation::{ChangeConversationError, ChangeConversationTx, change_conversation};
pub use contacts::{MergeContactsTx, delete_contact, merge_contacts};
