use audit::{RecordFilter, StoredRecord};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::problem::{Code, FieldError, Problem};
use crate::raw_json::raw_json;

/// One action, done or refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct RecordBody {
    id: Uuid,
    /// Its position in the log's hash chain; null until it is sealed, shortly after it was written.
    #[schema(required, example = 42)]
    sequence: Option<i64>,
    occurred_at: DateTime<Utc>,
    actor: PartyBody,
    /// The client's IP address.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
    /// As in `X-Request-ID`.
    #[schema(required)]
    request_id: Option<String>,
    #[schema(example = "webhook_event.replayed")]
    action: String,
    /// The object of the action.
    #[schema(required)]
    target: Option<PartyBody>,
    /// `done` or `refused`.
    #[schema(example = "done")]
    outcome: String,
    /// What changed, without secrets.
    #[schema(value_type = Object)]
    changes: Box<RawValue>,
}

/// A principal, or the object of an action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditParty)]
pub(crate) struct PartyBody {
    #[schema(example = "user")]
    kind: String,
    #[schema(required)]
    id: Option<String>,
}

/// Filters audit records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordQuery {
    #[param(example = "webhook_event.replayed")]
    action: Option<String>,
    /// Id of the principal.
    actor: Option<String>,
    /// Id of the object.
    target: Option<String>,
    /// `done` or `refused`.
    #[param(pattern = "^(done|refused)$")]
    outcome: Option<String>,
    /// Only records at or after this time.
    from: Option<DateTime<Utc>>,
    /// Only records before this time.
    to: Option<DateTime<Utc>>,
}

impl RecordQuery {
    pub(crate) fn check(self) -> Result<RecordFilter, Problem> {
        let Self { action, actor, target, outcome, from, to } = self;
        if outcome.as_deref().is_some_and(|outcome| !["done", "refused"].contains(&outcome)) {
            let error = FieldError::in_query("outcome", "invalid", "must be done or refused");
            return Err(Problem::new(Code::ValidationFailed)
                .with_detail("The filter is invalid; see errors.")
                .with_errors(vec![error]));
        }
        Ok(RecordFilter { action, actor_id: actor, target_id: target, outcome, from, to })
    }
}

impl From<StoredRecord> for RecordBody {
    fn from(record: StoredRecord) -> Self {
        let target_id = record.target_id;
        Self {
            id: record.id.as_uuid(),
            sequence: record.sequence,
            occurred_at: record.occurred_at,
            actor: PartyBody { kind: record.actor_kind, id: record.actor_id },
            address: record.address,
            request_id: record.request_id,
            action: record.action,
            target: record.target_kind.map(|kind| PartyBody { kind, id: target_id }),
            outcome: record.outcome,
            changes: raw_json(&record.changes),
        }
    }
}
