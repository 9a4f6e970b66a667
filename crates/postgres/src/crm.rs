//! Contacts, conversations, messages and interactions.

#[expect(
    clippy::option_option,
    clippy::ref_option_ref,
    reason = "Diesel tells null from absent so, and its derives refer to both"
)]
mod contact;
mod contact_jobs;
pub(crate) mod content_parts;
mod conversation;
mod erased_hashes;
mod erasure;
mod identity;
mod identity_keys;
mod inbox;
mod interaction;
mod merge;
mod message;
mod old_content;
mod past;
mod search;

pub(crate) use inbox::refresh as refresh_conversations;
