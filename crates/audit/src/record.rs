use std::fmt;

use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::AuditRecordId;
use serde_json::{Map, Value};

use crate::{Action, Actor, Origin};

/// One thing that somebody did, or tried to do.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: AuditRecordId,
    pub occurred_at: DateTime<Utc>,
    pub actor: Actor,
    pub origin: Origin,
    pub action: Action,
    pub target: Option<Target>,
    pub outcome: Outcome,
    /// What is different now, without secrets.
    pub changes: Map<String, Value>,
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Such as `webhook_event`.
    pub kind: &'static str,
    pub id: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
}

impl Outcome {
    /// The name in the API and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

impl Record {
    /// Something that is done with the transaction that the record is written in.
    #[must_use]
    pub fn new(actor: Actor, origin: Origin, action: Action, clock: &dyn Clock) -> Self {
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

    /// What it was done to.
    #[must_use]
    pub fn about(mut self, kind: &'static str, id: &dyn fmt::Display) -> Self {
        self.target = Some(Target { kind, id: id.to_string() });
        self
    }

    /// Something that is different now, or that tells why.
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
