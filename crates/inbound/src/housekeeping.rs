use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::StoreError;

use crate::{EventStatus, QueueError};

/// How long what is done is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// The bytes of finished events. Dead letters keep theirs: they may be driven again.
    pub payloads: TimeDelta,
    /// Finished events themselves, and those that never had a tenant. Never less than [`Self::SHORTEST`].
    pub events: TimeDelta,
}

impl RetentionPolicy {
    /// An event is what a delivery that is repeated is known by, and Meta repeats for 7 days.
    pub const SHORTEST: TimeDelta = TimeDelta::days(14);
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { payloads: TimeDelta::days(30), events: TimeDelta::days(90) }
    }
}

/// What one step of the retention deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub payloads: usize,
    pub events: usize,
}

/// Events that are not finished, or were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub status: EventStatus,
    pub events: i64,
    /// When the oldest came in.
    pub oldest: Option<DateTime<Utc>>,
}

/// Looking after the events of all tenants.
#[async_trait]
pub trait EventHousekeeping: Send {
    /// Deletes what is older than the policy says, at most so many of each.
    async fn purge(&mut self, policy: RetentionPolicy, now: DateTime<Utc>, limit: i64) -> Result<Purged, StoreError>;
    /// One entry for each status that an unfinished event can have, also where there are none.
    async fn unfinished(&mut self) -> Result<Vec<Unfinished>, StoreError>;
}

/// A queue as the broker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// `inbound` or `dead`.
    pub queue: &'static str,
    /// Without those that a consumer has in hand.
    pub messages: u32,
    pub consumers: u32,
}

/// Looking at the queues.
#[async_trait]
pub trait QueueInspector: Send + Sync {
    async fn queues(&self) -> Result<Vec<QueueDepth>, QueueError>;
}
