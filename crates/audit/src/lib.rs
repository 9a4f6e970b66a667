//! The audit log: append-only records, written in the same transaction as the action they describe.
//!
//! Each tenant has its own log ([`AuditRepo`]). Actions on the deployment, or on no tenant, are in the operators' log
//! ([`PlatformAuditRepo`]). Database triggers refuse to change or delete a record.
//!
//! A tenant's records form a hash chain: [`seal_records`] adds a seal for each record in the background, and [`verify_log`]
//! detects records that were changed, removed or inserted in the database.
//!
//! To record a new action: add a variant to [`Action`] and call [`Record::new`] in its use case. [`Record::changes`] must not
//! contain secrets, message texts or phone numbers.

#![deny(clippy::future_not_send)]

mod action;
mod chain;
mod ports;
mod read_log;
mod reason;
mod record;
mod request_origin;
mod seal_records;
mod stored;
pub mod target;
mod verify_log;

pub use action::Action;
pub use chain::Seal;
pub use kernel::Principal;
pub use ports::{AuditChainRepo, AuditRepo, PlatformAuditReader, PlatformAuditRepo, UnsealedDirectory};
pub use read_log::{audit_log, platform_audit_log};
pub use reason::{InvalidReason, Reason};
pub use record::{Outcome, Record, Target};
pub use request_origin::RequestOrigin;
pub use seal_records::{SealRecordsError, seal_records};
pub use stored::{RecordFilter, StoredRecord};
pub use verify_log::{LogDamage, LogVerification, verify_log};
