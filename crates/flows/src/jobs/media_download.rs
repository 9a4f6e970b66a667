use async_trait::async_trait;
use jobs::{JobFailure, JobKind, JobOutcome, JobSubject};
use kernel::{ErrorClass, TenantScope, error_chain};
use media::MediaFailure;
use tracing::warn;

use super::handler::JobHandler;
use crate::{DownloadMedia, Downloaded};

/// Fetches a file of a message from Meta. The subject is the id of the file.
#[async_trait]
impl JobHandler for DownloadMedia {
    fn kind(&self) -> JobKind {
        JobKind::MediaDownload
    }

    async fn run(&self, scope: &TenantScope, subject: &JobSubject) -> JobOutcome {
        let Ok(id) = subject.as_str().parse() else { return JobOutcome::Done };
        match Self::run(self, scope, id).await {
            // A file that has ended is shown with its state; a person may have it fetched again.
            Ok(Downloaded::Done | Downloaded::Ended(_)) => JobOutcome::Done,
            // No failure of the job: it waits for a token.
            Ok(Downloaded::Waits { failure: MediaFailure::NoToken | MediaFailure::TokenRefused, until }) => {
                JobOutcome::DoneUntil(until)
            }
            Ok(Downloaded::Waits { failure, until }) => {
                let class = if failure == MediaFailure::Store { ErrorClass::Dependency } else { ErrorClass::Transient };
                let failure = JobFailure { class, error: failure.words().to_owned() };
                JobOutcome::Retry { failure, after: Some(until) }
            }
            Err(error) => {
                warn!(error = error_chain(&error), "fetching a file of a message failed");
                JobOutcome::retry(ErrorClass::Transient, "the file could not be recorded")
            }
        }
    }
}
