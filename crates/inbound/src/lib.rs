//! The ledger of inbound events.
//!
//! - An event lives in the database (see [`EventStatus`]); the queue carries only its id.
//! - [`EventIntake`] stores received events. [`EventLedger`] has the unfinished ones; [`EventOutcomeRepo`] finishes, retries
//!   or dead-letters them.
//! - [`RetryPolicy`] has the delays between attempts, and says when an event becomes a dead letter.
//! - [`EventReader`] and [`EventRepo`] list, show, replay and discard events.
//! - [`EventHousekeeping`] counts events by status and deletes old ones ([`RetentionPolicy`]).
//! - [`EventPublisher`] and [`EventConsumer`] are the queue.
//!
//! The loops that use these ports are in the crate `pipeline`, whose README describes the way of a message and what happens
//! when processing fails.
//!
//! # The types of an event
//!
//! | type | the event | has |
//! |---|---|---|
//! | `whatsapp::NewEvent` | as the envelope was split | kind, payload, dedupe key, ids of the number |
//! | [`IncomingEvent`] | to be stored | a `NewEvent`, and the app and trace of its delivery |
//! | [`StoredEvent`] | was stored now, and not before | id, tenant, status |
//! | [`DueEvent`] | to be published now, by the relay | id, tenant, trace; no payload |
//! | [`UnfinishedEvent`] | to be processed, by a worker | all of it, with the size of its payload |
//! | `PendingEvent`, in `pipeline` | received by a worker and not started | an `UnfinishedEvent` and its queue messages |
//! | [`AbandonedEvent`] | became a dead letter because the broker delivered it too often | what the log and the metrics need |
//! | [`WebhookEvent`] | as users and operators list it | all of it, without the payload |
//!
//! # Invariants
//!
//! - An accepted event is in the ledger until it is finished. Losing the queue costs time, never an event.
//! - The tenant of an event is found by its account, in the statement that stores the event.
//! - An event is stored once: app and `dedupe_key` are unique.
//! - A finished event is not changed by a late worker: all updates are conditional.
//!
//! # How to add a status
//!
//! A variant of [`EventStatus`] with its key and its place in `ALL`; a migration that extends the CHECK constraint of
//! `webhook_events.status`; the SQL of `crates/postgres/src/inbound` that enters and leaves it; a row in
//! `crates/pipeline/src/scheduler.rs` if unfinished events can have it. For a kind of event see the crate `whatsapp`.

#![deny(clippy::future_not_send)]

mod event;
mod housekeeping;
mod ports;
mod publish_window;
mod read_events;
mod webhook_event;

pub use event::{
    AbandonedEvent, DueEvent, EventStatus, IncomingEvent, StoredBatch, StoredEvent, UnfinishedEvent, UnusableQuota,
};
pub use housekeeping::{
    EventHousekeeping, PurgePosition, Purged, QueueDepth, QueueInspector, RetentionPolicy, StatusCount,
};
// Shared with jobs.
pub use kernel::{ErrorClass, RetryPolicy};
pub use ports::{
    EventConsumer, EventIntake, EventLedger, EventOutcomeRepo, EventPublisher, EventReader, EventRepo, PublishResult,
    QueueError, QueueMessage, TenantlessEventRepo,
};
pub use publish_window::{ClaimedEvents, PublishWindow, Turn};
pub use read_events::{EventDetails, event, events};
pub use webhook_event::{
    DiscardFilter, DiscardableStatus, EventFilter, FailedAttempt, ReplayFilter, ReplayLimit, ReplayLimitOutOfRange,
    ReplayableStatus, WebhookEvent,
};
