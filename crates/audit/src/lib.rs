#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod action;
mod chain;
mod encoding;
mod log;
mod oldest_unsealed;
mod ports;
mod provenance;
mod read_log;
mod reason;
mod record;
mod request_origin;
mod seal_error;
mod seal_records;
mod signed_record;
mod stored;
mod summarise_records;
mod summary;
pub mod target;
#[cfg(test)]
mod testing;
mod unsigned_records;
mod verify_log;

pub use action::Action;
pub use chain::Seal;
pub use kernel::Principal;
pub use log::Log;
pub use oldest_unsealed::{id_time, oldest_unsealed};
pub use ports::{
    AuditChainRepo, AuditRepo, PlatformAuditReader, PlatformAuditRepo, PurgeRepo, UnsealableRecord, UnsealedDirectory,
};
pub use provenance::Provenance;
pub use read_log::{audit_log, platform_audit_log};
pub use reason::{InvalidReason, Reason};
pub use record::{Outcome, Record, Target};
pub use request_origin::RequestOrigin;
pub use seal_error::SealRecordsError;
pub use seal_records::{SealedRecords, seal_records};
pub use signed_record::{SignedRecord, UnsealedRecord};
pub use stored::{RecordFilter, StoredRecord};
pub use summarise_records::{PurgeRecordsError, summarise_records};
pub use summary::{LogSummary, SummarisedRecords, SummaryOfRecords};
pub use unsigned_records::{UnsignedRecords, unsigned_records};
pub use verify_log::{LogDamage, LogVerification, verify_log, verify_platform_log};
