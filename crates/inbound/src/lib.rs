//! The ledger of inbound events.
//!
//! - An event lives in the database (see [`EventStatus`]); the queue carries only its id.
//! - [`RetryPolicy`] says when a failed event is tried again, and when it becomes a dead letter.
//! - [`EventReader`] and [`EventRepo`] list, show, replay and discard events.
//! - [`EventHousekeeping`] counts unfinished events and deletes old ones ([`RetentionPolicy`]).
//!
//! The tenant of an event is found by its account, in the statement that stores the event.

#![deny(clippy::future_not_send)]

mod event;
mod housekeeping;
mod ports;
mod read_events;
mod retry;
mod webhook_event;

pub use event::{AbandonedEvent, DueEvent, ErrorClass, EventStatus, IncomingEvent, QueuedEvent, StoredEvent};
pub use housekeeping::{EventHousekeeping, Purged, QueueDepth, QueueInspector, RetentionPolicy, Unfinished};
pub use ports::{
    EventConsumer, EventIntake, EventLedger, EventOutcomeRepo, EventPublisher, EventReader, EventRepo, PublishResult,
    QueueError, QueueMessage, TenantlessEventRepo,
};
pub use read_events::{EventDetails, event, events};
pub use retry::RetryPolicy;
pub use webhook_event::{EventFilter, FailedAttempt, ReplayLimit, ReplayLimitOutOfRange, WebhookEvent};
