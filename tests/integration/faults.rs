//! Fault tests: every process and server between a delivery and its message is stopped, killed or sent duplicates; then
//! the journal of responses is compared with the database. `cargo xtask faults` runs these tests on servers of their own.
//!
//! Each test names the invariants it proves; [`crate::kit::reconciliation`] checks all of them at the end of each test.
//!
//! - **I1** Each delivery that was answered 200 is stored: exactly one row for each event in it, however often and however
//!   grouped it arrives.
//! - **I2** One message of Meta's is one message in the CRM, with one interaction, and unread once.
//! - **I3** Once a fault has ended, every event is finished within a minute or waits for its next attempt.
//! - **I4** No tenant reads, changes or causes data of another.
//! - **I5** No event is attempted more often than allowed; an event without attempts left is a listed dead letter.
//! - **I6** A finished event does not change unless a user replays it.
//! - **I7** The order in which events arrive does not affect the result.
//! - **I8** Every accepted event is processed, unroutable, held, discarded, a dead letter or in flight, and the ledger holds
//!   exactly the events in flight.

/// A real Prometheus raises the alerts, and the runbook's commands show the cause.
mod alerts;

/// Faults of the test's own processes and queues: these tests run in parallel.
mod processes {
    mod api;
    mod jobs;
    mod keys;
    mod memory;
    mod memory_of_api;
    mod queues;
    mod relay;
    mod replay;
    mod shutdown;
    mod tenants;
    mod worker;
}

/// Faults of senders and of Meta: S1 to S8, see `tests/README.md`.
mod sending {
    mod answers;
    mod deaths;
    mod leases;
    mod media;
}

/// Needs the whole machine: runs alone, since other tests would use up the minute of I3.
mod volume {
    mod backlog;
    mod intake;
    mod media;
    mod queues;
    mod sends;
    mod tenants;
}

/// Faults of the shared servers: each test runs alone.
mod services {
    mod broker;
    mod postgres;
    mod sending;
}
