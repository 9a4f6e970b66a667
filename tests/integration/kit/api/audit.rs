//! Audit logs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct AuditRecord {
    pub(crate) id: String,
    /// None until it is sealed.
    pub(crate) sequence: Option<i64>,
    pub(crate) occurred_at: String,
    pub(crate) actor: Party,
    pub(crate) address: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) action: String,
    pub(crate) target: Option<Party>,
    pub(crate) outcome: String,
    pub(crate) changes: Value,
}

impl AuditRecord {
    /// The id of what was acted on.
    #[track_caller]
    pub(crate) fn target_id(&self) -> &str {
        self.target.as_ref().and_then(|target| target.id.as_deref()).expect("the record names its target")
    }
}

/// Who acted, or what was acted on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Party {
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
}

impl Party {
    pub(crate) fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: Some(id.into()) }
    }

    /// One of which there is only one, such as the command line.
    pub(crate) fn without_id(kind: &str) -> Self {
        Self { kind: kind.to_owned(), id: None }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct AuditVerification {
    pub(crate) valid: bool,
    pub(crate) sealed: i64,
    pub(crate) unsealed: i64,
    /// Sealed records without a MAC.
    pub(crate) unsigned: i64,
    pub(crate) summarised: Option<AuditSummary>,
    pub(crate) head: Option<AuditHead>,
    pub(crate) damage: Vec<AuditDamage>,
}

/// What is left of purged records.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct AuditSummary {
    pub(crate) records: i64,
    pub(crate) unsigned: i64,
    pub(crate) forged: i64,
    pub(crate) last_sequence: i64,
    pub(crate) last_hash: String,
    pub(crate) first_at: String,
    pub(crate) last_at: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct AuditHead {
    pub(crate) sequence: i64,
    pub(crate) hash: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct AuditDamage {
    pub(crate) kind: String,
    pub(crate) sequence: Option<i64>,
    pub(crate) record_id: Option<String>,
}
