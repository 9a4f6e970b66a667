//! What Meta sends: is it genuine, what is in it, and what becomes of it.
//!
//! - [`AppSecrets::verify`] checks the signature over the raw bytes, before anything is parsed. Whose secrets those are, the
//!   path says: the deployment's, or those of a tenant's own [`MetaApp`]. From then on only accounts of that app count.
//! - [`split`] turns one delivery into events, one per message, status, call or other thing, each with a slice of the very
//!   bytes that Meta sent and a key that is the same for every delivery of the same thing.
//! - An event lives in the database (see [`EventStatus`]); the queue carries only its id. [`RetryPolicy`] says when it is
//!   tried again. People look after what failed: [`EventReader`], [`EventRepo`].
//! - [`decode()`] reads an event: an [`Update`], if it is something that changes the CRM.
//!
//! Parsing is lenient throughout: a broken item becomes an event of its own and never harms its neighbours. Nothing here
//! knows a tenant: the account decides, in the statement that stores the event.

#![deny(clippy::future_not_send)]

mod account;
mod accounts;
mod app_credentials;
mod app_secrets;
mod change_account;
mod change_meta_app;
mod create_meta_app;
mod decode;
mod delete_meta_app;
mod disconnect_account;
mod envelope;
mod event;
mod handshake;
mod housekeeping;
mod json;
mod meta_app;
mod meta_app_key;
mod meta_apps;
mod ports;
mod read_events;
mod reseal_meta_app;
mod retry;
mod sealed_secrets;
mod update;
mod webhook_event;

pub use account::{
    AccountPatch, AccountStatus, Disconnection, InvalidAccountField, MetaId, NewAccount, OwnedAccount, WhatsAppAccount,
};
pub use accounts::{account, accounts};
pub use app_credentials::{AppCredentialsError, app_credentials};
pub use app_secrets::{AppSecret, AppSecrets, EmptySecret, InvalidSecret, InvalidSignature, Signature};
pub use change_account::change_account;
pub use change_meta_app::{ChangeMetaAppError, change_meta_app};
pub use create_meta_app::{CreateMetaAppError, create_meta_app};
pub use decode::{Decoded, Undecodable, decode};
pub use delete_meta_app::{DeleteMetaAppError, delete_meta_app};
pub use disconnect_account::disconnect_account;
pub use envelope::split;
pub use event::{
    AbandonedEvent, DueEvent, ErrorClass, EventKind, EventStatus, IncomingEvent, NewEvent, QueuedEvent, StoredEvent,
};
pub use handshake::{Handshake, HandshakeRefused, InvalidVerifyToken, VerifyToken};
pub use housekeeping::{EventHousekeeping, Purged, QueueDepth, QueueInspector, RetentionPolicy, Unfinished};
pub use meta_app::{MetaApp, MetaAppPatch, NewMetaApp};
pub use meta_app_key::{InvalidMetaAppKey, MetaAppKey};
pub use meta_apps::meta_apps;
pub use ports::{
    AccountDirectory, AccountHealthRepo, AccountNews, AccountRepo, ChannelRepo, Delivery, EventIntake, EventLedger,
    EventOutcomeRepo, EventPublisher, EventReader, EventRepo, EventSource, MetaAppDirectory, MetaAppRepo, Published,
    QueueError, TenantlessEventRepo, constraint,
};
pub use read_events::{EventDetails, event, events};
pub use reseal_meta_app::reseal_meta_app;
pub use retry::RetryPolicy;
pub use sealed_secrets::{AppCredentials, SealedSecrets, SecretsError};
pub use update::{
    AddressBookUpdate, CallUpdate, Connection, ConsentUpdate, DecodedMessage, DeliveryStep, Direction, Edit, Forwarded,
    HealthTopic, HealthUpdate, IdentityChange, MediaPointer, Notice, Origin, Party, Reaction, Revocation, StatusUpdate,
    Update,
};
pub use webhook_event::{EventFilter, FailedAttempt, ReplayLimit, ReplayLimitOutOfRange, WebhookEvent};
