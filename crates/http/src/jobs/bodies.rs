use chrono::{DateTime, Utc};
use jobs::{Job, JobFilter, JobKind, JobState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::closed_set::closed_set;
use crate::inbound::bodies::ErrorClassBody;

closed_set!(
    /// What the job does.
    JobKindBody = JobKind,
    "JobKind"
);
closed_set!(
    /// `waiting`: it runs when it is due, or runs now. `dead`: it failed for good.
    JobStateBody = JobState,
    "JobState"
);

/// Work that Parley does by itself, repeatedly or until it succeeds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobBody {
    id: Uuid,
    kind: JobKindBody,
    /// What it works on: of `account_check` the id of the WhatsApp account, of `template_sync` Meta's id of the business account.
    #[schema(example = "102290129340398")]
    subject: String,
    state: JobStateBody,
    /// When it runs, or was to run.
    due_at: DateTime<Utc>,
    /// Failures since it was last done.
    attempts: i32,
    /// Class of the last failure since it was last done.
    #[schema(required)]
    error_class: Option<ErrorClassBody>,
    #[schema(required)]
    last_error: Option<String>,
    created_at: DateTime<Utc>,
}

/// Filters jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobQuery {
    #[param(inline)]
    kind: Option<JobKindBody>,
    #[param(inline)]
    state: Option<JobStateBody>,
}

impl From<JobQuery> for JobFilter {
    fn from(query: JobQuery) -> Self {
        Self { kind: query.kind.map(JobKind::from), state: query.state.map(JobState::from) }
    }
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.as_uuid(),
            kind: job.kind.into(),
            subject: job.subject.to_string(),
            state: job.state.into(),
            due_at: job.due_at,
            attempts: job.attempts,
            error_class: job.error_class.map(ErrorClassBody::from),
            last_error: job.last_error,
            created_at: job.created_at,
        }
    }
}
