#![doc = include_str!("../README.md")]
//!
//! ## What is here
//!
//! - [`ids`]: one type per kind of id, so that a contact's id cannot be passed for a conversation's.
//! - [`Clock`], [`Entropy`]: time and random bytes, passed to use cases.
//! - [`TenantScope`]: the tenant whose data a transaction may read and write.
//! - [`AuthenticatedCaller`], [`Permission`], [`Permit`]: who sent a request, and proof of a permission. [`Actor`]: a user or an API
//!   key. [`Operator`]: proof that the caller operates the deployment. [`Authorization`]: a permit, or that. [`Principal`]: who acts,
//!   for records.
//! - [`Direction`], [`Origin`], [`Forwarded`], [`DeliveryStatus`], [`MediaKind`], [`ContentPartKind`]: closed sets that domains, database and
//!   API share. [`ContentPart`]: a piece of what a structured message says.
//! - [`Arrival`]: the order in which webhook events arrived.
//! - [`StoreError`]: why a repository call failed. [`Page`]: a part of a list.
//! - [`ErrorClass`], [`RetryPolicy`]: why work failed, and the delays between its attempts.
//! - [`Change`]: what a patch does to an optional value.
//! - [`Traceparent`]: a position in a trace, passed on across processes. [`Span`], [`Tracing`]: finished spans and sampling.
//! - [`seal`]: encryption of secrets in the database.

mod actor;
mod arrival;
mod change;
mod clock;
mod entropy;
mod error_chain;
mod error_class;
pub mod ids;
mod operator;
mod page;
mod permission;
mod permit;
mod principal;
mod quoted;
mod retention;
mod retry;
mod scope;
pub mod seal;
mod store;
mod trace;
mod traceparent;
mod vocabulary;

pub use actor::{Actor, Holder};
pub use arrival::Arrival;
pub use change::Change;
pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, EntropyUnavailable, SystemEntropy};
pub use error_chain::error_chain;
pub use error_class::ErrorClass;
pub use operator::{Authorization, Operator, OperatorProof};
pub use page::{Cursor, MAX_PAGE_BYTES, Page, PageLimit, PageLimitOutOfRange, PageRequest};
pub use permission::{
    ApiKeysRead, ApiKeysWrite, AuditRead, BillingRead, BillingWrite, ChannelsRead, ChannelsWrite, CrmRead, CrmWrite,
    EventsRead, EventsReplay, Grant, MessagesSend, Permission, PermissionSet, RolesRead, RolesWrite, TemplatesRead,
    TemplatesWrite, TenantRead, TenantWrite, UnknownPermission, UsersRead, UsersWrite,
};
pub use permit::{AuthenticatedCaller, Permit};
pub use principal::Principal;
pub use quoted::quoted;
pub use retention::Retention;
pub use retry::RetryPolicy;
pub use scope::TenantScope;
pub use store::StoreError;
pub use trace::{Span, SpanKind, SpanSink, SpanValue, Tracing};
pub use traceparent::{InvalidTraceparent, Traceparent};
pub use vocabulary::{
    ContentPart, ContentPartKind, DeliveryStatus, Direction, Forwarded, MediaKind, MessageCategory, Origin,
};
