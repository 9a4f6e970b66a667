//! `/jobs`: durable work: list, retry and discard.

mod bodies;
pub(crate) mod discard;
pub(crate) mod list;
pub(crate) mod retry;
