use crm::ContactJobDirectory;
use kernel::ids::TenantId;
use kernel::{StoreError, TenantScope};

use super::contacts::ContactJobTx;
use crate::{Database, settle};

/// Tenants read at once.
const TENANTS: i32 = 500;
/// Steps of one tenant before the next tenant's.
const STEPS: usize = 20;

/// The result of a round over all tenants with unfinished jobs.
#[derive(Debug, Default)]
pub struct ContactJobRun {
    /// Number of steps that were committed.
    pub steps: usize,
    /// Tenants whose step was rolled back.
    pub failures: Vec<(TenantId, StoreError)>,
    /// Whether something is left to do.
    pub is_unfinished: bool,
}

/// Continues the erasures and merges of contacts that their requests left unfinished: of each tenant a few steps, so that no tenant
/// waits for another's. Each step is a transaction of its own, in which the tenant's events are not recorded.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read.
pub async fn continue_contact_jobs(database: &dyn Database) -> Result<ContactJobRun, StoreError> {
    let mut run = ContactJobRun::default();
    let mut last = None;
    loop {
        let mut tx = database.directory().await?;
        let found = ContactJobDirectory::tenants_with_contact_jobs(&mut *tx, last, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(run) };
        last = Some(*end);
        for tenant in tenants {
            continue_of_tenant(database, tenant, &mut run).await;
        }
    }
}

async fn continue_of_tenant(database: &dyn Database, tenant: TenantId, run: &mut ContactJobRun) {
    for _ in 0..STEPS {
        match step(database, &scope(tenant)).await {
            Ok(true) => run.steps += 1,
            Ok(false) => {
                run.steps += 1;
                return;
            }
            Err(error) => {
                run.failures.push((tenant, error));
                return;
            }
        }
    }
    run.is_unfinished = true;
}

async fn step(database: &dyn Database, scope: &TenantScope) -> Result<bool, StoreError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = continue_contact_job(&mut *tx).await;
    settle(tx, outcome).await
}

/// One step. Returns whether anything is left to do.
async fn continue_contact_job(tx: &mut dyn ContactJobTx) -> Result<bool, StoreError> {
    tx.lock_recording_exclusive().await?;
    tx.continue_contact_job().await
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant: it has an unfinished job")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
