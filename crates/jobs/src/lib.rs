#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod job;
mod kind;
mod outcome;
mod ports;
mod subject;

pub use job::{ClaimedJob, Job, JobState, NewJob};
pub use kind::{JobKind, JobOrder, JobPolicy};
pub use outcome::{JobFailure, JobOutcome, NextState, next_state};
pub use ports::{ClaimedJobs, JobClaim, JobCounts, JobFilter, JobLedger, JobRepo, JobScheduler, JobTurn};
pub use subject::{InvalidJobSubject, JobSubject};
