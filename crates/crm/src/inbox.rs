//! Recording what WhatsApp tells: messages, what becomes of them, who people are, and what else happens with them.
//!
//! [`record`] takes everything that a group of events of one tenant brings and does it in one transaction, with a few
//! statements over all of it. Whatever comes first, and however often, the result is the same: a message takes its state
//! from everything that is known about it, also from what came before it.

mod activities;
mod batch;
mod erased;
mod messages;
mod people;
mod ports;
mod record;
mod updates;

pub use batch::{Activity, ActivityEffect, Batch, IncomingMessage, MessageKey, MessageUpdate, UpdateEffect};
pub use messages::{NewMessage, OpenConversation};
pub use people::Lock;
pub use ports::{IdentityRepo, InboxRepo, InboxTx};
pub use record::{CustomerMessage, PARKED, Recorded, record};
pub use updates::{ConversationNews, NewUpdate, RefreshedMessage};
