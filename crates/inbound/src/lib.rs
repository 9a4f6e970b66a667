//! What Meta sends: is it genuine, what is in it, and what becomes of it.
//!
//! - [`AppSecrets::verify`] checks the signature over the raw bytes, before anything is parsed.
//! - [`split`] turns one delivery into events, one per message, status or other change, each with a slice of the very
//!   bytes that Meta sent and a key that is the same for every delivery of the same thing.
//! - An event lives in the database (see [`EventStatus`]); the queue carries only its id. [`RetryPolicy`] says when it is
//!   tried again.
//! - [`decode_message`] reads the event of a message.
//!
//! Parsing is lenient throughout: a broken item becomes an event of its own and never harms its neighbours. Nothing here
//! knows a tenant: the account decides, in the statement that stores the event.

#![deny(clippy::future_not_send)]

mod account;
mod accounts;
mod app_secrets;
mod envelope;
mod event;
mod handshake;
mod json;
mod message;
mod ports;
mod retry;

pub use account::{AccountStatus, InvalidAccountField, MetaAppKey, MetaId, NewAccount, WhatsAppAccount};
pub use accounts::accounts;
pub use app_secrets::{AppSecret, AppSecrets, EmptySecret, InvalidSignature, Signature};
pub use envelope::split;
pub use event::{DueEvent, ErrorClass, EventKind, EventStatus, NewEvent, QueuedEvent, StoredEvent};
pub use handshake::{Handshake, HandshakeRefused, VerifyToken};
pub use message::{DecodedMessage, MediaPointer, Undecodable, decode_message};
pub use ports::{
    AccountDirectory, AccountRepo, Delivery, EventIntake, EventLedger, EventOutcomeRepo, EventPublisher, EventSource,
    Published, QueueError, constraint,
};
pub use retry::RetryPolicy;
