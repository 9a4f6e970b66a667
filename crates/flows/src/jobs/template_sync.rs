use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jobs::{JobKind, JobOutcome, JobSubject};
use kernel::seal::KeyRing;
use kernel::{Clock, ErrorClass, TenantScope, error_chain};
use outbound::TemplateApi;
use tracing::warn;

use super::handler::JobHandler;
use crate::templates::next_sync;
use crate::{Database, SyncTemplatesError, business_account_access, settle, sync_templates};

/// Reads the templates of a business account from Meta, once a day and when it is requested. The subject is Meta's id of the business
/// account.
#[derive(Clone)]
pub struct TemplateSyncJob {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn TemplateApi>,
    pub ring: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl JobHandler for TemplateSyncJob {
    fn kind(&self) -> JobKind {
        JobKind::TemplateSync
    }

    async fn run(&self, scope: &TenantScope, subject: &JobSubject) -> JobOutcome {
        let access = match self.database.tenant(scope).await {
            Ok(mut tx) => {
                let found = business_account_access(&mut *tx, subject.as_str(), &self.ring).await;
                settle(tx, found).await
            }
            Err(error) => Err(error.into()),
        };
        let access = match access {
            Ok(Some(access)) => access,
            // A token, the approval of a number, and the daily check of a number schedule it again.
            Ok(None) => return JobOutcome::Done,
            Err(error) => {
                warn!(error = error_chain(&error), "reading the access token of a business account failed");
                return JobOutcome::retry(ErrorClass::Dependency, "no access token could be read or opened");
            }
        };
        match sync_templates(&*self.database, scope, &*self.api, &access, &*self.clock).await {
            Ok(_) => JobOutcome::DoneUntil(next_sync(subject.as_str(), self.clock.now())),
            Err(SyncTemplatesError::Api(error)) => JobOutcome::retry(ErrorClass::Transient, error.to_string()),
            Err(SyncTemplatesError::Store(error)) => {
                warn!(error = error_chain(&error), "storing the templates of a business account failed");
                JobOutcome::retry(ErrorClass::Transient, "the templates could not be stored")
            }
        }
    }
}

impl fmt::Debug for TemplateSyncJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateSyncJob").finish_non_exhaustive()
    }
}
