use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use channels::{AccountApi, AccountStatus, Disconnection, next_check};
use jobs::{JobKind, JobOutcome, JobSubject};
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use kernel::{Clock, ErrorClass, StoreError, TenantScope, error_chain};
use tracing::warn;

use super::handler::JobHandler;
use super::new_template_sync::template_sync_job;
use crate::channels::check;
use crate::{AccountTx, CheckAccountError, Database, settle};

/// Asks Meta once a day about an account with an access token. The subject is the account's id.
#[derive(Clone)]
pub struct AccountCheckJob {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn AccountApi>,
    pub ring: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
}

/// What there is to do for an account.
enum Need {
    Check,
    /// Meta has disconnected it, and may connect it again.
    Later,
    /// It is gone, or has no token: the next token schedules its check.
    Nothing,
}

#[async_trait]
impl JobHandler for AccountCheckJob {
    fn kind(&self) -> JobKind {
        JobKind::AccountCheck
    }

    async fn run(&self, scope: &TenantScope, subject: &JobSubject) -> JobOutcome {
        match subject.as_str().parse() {
            Ok(id) => self.check(scope, id).await.unwrap_or_else(|error| failed(&error.into())),
            Err(_) => JobOutcome::Done,
        }
    }
}

impl AccountCheckJob {
    async fn check(&self, scope: &TenantScope, id: AccountId) -> Result<JobOutcome, StoreError> {
        let mut tx = self.database.tenant(scope).await?;
        let need = need(&mut *tx, id, &*self.clock).await;
        let again = || JobOutcome::DoneUntil(next_check(id, self.clock.now()));
        match settle(tx, need).await? {
            Need::Nothing => return Ok(JobOutcome::Done),
            Need::Later => return Ok(again()),
            Need::Check => {}
        }
        Ok(match check(&*self.database, scope, id, &*self.api, &self.ring, &*self.clock).await {
            Ok(_) => again(),
            Err(error) => failed(&error),
        })
    }
}

async fn need(tx: &mut dyn AccountTx, id: AccountId, clock: &dyn Clock) -> Result<Need, StoreError> {
    let Some(account) = tx.account(id).await?.filter(|account| account.sending.has_token) else {
        return Ok(Need::Nothing);
    };
    match account.status {
        AccountStatus::Disconnected(Disconnection::ByMeta) => return Ok(Need::Later),
        AccountStatus::Disconnected(Disconnection::ByTenant) => return Ok(Need::Nothing),
        AccountStatus::Pending => return Ok(Need::Check),
        AccountStatus::Active => {}
    }
    // A sync ends when the business account has no active number.
    if let Some(sync) = template_sync_job(account.waba_id.as_str(), clock.now(), clock) {
        tx.schedule_job_if_absent(&sync).await?;
    }
    Ok(Need::Check)
}

/// The text is for the tenant's people; what is wrong in the deployment is logged.
fn failed(error: &CheckAccountError) -> JobOutcome {
    match error {
        CheckAccountError::Silent(_) => JobOutcome::retry(ErrorClass::Transient, "Meta did not answer"),
        CheckAccountError::Credentials(_) => {
            warn!(error = error_chain(error), "checking a WhatsApp account failed");
            JobOutcome::retry(ErrorClass::Dependency, "the account could not be read or its token not opened")
        }
    }
}

impl fmt::Debug for AccountCheckJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountCheckJob").finish_non_exhaustive()
    }
}
