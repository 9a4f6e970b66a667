//! Who did what: records that are only ever added, in the same transaction as what they tell of.
//!
//! A tenant's records are in its own log ([`AuditRepo`]); what belongs to no tenant, or was done to the deployment as a whole,
//! is in the operators' ([`PlatformAuditRepo`]). The database refuses to change or delete a record, whoever asks.
//!
//! A tenant's records are chained: [`seal_records`] adds a seal for each, later and beside the requests, and [`verify_log`]
//! finds what somebody did to them who can write into the database.
//!
//! To record something new: a variant of [`Action`], and [`Record::new`] where it is done. No secret, no text of a message
//! and no phone number goes into [`Record::changes`].

#![deny(clippy::future_not_send)]

mod action;
mod actor;
mod chain;
mod ports;
mod read_log;
mod reason;
mod record;
mod seal_records;
mod stored;
pub mod target;
mod verify_log;

pub use action::Action;
pub use actor::{Actor, Origin};
pub use chain::Seal;
pub use ports::{AuditChainRepo, AuditRepo, PlatformAuditReader, PlatformAuditRepo, UnsealedDirectory};
pub use read_log::{audit_log, platform_audit_log};
pub use reason::{InvalidReason, Reason};
pub use record::{Outcome, Record, Target};
pub use seal_records::{SealRecordsError, seal_records};
pub use stored::{RecordFilter, StoredRecord};
pub use verify_log::{Damage, Verification, verify_log};
