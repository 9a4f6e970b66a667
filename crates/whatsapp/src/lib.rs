//! The wire format of WhatsApp's webhooks. No I/O.
//!
//! - [`AppSecrets::verify`] checks the signature of a webhook over the raw bytes, before anything is parsed
//!   (`signature.rs`). [`Handshake`] answers the request that Meta sends when a callback URL is registered.
//! - [`split`] turns one delivery into events, one per message, status, call or other item. Each has a slice of the bytes
//!   that Meta sent, and a key that is the same in every delivery of the same item.
//! - [`decode()`] reads an event: an [`Update`], if it changes the CRM.
//!
//! Parsing is lenient: a broken item becomes an event of its own and does not affect the others.

mod decode;
mod envelope;
mod event_kind;
mod handshake;
mod json;
mod meta_app_key;
mod new_event;
mod signature;
mod update;

pub use decode::{DecodeError, Decoded, decode};
pub use envelope::split;
pub use event_kind::EventKind;
pub use handshake::{Handshake, HandshakeError, InvalidVerifyToken, VerifyToken};
pub use meta_app_key::{InvalidMetaAppKey, MetaAppKey};
pub use new_event::NewEvent;
pub use signature::{AppSecret, AppSecrets, EmptySecret, InvalidSecret, InvalidSignature, Signature};
pub use update::{
    AddressBookUpdate, CallUpdate, Connection, ConsentUpdate, DecodedMessage, DeliveryStep, Direction, Edit, Forwarded,
    HealthTopic, HealthUpdate, IdentityChange, MediaPointer, Origin, Party, Reaction, Revocation, StatusUpdate,
    SystemMessage, Update,
};
