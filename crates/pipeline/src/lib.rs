//! The loops that run beside requests, over ports only: no SQL, no AMQP.
//!
//! - [`Flusher`] stores what requests hand in at the [`Intake`].
//! - [`Relay`] publishes the ids of due events from the ledger to the queue.
//! - [`Worker`] takes ids from the queue and turns their events into what the CRM shows.
//! - [`Scheduler`] measures what waits and deletes what was kept long enough.
//! - [`Biller`] closes periods that have ended, and notes who has not paid.
//! - [`KeyKeeper`] keeps the signing keys current, and moves them on when it is time.
//! - [`Sealer`] seals what was written into the audit logs.
//! - [`Recorder`] makes sure that what the broker gave up on is a dead letter in the database.
//!
//! Any number of each may run, in any number of processes: what they share is in the database. Each runs until its token
//! is cancelled, and then finishes what it has in hand.

#![deny(clippy::future_not_send)]

mod backoff;
mod biller;
pub mod failpoint;
mod intake;
mod key_keeper;
mod metrics;
mod recorder;
mod relay;
mod scheduler;
mod sealer;
mod spans;
mod ticks;
mod worker;

pub use biller::Biller;
pub use intake::{Flusher, Intake};
pub use key_keeper::KeyKeeper;
pub use metrics::{BATCH_SIZE, END_TO_END, begin_at_zero, describe as describe_metrics};
pub use recorder::Recorder;
pub use relay::Relay;
pub use scheduler::Scheduler;
pub use sealer::Sealer;
pub use worker::Worker;
