//! Sending messages through Meta, which the sandbox stands in for.

mod answers;
mod pauses;
mod records;
