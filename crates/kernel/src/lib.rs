//! What every domain shares and nothing else: no I/O, no business rules.
//!
//! - [`ids`]: one type per kind of id, so that a contact's id cannot be passed for a conversation's.
//! - [`Clock`], [`Entropy`]: the two things a use case may not fetch for itself.
//! - [`TenantScope`]: whose data is being looked at. [`Permission`], [`Permit`], [`Actor`]: who may. [`Operator`]: who runs
//!   the deployment. [`By`]: either of the two.
//! - [`StoreError`]: what a repository can answer besides its result. [`Page`]: a slice of a list.
//! - [`Change`]: what a patch does to a value.
//! - [`Traceparent`]: what connects a delivery with what becomes of it, across processes.
//! - [`Span`], [`Tracing`]: what happened in between, for whoever collects traces.
//! - [`seal`]: how secrets are kept in the database.

mod actor;
mod change;
mod clock;
mod entropy;
mod error_chain;
mod hex;
pub mod ids;
mod operator;
mod page;
mod permission;
mod scope;
pub mod seal;
mod store;
mod trace;
mod traceparent;

pub use actor::{Actor, Permit};
pub use change::Change;
pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, NoEntropy, SystemEntropy};
pub use error_chain::error_chain;
pub use hex::hex;
pub use operator::{By, Operator, OperatorProof};
pub use page::{Cursor, Limit, LimitOutOfRange, Page, PageRequest};
pub use permission::{
    AuditRead, BillingRead, BillingWrite, ChannelsRead, ChannelsWrite, CrmRead, CrmWrite, EventsRead, EventsReplay,
    Grant, Permission, PermissionSet, RolesRead, RolesWrite, TenantRead, TenantWrite, UnknownPermission, UsersRead,
    UsersWrite,
};
pub use scope::TenantScope;
pub use store::StoreError;
pub use trace::{Span, SpanKind, SpanSink, SpanValue, Tracing};
pub use traceparent::{InvalidTraceparent, Traceparent};
