//! Records WhatsApp events: messages, updates of messages, identities, and other activities of contacts.
//!
//! [`record_batch`] records all events of a batch for one tenant in one transaction, with a few statements over the whole
//! batch. The result depends neither on the order of the events nor on how often each is delivered: the state of a message
//! follows from all of its updates, also those that arrived before it.

mod activities;
mod batch;
mod erased;
mod messages;
mod people;
mod ports;
mod record_batch;
mod updates;

pub use batch::{Activity, ActivityEffect, Batch, IncomingMessage, MessageKey, MessageUpdate, UpdateEffect};
pub use messages::{NewMessage, OpenConversation};
pub use people::Lock;
pub use ports::{IdentityRepo, InboxRepo, InboxTx};
pub use record_batch::{CustomerMessage, PARKED_RETENTION, RecordedBatch, record_batch};
pub use updates::{ConversationUpdate, NewUpdate, RefreshedMessage};
