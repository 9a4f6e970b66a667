//! Webhooks: what becomes due, how it is written and signed, and how it is delivered.

mod deliveries;
mod delivery;
pub(crate) mod outbox;
pub(crate) mod payload;
pub(crate) mod schedule;
