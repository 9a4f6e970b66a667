//! `/webhook-events`: list, read, replay and discard.

pub(crate) mod bodies;
pub(crate) mod discard;
pub(crate) mod replay;
pub(crate) mod webhook_events;
