//! The loops that run beside requests. They use ports only: no SQL, no AMQP.
//!
//! - [`Flusher`] stores the webhook deliveries that requests pass to the [`Intake`], many in one commit.
//! - [`Relay`] publishes the ids of due events from the ledger to the queue.
//! - [`Worker`] takes ids from the queue and processes their events.
//! - [`DeadLetterRecorder`] marks events that the broker gave up on as dead letters in the database.
//! - [`Scheduler`] measures unfinished events and queues, and deletes expired rows.
//! - [`Biller`] closes billing periods that have ended, and marks overdue subscriptions.
//! - [`KeyRotator`] reloads the signing keys, and rotates them when they are due.
//! - [`AuditSealer`] seals new audit records.
//!
//! Any number of each may run, in any number of processes: shared state is in the database. Each runs until its token is
//! cancelled, and then finishes the work in hand.

#![deny(clippy::future_not_send)]

mod audit_sealer;
mod backoff;
mod biller;
mod dead_letter_recorder;
pub mod failpoint;
mod intake;
mod interval;
mod key_rotator;
mod metrics;
mod relay;
mod scheduler;
mod spans;
mod worker;

pub use audit_sealer::AuditSealer;
pub use biller::Biller;
pub use dead_letter_recorder::DeadLetterRecorder;
pub use intake::{Flusher, Intake};
pub use key_rotator::KeyRotator;
pub use metrics::{BATCH_SIZE, END_TO_END, begin_at_zero, describe as describe_metrics};
pub use relay::Relay;
pub use scheduler::Scheduler;
pub use worker::Worker;
