#![doc = include_str!("../README.md")]
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
