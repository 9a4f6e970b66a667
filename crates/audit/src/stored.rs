use chrono::{DateTime, Utc};
use kernel::ids::AuditRecordId;
use serde_json::Value;

use crate::Record;

/// A record as it is stored. Its fields are texts, because other versions of the program may have written other actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub id: AuditRecordId,
    /// Its position in the chain; `None` until it is sealed.
    pub sequence: Option<i64>,
    pub occurred_at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub action: String,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub outcome: String,
    /// A JSON object.
    pub changes: String,
}

impl From<&Record> for StoredRecord {
    fn from(record: &Record) -> Self {
        let Record { id, occurred_at, actor, origin, action, target, outcome, changes } = record;
        Self {
            id: *id,
            sequence: None,
            occurred_at: *occurred_at,
            actor_kind: actor.kind().to_owned(),
            actor_id: actor.id(),
            address: origin.address.map(|address| address.to_string()),
            request_id: origin.request_id.clone(),
            action: action.into_str().to_owned(),
            target_kind: target.as_ref().map(|target| target.kind.to_owned()),
            target_id: target.as_ref().map(|target| target.id.clone()),
            outcome: outcome.into_str().to_owned(),
            changes: Value::Object(changes.clone()).to_string(),
        }
    }
}

/// Selects records; `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    pub action: Option<String>,
    pub actor_id: Option<String>,
    pub target_id: Option<String>,
    pub outcome: Option<String>,
    /// Inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub to: Option<DateTime<Utc>>,
}
