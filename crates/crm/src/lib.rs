#![doc = include_str!("../README.md")]
//! ## Invariants
//!
//! Held by this crate together with the constraints of the database:
//! - one contact per identity (a phone number, a business-scoped user id) within a tenant;
//! - one open conversation per account and contact; a message to a closed one opens a new one;
//! - one message, one interaction and one unread mark per provider message, however often it is delivered;
//! - the result does not depend on the order in which events are recorded: the state of a message and the identities of a
//!   contact follow from all events about them.
//!
//! ## Modules
//!
//! - [`Contact`] is in `contact.rs`; README.md lists what else to change **to add a field to a contact**.
//! - Each action of a user is a file with its function: [`create_contact()`], [`change_contact()`], [`merge_contacts()`],
//!   [`delete_contact()`], [`add_note()`], [`change_conversation()`]. Queries are in `read.rs` and [`search()`].
//! - [`inbox`] records WhatsApp events, a batch in one transaction; [`identity`] resolves their people to contacts, as a pure
//!   function.
//! - `ports.rs` and `inbox/ports.rs` are the repositories that the use cases need.

#![deny(clippy::future_not_send)]

mod add_note;
mod attributes;
mod change_contact;
mod change_conversation;
mod contact;
mod conversation;
mod create_contact;
mod delete_contact;
#[cfg(test)]
mod fake;
mod find_or_create_contact;
mod housekeeping;
pub mod identity;
pub mod inbox;
mod interaction;
mod merge_contacts;
mod message;
mod ports;
mod preview;
mod read;
mod search;
mod title;

pub use add_note::add_note;
pub use attributes::{Attributes, InvalidAttributes};
pub use change_contact::{ChangeContactError, ContactPatch, change_contact};
pub use change_conversation::{
    ChangeConversationError, ConversationPatch, change_conversation, constraint as conversation_constraint,
};
pub use contact::{
    Contact, ContactName, DeletedContact, FieldsSetByUser, InvalidContactName, InvalidLanguage, Language,
    MarketingConsent,
};
pub use conversation::{ClosedReason, Conversation, ConversationFilter, ConversationStatus};
pub use create_contact::{CreateContact, CreateContactError, create_contact};
pub use delete_contact::{DeleteContactError, delete_contact};
pub use find_or_create_contact::{FoundContact, find_or_create_contacts};
pub use housekeeping::{
    ContactJobDirectory, ContactJobRepo, ErasureHousekeeping, OldContentDirectory, OldContentRepo, OldMessage,
    PastRepo, RenewedMessage,
};
pub use interaction::{Interaction, InteractionKind, InvalidNote, NoteText};
pub use merge_contacts::{MergeContacts, MergeContactsError, MergedContact, merge_contacts};
pub use message::{DeliveryStep, Media, Message, MessageList, MessageParts, Reaction, ReplyTo};
pub use ports::{
    BusinessNumberRepo, ContactRepo, ContactTx, ConversationRepo, ConversationTx, InteractionRepo, SearchRepo,
};
pub use preview::preview;
pub use read::{contact, contacts, conversation, conversations, interactions, message, messages, messages_of_contact};
pub use search::{ContactHit, ContactMatch, InvalidSearch, MessageHit, SearchHit, SearchQuery, search};
pub use title::{Titled, title};
