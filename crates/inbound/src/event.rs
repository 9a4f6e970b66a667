use std::fmt;

use kernel::Traceparent;
use kernel::ids::{AccountId, EventId, TenantId};

use crate::MetaAppKey;

/// One thing that Meta told us, as it leaves a delivery.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub id: EventId,
    pub kind: EventKind,
    /// What it is routed by, where Meta says it.
    pub phone_number_id: Option<String>,
    /// `entry.id`; routes what has no phone number.
    pub waba_id: Option<String>,
    /// The same for every delivery of the same thing.
    pub dedupe_key: String,
    /// An entry in Meta's own shape with this one thing in it.
    pub payload: Vec<u8>,
}

/// An event, and what is known of the delivery that brought it.
#[derive(Clone, Debug)]
pub struct IncomingEvent {
    /// The app whose secret proved the delivery.
    pub app: MetaAppKey,
    pub trace: Traceparent,
    pub event: NewEvent,
}

/// What an event tells of: `message`, `status`, or the name of the change's field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventKind(String);

impl EventKind {
    const MAX_BYTES: usize = 48;

    #[must_use]
    pub fn message() -> Self {
        Self("message".to_owned())
    }

    #[must_use]
    pub fn status() -> Self {
        Self("status".to_owned())
    }

    /// Signed by Meta's secret, and yet not what Meta's documents describe.
    #[must_use]
    pub fn unparsed() -> Self {
        Self("unparsed".to_owned())
    }

    /// A change of another field; a name that is no plain word, or one of ours, is `other`.
    #[must_use]
    pub fn field(name: &str) -> Self {
        let ours = matches!(name, "message" | "status" | "unparsed");
        let plain = !ours
            && (1..=Self::MAX_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        Self(if plain { name } else { "other" }.to_owned())
    }

    #[must_use]
    pub const fn from_stored(kind: String) -> Self {
        Self(kind)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What [`Self::label`] may be.
    pub const LABELS: [&str; 4] = ["message", "status", "unparsed", "change"];

    /// For metrics: one of a few values, whatever Meta invents.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.0.as_str() {
            "message" => "message",
            "status" => "status",
            "unparsed" => "unparsed",
            _ => "change",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The life of an event. In flight is no state: that belongs to the broker.
///
/// ```text
/// received -> processed              received -> retrying -> processed | dead_letter
/// received -> dead_letter            unroutable | held -> received
/// dead_letter -> received (replay) | discarded
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventStatus {
    Received,
    Retrying,
    Processed,
    DeadLetter,
    Discarded,
    /// No account has that number; driven again when one is connected.
    Unroutable,
    /// The tenant is suspended; driven again when it is active.
    Held,
}

impl EventStatus {
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::Retrying,
        Self::Processed,
        Self::DeadLetter,
        Self::Discarded,
        Self::Unroutable,
        Self::Held,
    ];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Retrying => "retrying",
            Self::Processed => "processed",
            Self::DeadLetter => "dead_letter",
            Self::Discarded => "discarded",
            Self::Unroutable => "unroutable",
            Self::Held => "held",
        }
    }
}

/// An event that was not stored before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    pub status: EventStatus,
}

/// An event whose time to be published has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    /// Tries that failed.
    pub attempts: i32,
    /// How often it was published already.
    pub published: i32,
    /// W3C trace context of the delivery that brought it.
    pub traceparent: Option<String>,
}

impl DueEvent {
    /// The trace that its publishing belongs to.
    #[must_use]
    pub fn trace(&self) -> Option<Traceparent> {
        self.traceparent.as_deref()?.parse().ok()
    }
}

/// An event that the broker gave up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonedEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    /// W3C trace context of the delivery that brought it.
    pub traceparent: Option<String>,
    pub kind: EventKind,
    /// Tries that failed, this one included.
    pub attempts: i32,
}

/// An event as a worker takes it up.
#[derive(Clone, Debug)]
pub struct QueuedEvent {
    pub id: EventId,
    pub tenant: Option<TenantId>,
    pub account: Option<AccountId>,
    pub kind: EventKind,
    pub status: EventStatus,
    /// Tries that failed.
    pub attempts: i32,
    /// Times it was begun after it had come back, and nobody heard of it again.
    pub starts: i32,
    /// W3C trace context of the delivery that brought it.
    pub traceparent: Option<String>,
    pub received_at: chrono::DateTime<chrono::Utc>,
    pub payload: Vec<u8>,
}

impl QueuedEvent {
    /// The trace of its delivery.
    #[must_use]
    pub fn trace(&self) -> Option<Traceparent> {
        self.traceparent.as_deref()?.parse().ok()
    }

    /// What the log lines of its delivery have in common with those of its processing.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.trace().map(|trace| trace.trace_id())
    }
}

impl AbandonedEvent {
    /// What the log lines of its delivery have in common with this one.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        let trace: Traceparent = self.traceparent.as_deref()?.parse().ok()?;
        Some(trace.trace_id())
    }
}

/// Why an event was not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Deadlock, serialization failure, lock timeout.
    Contention,
    /// Something that it refers to is not there yet, or not any more.
    Dependency,
    /// A failure that may pass.
    Transient,
    /// No retry will help.
    Permanent,
    /// Whoever processes it dies of it.
    Poison,
}

impl ErrorClass {
    pub const ALL: [Self; 5] = [Self::Contention, Self::Dependency, Self::Transient, Self::Permanent, Self::Poison];

    /// Whether another attempt may succeed.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Contention | Self::Dependency | Self::Transient)
    }

    /// The name in the API, the database and metrics.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Contention => "contention",
            Self::Dependency => "dependency",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Poison => "poison",
        }
    }
}
