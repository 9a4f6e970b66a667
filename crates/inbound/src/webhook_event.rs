use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, EventId};
use strum::{EnumString, IntoStaticStr, VariantArray};
use whatsapp::{EventKind, MetaAppKey};

use crate::{ErrorClass, EventStatus};

/// An event as users and operators see it.
#[derive(Clone, Debug)]
pub struct WebhookEvent {
    pub id: EventId,
    /// The Meta app that signed it.
    pub app: MetaAppKey,
    pub account: Option<AccountId>,
    pub kind: EventKind,
    pub status: EventStatus,
    /// Failed attempts since it was received or last replayed.
    pub attempts: i32,
    /// How often it was replayed.
    pub replays: i32,
    pub received_at: DateTime<Utc>,
    /// When it was finished: processed, dead-lettered or discarded.
    pub processed_at: Option<DateTime<Utc>>,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Of the last failure.
    pub error_class: Option<ErrorClass>,
    pub last_error: Option<String>,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// How often the event had been replayed before.
    pub replay: i32,
    /// Counts from 1 for each replay.
    pub attempt: i32,
    pub failed_at: DateTime<Utc>,
    pub class: ErrorClass,
    pub error: String,
}

/// Selects events; `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub status: Option<EventStatus>,
    pub kind: Option<EventKind>,
    pub account: Option<AccountId>,
    pub error_class: Option<ErrorClass>,
}

/// Selects events to replay; `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    pub status: ReplayableStatus,
    pub kind: Option<EventKind>,
    pub account: Option<AccountId>,
    pub error_class: Option<ErrorClass>,
}

/// The states that an event can be replayed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ReplayableStatus {
    #[default]
    DeadLetter,
    Discarded,
}

impl ReplayableStatus {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Selects events to discard; `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscardFilter {
    pub status: DiscardableStatus,
    pub kind: Option<EventKind>,
    pub account: Option<AccountId>,
    pub error_class: Option<ErrorClass>,
}

/// The states that events are discarded from in bulk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum DiscardableStatus {
    #[default]
    DeadLetter,
    Unroutable,
}

impl DiscardableStatus {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// The most events that one request replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimit(u16);

/// The limit is not between 1 and 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be between 1 and {}", ReplayLimit::MAX)]
pub struct ReplayLimitOutOfRange;

impl ReplayLimit {
    pub const MAX: u16 = 10_000;

    /// # Errors
    /// [`ReplayLimitOutOfRange`].
    pub fn new(limit: u32) -> Result<Self, ReplayLimitOutOfRange> {
        match u16::try_from(limit) {
            Ok(limit) if (1..=Self::MAX).contains(&limit) => Ok(Self(limit)),
            _ => Err(ReplayLimitOutOfRange),
        }
    }

    #[must_use]
    pub const fn get(self) -> i64 {
        self.0 as i64
    }
}

impl Default for ReplayLimit {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_limit_is_between_1_and_10000() {
        assert_eq!(ReplayLimit::default().get(), 10_000);
        assert_eq!(ReplayLimit::new(1).map(ReplayLimit::get), Ok(1));
        for limit in [0, 10_001, 65_537] {
            assert_eq!(ReplayLimit::new(limit), Err(ReplayLimitOutOfRange));
        }
    }
}
