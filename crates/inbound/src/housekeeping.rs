use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::StoreError;
use kernel::ids::EventId;

use crate::{EventStatus, QueueError};

/// How long finished events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Payloads of processed and discarded events. Dead letters keep theirs, since they can be replayed.
    pub payloads: TimeDelta,
    /// Finished events, and events without a tenant. At least [`Self::MIN_EVENTS`].
    pub events: TimeDelta,
    /// Dead letters, with their payloads. At least [`Self::MIN_EVENTS`].
    pub dead_letters: TimeDelta,
}

impl RetentionPolicy {
    /// A repeated delivery is recognized by its stored event, and Meta repeats for 7 days.
    pub const MIN_EVENTS: TimeDelta = TimeDelta::days(14);
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { payloads: TimeDelta::days(30), events: TimeDelta::days(90), dead_letters: TimeDelta::days(180) }
    }
}

/// Numbers of rows that a purge deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub payloads: usize,
    pub events: usize,
    /// Where the next chunk begins; `None` if nothing expired is left.
    pub next: Option<PurgePosition>,
}

/// The last rows that a purge has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgePosition {
    pub payload: EventId,
    pub event: EventId,
}

impl PurgePosition {
    /// Before all rows.
    pub const START: Self = Self { payload: EventId::NIL, event: EventId::NIL };
}

/// The number of events of one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCount {
    pub status: EventStatus,
    pub events: i64,
    /// When the oldest was received.
    pub oldest: Option<DateTime<Utc>>,
}

/// Counts and purges the events of all tenants.
#[async_trait]
pub trait EventHousekeeping: Send {
    /// Deletes payloads and events that are older than the policy allows. Reads at most `limit` of each state.
    async fn purge(
        &mut self,
        policy: RetentionPolicy,
        now: DateTime<Utc>,
        from: PurgePosition,
        limit: i64,
    ) -> Result<Purged, StoreError>;
    /// One entry for each status but those of finished events: received, retrying, held, unroutable and dead letter; including
    /// zero counts.
    async fn count_by_status(&mut self) -> Result<Vec<StatusCount>, StoreError>;
}

/// The size of a queue, as reported by the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// `inbound` or `dead`.
    pub queue: &'static str,
    /// Without unacknowledged messages.
    pub messages: u32,
    pub consumers: u32,
}

/// Reports queue sizes.
#[async_trait]
pub trait QueueInspector: Send + Sync {
    async fn queues(&self) -> Result<Vec<QueueDepth>, QueueError>;
}
