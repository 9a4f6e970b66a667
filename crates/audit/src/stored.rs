use chrono::{DateTime, Utc};
use kernel::ids::AuditRecordId;

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
