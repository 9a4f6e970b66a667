//! `/crm`: contacts, conversations, messages and search.

pub(crate) mod contact_change;
pub(crate) mod contact_create;
pub(crate) mod contact_delete;
pub(crate) mod contact_merge;
pub(crate) mod contacts;
pub(crate) mod conversation_change;
mod conversation_query;
pub(crate) mod conversations;
pub(crate) mod interactions;
mod message_parts;
pub(crate) mod messages;
pub(crate) mod notes;
pub(crate) mod search;
mod search_query;
