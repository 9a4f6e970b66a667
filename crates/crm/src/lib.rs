//! The customers of a tenant and what is said with them: contacts, conversations, messages, interactions.
//!
//! Invariants this crate holds, together with the constraints of the database:
//! - one contact per identity (a phone number, a business-scoped user id) within a tenant;
//! - one open conversation per account and contact; a message to a closed one opens a new one;
//! - one message, one interaction and one unread mark per provider message, however often it is delivered;
//! - the result does not depend on the order in which things are recorded: a message's state, a contact's identities
//!   follow from everything that was ever told about them.
//!
//! [`inbox`] records what WhatsApp tells, many events in one transaction; [`identity`] decides whose they are, as a pure
//! function. [`merge_contacts`] is for people who know better. Reading is in `read.rs`. To add a use case: a file of its
//! own, its port in `ports.rs`, the adapter's half in `crates/postgres/src/crm/`.

#![deny(clippy::future_not_send)]

mod contact;
mod conversation;
pub mod identity;
pub mod inbox;
mod interaction;
mod merge_contacts;
mod message;
mod ports;
mod read;

pub use contact::{Contact, MarketingConsent};
pub use conversation::{Conversation, ConversationFilter, ConversationStatus};
pub use interaction::{Interaction, InteractionKind};
pub use merge_contacts::{MergeContacts, MergeContactsError, merge_contacts};
pub use message::{Delivery, DeliveryStep, Direction, Forwarded, Media, Message, Origin, Reaction, ReplyTo};
pub use ports::{ContactRepo, ConversationRepo, InteractionRepo, MergeTx};
pub use read::{contact, contacts, conversation, conversations, interactions, messages};
