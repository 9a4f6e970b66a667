//! Records WhatsApp events: messages, updates of messages, identities, and other activities of contacts.
//!
//! [`record_batch`] records all events of a batch for one tenant in one transaction, with a few statements over the whole
//! batch. The result depends neither on the order of the events nor on how often each is delivered: the state of a message
//! follows from all of its updates, also those that arrived before it.

mod activities;
mod batch;
mod erased;
mod keys;
mod lock;
mod message_state;
mod messages;
mod new_message;
mod open_conversation;
mod people;
mod ports;
mod record_batch;
mod recorded_batch;
mod service_window;
mod stored_message;
mod updates;

pub use batch::{Activity, ActivityEffect, Batch, IncomingMessage, MessageUpdate, SentProof, UpdateEffect};
pub use keys::{MessageKey, Moment};
pub use lock::Lock;
pub use message_state::{MessageState, REVOKED_TEXT};
pub use new_message::NewMessage;
pub use open_conversation::OpenConversation;
pub use ports::{IdentityRepo, InboxRepo, InboxTx};
pub use record_batch::{PARKED_RETENTION, record_batch};
pub use recorded_batch::{AcceptedMessage, CustomerMessage, RecordedBatch};
pub use service_window::service_window_end;
pub use stored_message::{StoredMessage, Telling};
pub use updates::{ConversationUpdate, MISSED_CALL, NewUpdate, REACTION_TEXT, RefreshedMessage};
