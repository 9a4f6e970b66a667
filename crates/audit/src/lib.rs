//! Who did what: records that are only ever added, in the same transaction as what they tell of.
//!
//! A tenant's records are in its own log ([`AuditRepo`]); what belongs to no tenant, or was done to the deployment as a whole,
//! is in the operators' ([`PlatformAuditRepo`]). The database refuses to change or delete a record, whoever asks.
//!
//! To record something new: a variant of [`Action`], and [`Record::new`] where it is done. No secret, no text of a message
//! and no phone number goes into [`Record::changes`].

#![deny(clippy::future_not_send)]

mod action;
mod actor;
mod ports;
mod reason;
mod record;

pub use action::Action;
pub use actor::{Actor, Origin};
pub use ports::{AuditRepo, PlatformAuditRepo};
pub use reason::{InvalidReason, Reason};
pub use record::{Outcome, Record, Target};
