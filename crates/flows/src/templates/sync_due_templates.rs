use channels::AccountCredentialsError;
use chrono::TimeDelta;
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, TenantScope};
use outbound::{BusinessAccountAccess, TemplateApi, TemplateApiError, TemplateSyncDirectory};
use thiserror::Error;

use super::sync_templates::{SyncTemplatesError, sync_templates};
use super::{TemplateAccessTx, business_account_access};
use crate::{Database, settle};

/// Tenants read at once.
const TENANTS: i64 = 500;
/// Business accounts of one tenant before the next tenant's.
const BUSINESS_ACCOUNTS: usize = 5;
/// After a sync that failed or was interrupted.
const RETRY: TimeDelta = TimeDelta::hours(1);

/// The result of a round over all tenants with due syncs.
#[derive(Debug, Default)]
pub struct TemplateSyncRun {
    /// Business accounts whose templates were read.
    pub synced: usize,
    /// Business accounts about which Meta did not answer, or refused. They are read again in an hour.
    pub refused: usize,
    /// Tenants whose templates could not be read or stored for another reason.
    pub failures: Vec<(TenantId, SyncDueError)>,
    /// Whether a tenant has more.
    pub is_unfinished: bool,
}

/// Why a due sync failed. The cause is in the deployment.
#[derive(Debug, Error)]
pub enum SyncDueError {
    #[error(transparent)]
    Credentials(#[from] AccountCredentialsError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the templates whose sync is due: those of the day, and those that an event has requested. Of each tenant a few business accounts,
/// so that no tenant waits for another's. Several processes may do so at once, as each business account is claimed.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read.
pub async fn sync_due_templates(
    database: &dyn Database,
    api: &dyn TemplateApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<TemplateSyncRun, StoreError> {
    let mut run = TemplateSyncRun::default();
    let mut last = None;
    loop {
        let now = clock.now();
        let mut tx = database.directory().await?;
        let found = TemplateSyncDirectory::tenants_with_due_template_syncs(&mut *tx, last, now, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(run) };
        last = Some(*end);
        for tenant in tenants {
            sync_of_tenant(database, tenant, api, ring, clock, &mut run).await;
        }
    }
}

async fn sync_of_tenant(
    database: &dyn Database,
    tenant: TenantId,
    api: &dyn TemplateApi,
    ring: &KeyRing,
    clock: &dyn Clock,
    run: &mut TemplateSyncRun,
) {
    for _ in 0..BUSINESS_ACCOUNTS {
        match sync_next(database, &scope(tenant), api, ring, clock).await {
            Ok(Some(Ok(()))) => run.synced += 1,
            Ok(Some(Err(_))) => run.refused += 1,
            Ok(None) => return,
            Err(error) => {
                run.failures.push((tenant, error));
                return;
            }
        }
    }
    run.is_unfinished = true;
}

/// `None` if no sync is due.
async fn sync_next(
    database: &dyn Database,
    scope: &TenantScope,
    api: &dyn TemplateApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Option<Result<(), TemplateApiError>>, SyncDueError> {
    let mut tx = database.tenant(scope).await?;
    let claimed = claim(&mut *tx, ring, clock).await;
    let Some((_, access)) = settle(tx, claimed).await? else { return Ok(None) };
    // A token that was removed meanwhile: nothing to read.
    let Some(access) = access else { return Ok(Some(Ok(()))) };
    match sync_templates(database, scope, api, &access, clock).await {
        Ok(_) => Ok(Some(Ok(()))),
        Err(SyncTemplatesError::Api(error)) => Ok(Some(Err(error))),
        Err(SyncTemplatesError::Store(error)) => Err(error.into()),
    }
}

/// A business account, and what calls for it need; `None` if it has no token any more.
type ClaimedSync = (String, Option<BusinessAccountAccess>);

/// Claims a due sync.
async fn claim(
    tx: &mut dyn TemplateAccessTx,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Option<ClaimedSync>, SyncDueError> {
    let now = clock.now();
    let Some(waba_id) = tx.claim_template_sync(now, now + RETRY).await? else { return Ok(None) };
    let access = business_account_access(tx, &waba_id, ring).await?;
    Ok(Some((waba_id, access)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the directory names the tenant: it has a business account whose sync is due"
)]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
