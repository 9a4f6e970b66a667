#![doc = include_str!("../README.md")]

mod app_secret;
mod decode;
mod envelope;
mod event_kind;
mod graph_error;
mod handshake;
mod json;
mod meta_app_key;
mod new_event;
mod signature;
mod update;

pub use app_secret::{AppSecret, AppSecrets, EmptySecret, InvalidSecret};
pub use decode::{DecodeError, Decoded, MessageContent, decode};
pub use envelope::split;
pub use event_kind::EventKind;
pub use graph_error::GraphError;
pub use handshake::{Handshake, HandshakeError, InvalidVerifyToken, VerifyToken};
pub use meta_app_key::{InvalidMetaAppKey, MetaAppKey};
pub use new_event::NewEvent;
pub use signature::{InvalidSignature, Signature, SignatureCheck, verify_signature};
pub use update::{
    AddressBookUpdate, CallUpdate, Connection, ConsentUpdate, DecodedMessage, Edit, HealthTopic, HealthUpdate,
    IdentityChange, MediaPointer, Party, Reaction, Revocation, StatusUpdate, SystemMessage, TemplateFact,
    TemplateUpdate, Update,
};
