use std::fmt;

use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::AuditRecordId;
use serde_json::{Map, Value};
use strum::IntoStaticStr;

use crate::{Action, Principal, RequestOrigin};

/// One action, performed or refused.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: AuditRecordId,
    pub occurred_at: DateTime<Utc>,
    pub actor: Principal,
    pub origin: RequestOrigin,
    pub action: Action,
    pub target: Option<Target>,
    pub outcome: Outcome,
    /// The changed values, without secrets.
    pub changes: Map<String, Value>,
}

/// The object of the action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Such as `webhook_event`.
    pub kind: &'static str,
    pub id: String,
}

/// Whether the action was performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Outcome {
    Done,
    Refused,
}

impl Record {
    /// An action that is performed by the transaction that appends this record.
    #[must_use]
    pub fn new(actor: Principal, origin: RequestOrigin, action: Action, clock: &dyn Clock) -> Self {
        Self {
            id: AuditRecordId::new(clock),
            occurred_at: clock.now(),
            actor,
            origin,
            action,
            target: None,
            outcome: Outcome::Done,
            changes: Map::new(),
        }
    }

    /// Sets the object of the action.
    #[must_use]
    pub fn about(mut self, kind: &'static str, id: &dyn fmt::Display) -> Self {
        self.target = Some(Target { kind, id: id.to_string() });
        self
    }

    /// Adds a changed value, or a detail such as the reason.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.changes.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub const fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }
}
