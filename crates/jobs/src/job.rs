use chrono::{DateTime, Utc};
use kernel::ids::{JobId, TenantId};
use kernel::{Clock, ErrorClass};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{JobKind, JobSubject};

/// Whether a job runs by itself. A job that is done has no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum JobState {
    /// It runs when it is due, or runs now.
    Waiting,
    /// It failed for good. People retry or discard it.
    Dead,
}

impl JobState {
    pub const ALL: &[Self] = Self::VARIANTS;
}

/// A job to schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Of the row, if there is none of this kind and subject yet.
    pub id: JobId,
    pub kind: JobKind,
    pub subject: JobSubject,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl NewJob {
    #[must_use]
    pub fn new(kind: JobKind, subject: JobSubject, due_at: DateTime<Utc>, clock: &dyn Clock) -> Self {
        Self { id: JobId::new(clock), kind, subject, due_at, created_at: clock.now() }
    }
}

/// A job as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub subject: JobSubject,
    pub state: JobState,
    /// When it runs, or was to run.
    pub due_at: DateTime<Utc>,
    /// Failures since it was last done.
    pub attempts: i32,
    /// Starts without an outcome.
    pub starts: i32,
    /// Of the last failure, since it was last done.
    pub error_class: Option<ErrorClass>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A job that a runner has leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    pub tenant: TenantId,
    pub id: JobId,
    pub kind: JobKind,
    pub subject: JobSubject,
    pub attempts: i32,
}
