//! `/crm`: contacts, conversations, messages and search.

pub(crate) mod add_note;
pub(crate) mod change_contact;
pub(crate) mod change_conversation;
pub(crate) mod contacts;
mod conversation_query;
pub(crate) mod conversations;
pub(crate) mod create_contact;
pub(crate) mod delete_contact;
pub(crate) mod interactions;
pub(crate) mod merge_contacts;
pub(crate) mod message_parts;
pub(crate) mod message_query;
pub(crate) mod messages;
pub(crate) mod search;
mod search_query;
