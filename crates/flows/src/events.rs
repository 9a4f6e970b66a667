//! Webhook events: storing, processing, retrying, replaying and discarding them.

mod accept_delivery;
mod discard_event;
mod process_events;
mod record_failure;
mod reparse_delivery;
mod replay_events;
mod requeue_held_and_unroutable;

pub use accept_delivery::{AcceptError, Accepted, DeliveryStore, accept_delivery};
pub use discard_event::{
    DiscardEventError, DiscardTenantlessEventTx, discard_event, discard_events, discard_tenantless_event,
    discard_tenantless_events,
};
pub use process_events::{
    DeadLetter, LockedEvent, ProcessEventsTx, ProcessedEvents, ToldStatus, lock_events, process_events,
};
pub use record_failure::{EventFailure, FailureOutcome, RecordFailureTx, record_failure};
pub use reparse_delivery::{ReparseDeliveryError, ReparseDeliveryTx, reparse_delivery};
pub use replay_events::{ReplayEventError, ReplayEventsTx, count_replayable, replay_event, replay_events};
pub use requeue_held_and_unroutable::requeue_held_and_unroutable;
