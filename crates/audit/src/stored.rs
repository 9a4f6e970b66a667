use chrono::{DateTime, Utc};
use kernel::ids::AuditRecordId;

/// A record as it is in the log. In texts, as it was written: also by a build that knew other actions than this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub id: AuditRecordId,
    /// Its place in the chain, once it is sealed.
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

/// Which records are wanted; what is not named does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    pub action: Option<String>,
    pub actor_id: Option<String>,
    pub target_id: Option<String>,
    pub outcome: Option<String>,
    /// From then on.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub to: Option<DateTime<Utc>>,
}
