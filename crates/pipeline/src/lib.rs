#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod audit_sealer;
mod backoff;
mod biller;
mod contact_jobs;
mod content_renewer;
mod dead_letter_recorder;
pub mod failpoint;
mod intake;
mod interval;
mod job_runner;
mod key_rotator;
mod media_metrics;
mod media_sweeper;
mod metrics;
mod relay;
mod scheduler;
mod send_intake;
mod sender;
mod spans;
mod tenant_jobs;
mod turn_queue;
mod worker;

pub use audit_sealer::AuditSealer;
pub use biller::Biller;
pub use contact_jobs::ContactJobs;
pub use content_renewer::ContentRenewer;
pub use dead_letter_recorder::DeadLetterRecorder;
pub use intake::{Flusher, Intake};
pub use job_runner::JobRunner;
pub use key_rotator::KeyRotator;
pub use media_metrics::MediaMetrics;
pub use media_sweeper::MediaSweeper;
pub use metrics::{BATCH_SIZE, BUCKETS, END_TO_END, begin_at_zero, describe as describe_metrics};
pub use relay::Relay;
pub use scheduler::Scheduler;
pub use send_intake::{SendFlusher, SendIntake};
pub use sender::{NumberBells, Sender};
pub use worker::Worker;
