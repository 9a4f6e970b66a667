use chrono::{DateTime, Utc};
use jobs::{JobKind, JobSubject, NewJob};
use kernel::Clock;

/// The sync of a business account; `None` for a text that is no id of Meta's.
pub(crate) fn template_sync_job(waba_id: &str, due_at: DateTime<Utc>, clock: &dyn Clock) -> Option<NewJob> {
    let subject = JobSubject::parse(waba_id).ok()?;
    Some(NewJob::new(JobKind::TemplateSync, subject, due_at, clock))
}
