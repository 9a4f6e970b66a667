use kernel::ids::{AccountId, EventId, TenantId};
use kernel::{Arrival, Traceparent};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use whatsapp::{EventKind, MetaAppKey, NewEvent};

/// An event of a delivery that is to be stored, with the app and trace of the delivery.
#[derive(Clone, Debug)]
pub struct IncomingEvent {
    /// The app whose secret signed the delivery.
    pub app: MetaAppKey,
    pub trace: Traceparent,
    pub event: NewEvent,
}

/// The states of an event. Whether it is in flight is known to the broker only.
///
/// ```text
/// received -> processed              received -> retrying -> processed | dead_letter
/// received -> dead_letter            unroutable | held -> received
/// dead_letter -> received (replay) | discarded
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum EventStatus {
    Received,
    Retrying,
    Processed,
    DeadLetter,
    Discarded,
    /// No account has its number. Received again when the number is connected.
    Unroutable,
    /// Its tenant is suspended. Received again when the tenant is active.
    Held,
}

impl EventStatus {
    pub const ALL: &[Self] = Self::VARIANTS;
}

/// An event of a delivery that was not stored before: what the intake reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    pub status: EventStatus,
}

/// What storing a batch of events did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredBatch {
    /// The events that were not stored before.
    pub stored: Vec<StoredEvent>,
    /// Unusable events that were not stored, since their app has used up its quota.
    pub dropped: Vec<EventId>,
}

/// How many unusable events of each Meta app of a tenant are stored on a day (UTC). An event is unusable if it cannot be parsed, or
/// if no account has its number. `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnusableQuota {
    pub events: Option<u32>,
    /// Of their payloads.
    pub bytes: Option<u64>,
}

/// An unfinished event that the relay is to publish now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    /// Failed attempts.
    pub attempts: i32,
    /// How often it was published before.
    pub published: i32,
    /// W3C trace context of its delivery.
    pub traceparent: Option<String>,
}

impl DueEvent {
    /// The trace context of its delivery.
    #[must_use]
    pub fn trace(&self) -> Option<Traceparent> {
        self.traceparent.as_deref()?.parse().ok()
    }
}

/// An event whose message exceeded the delivery limit of the broker, and whose workers die, as it became a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonedEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    /// W3C trace context of its delivery.
    pub traceparent: Option<String>,
    pub kind: EventKind,
    /// Failed attempts, including this one.
    pub attempts: i32,
}

/// An unfinished event (received or retrying) without its payload, which a worker reads only while it processes the event.
#[derive(Clone, Debug)]
pub struct UnfinishedEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    pub account: Option<AccountId>,
    /// Whether Meta has disconnected the account.
    pub of_disconnected_account: bool,
    pub kind: EventKind,
    pub status: EventStatus,
    /// Failed attempts.
    pub attempts: i32,
    /// How often it was started in a batch with a redelivered event, without an outcome. Starts of first deliveries are not
    /// counted: see [`EventLedger::record_starts`](crate::EventLedger::record_starts).
    pub starts: i32,
    /// W3C trace context of its delivery.
    pub traceparent: Option<String>,
    pub received_at: chrono::DateTime<chrono::Utc>,
    pub arrival: Arrival,
    /// Bytes of the payload.
    pub size: usize,
}

impl UnfinishedEvent {
    /// Recorded starts after which an event is poison. Its first start is not recorded, unless another event of its batch was
    /// redelivered. So an event that kills each worker has killed five when it becomes a dead letter: the one that received it
    /// first, one after the first recorded start, and three that processed it alone.
    pub const MAX_STARTS: i32 = 4;

    /// Whether it was started [`MAX_STARTS`](Self::MAX_STARTS) times without an outcome: its workers die.
    #[must_use]
    pub const fn is_poison(&self) -> bool {
        self.starts >= Self::MAX_STARTS
    }

    /// The trace context of its delivery.
    #[must_use]
    pub fn trace(&self) -> Option<Traceparent> {
        self.traceparent.as_deref()?.parse().ok()
    }

    /// The trace id of its delivery, for log lines.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.trace().map(|trace| trace.trace_id())
    }
}

impl AbandonedEvent {
    /// The trace id of its delivery, for log lines.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        let trace: Traceparent = self.traceparent.as_deref()?.parse().ok()?;
        Some(trace.trace_id())
    }
}
