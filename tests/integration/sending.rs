//! Sending messages through Meta, which the sandbox stands in for.

mod answers;
mod clocks;
mod orders;
mod secrets;
mod statuses;
mod unclear;
