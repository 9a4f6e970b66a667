//! Faults: whatever may die, stop or come twice on a message's way does, and afterwards the journal of what was answered and
//! the database are compared as sets. `cargo xtask faults` runs these tests, on servers that they may stop and start.
//!
//! Each test says which of these it proves; what all of them check at their end is in [`crate::kit::reckoning`].
//!
//! - **I1** Each delivery that was answered 200 is stored: exactly one row for each event in it, however often and in
//!   whatever company it came.
//! - **I2** What Meta calls one message is one message in the CRM, told once and unread once.
//! - **I3** When a fault has passed, everything is finished within a minute, or waits for the time of its next attempt.
//! - **I4** Nothing of one tenant is seen, changed or caused by another.
//! - **I5** No event is tried more often than it may be, and what was given up is a dead letter that people find.
//! - **I6** What is finished stays as it is, unless somebody replays it.
//! - **I7** The order in which things are told does not matter for what is seen in the end.
//! - **I8** Nothing is unaccounted for: what was accepted is processed, unroutable, held, discarded, a dead letter or in
//!   flight, and in flight is what the ledger holds.

/// A real Prometheus sees what breaks, and the runbook's commands say what it is.
mod alerts;

/// Processes and queues of a test's own break: such tests run side by side.
mod processes {
    mod api;
    mod keys;
    mod queues;
    mod relay;
    mod replay;
    mod shutdown;
    mod tenants;
    mod worker;
}

/// So much at once that it takes the whole machine: one test at a time, as neighbours would use up the minute of I3.
mod crowd {
    mod queues;
}

/// The servers that all share break: one test at a time, too.
mod services {
    mod broker;
    mod postgres;
}
