use chrono::TimeDelta;
use kernel::ids::TenantId;
use kernel::{Clock, StoreError, TenantScope, error_chain};
use media::{MediaHousekeeping, MediaLedger, ObjectStore, Sha256};
use tracing::{error, info, warn};

use super::attach::download_job;
use super::compare::{CompareError, Comparison, Difference};
use crate::{Database, TenantTx, settle};

/// Tenants read at once.
const TENANTS: i32 = 500;
/// Rows deleted by one transaction.
const STEP: i64 = 500;
/// Deletions claimed at once: well within the time of a claim.
const DELETIONS: i64 = 20;
/// How long an uploaded file stays that no message has.
const UNSENT: TimeDelta = TimeDelta::days(30);
/// An object without a row that is younger may get one in a moment; what was begun and not finished longer ago was interrupted.
pub(super) const RECENT: TimeDelta = TimeDelta::days(1);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaSweep {
    /// Objects in the store that no file had: they are deleted.
    pub unknown: u64,
    /// Objects that files have and the store does not.
    pub missing: u64,
    /// Of those files, the ones that are fetched again.
    pub fetched_again: u64,
}

/// Deletes the files of messages that were erased or revoked, unless other messages have them.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read; a tenant that fails is logged.
pub async fn sweep_unlinked(database: &dyn Database, clock: &dyn Clock) -> Result<(), StoreError> {
    let mut last = None;
    loop {
        let mut tx = database.directory().await?;
        let found = MediaHousekeeping::tenants_with_unlinked_media(&mut *tx, last, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(()) };
        last = Some(*end);
        for tenant in tenants {
            sweep_tenant(database, &scope(tenant), false, clock).await;
        }
    }
}

/// Deletes uploaded files that no message has, and objects that interrupted writes left.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read; a tenant that fails is logged.
pub async fn sweep_unused(database: &dyn Database, clock: &dyn Clock) -> Result<(), StoreError> {
    let mut last = None;
    loop {
        let mut tx = database.directory().await?;
        let found = MediaHousekeeping::tenants_with_media(&mut *tx, last, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(()) };
        last = Some(*end);
        for tenant in tenants {
            sweep_tenant(database, &scope(tenant), true, clock).await;
        }
    }
}

async fn sweep_tenant(database: &dyn Database, scope: &TenantScope, objects: bool, clock: &dyn Clock) {
    loop {
        match sweep_step(database, scope, objects, clock).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(failure) => {
                error!(tenant_id = %scope.tenant(), error = error_chain(&failure), "deleting unused files failed");
                return;
            }
        }
    }
}

/// Returns whether there may be more.
async fn sweep_step(
    database: &dyn Database,
    scope: &TenantScope,
    objects: bool,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let now = clock.now();
    let mut tx = database.tenant(scope).await?;
    let mut swept = tx.delete_unused_media(now - UNSENT, STEP, now).await;
    if objects && matches!(swept, Ok(false)) {
        swept = tx.delete_unused_objects(STEP, now).await;
    }
    settle(tx, swept).await
}

/// Deletes the bytes of the objects in the ledger of deletions. Returns how many; 0 if there are none, or the store is away.
///
/// # Errors
/// [`StoreError`]. What the store refuses is logged, and is tried again.
pub async fn delete_objects(
    database: &dyn Database,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let mut tx = database.directory().await?;
    let claimed = MediaLedger::claim_object_deletions(&mut *tx, clock.now(), DELETIONS).await;
    let deletions = settle(tx, claimed).await?;
    let mut deleted = 0;
    for deletion in deletions {
        let mut failure = None;
        for key in deletion.keys() {
            failure = failure.or(store.delete(&key).await.err());
        }
        if let Some(failure) = failure {
            warn!(tenant_id = %deletion.tenant, error = error_chain(&failure), "deleting an object from the store failed");
            return Ok(deleted);
        }
        let mut tx = database.directory().await?;
        let done = MediaLedger::object_deleted(&mut *tx, &deletion).await;
        settle(tx, done).await?;
        deleted += 1;
    }
    Ok(deleted)
}

/// Compares rows and store of all tenants. What no file has is deleted; what the store has lost is fetched again from Meta, if Meta still
/// has it, else it is logged: a backup of the store brings it back.
///
/// # Errors
/// [`CompareError`] if database or store cannot be read.
pub async fn sweep_stores(
    database: &dyn Database,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
) -> Result<MediaSweep, CompareError> {
    store.probe().await?;
    let interrupted = store.delete_unfinished(clock.now() - RECENT).await?;
    if interrupted > 0 {
        info!(objects = interrupted, "unfinished objects were deleted from the store");
    }
    let mut sweep = MediaSweep::default();
    let mut last = None;
    loop {
        let tenants = all_tenants(database, last).await?;
        let Some(end) = tenants.last() else { return Ok(sweep) };
        last = Some(*end);
        for tenant in tenants {
            sweep_store_of(database, store, clock, tenant, &mut sweep).await?;
        }
    }
}

pub(super) async fn all_tenants(database: &dyn Database, after: Option<TenantId>) -> Result<Vec<TenantId>, StoreError> {
    let mut tx = database.directory().await?;
    let found = MediaHousekeeping::all_tenants(&mut *tx, after, TENANTS).await;
    settle(tx, found).await
}

async fn sweep_store_of(
    database: &dyn Database,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    tenant: TenantId,
    sweep: &mut MediaSweep,
) -> Result<(), CompareError> {
    let scope = scope(tenant);
    let mut comparison = Comparison::new(database, &scope, store);
    while let Some(differences) = comparison.next().await? {
        let (mut unknown, mut missing) = (Vec::new(), Vec::new());
        for difference in differences {
            match difference {
                Difference::Unknown(info) if clock.now() - info.modified_at >= RECENT => unknown.push(info.key.sha256),
                Difference::Unknown(_) => {}
                Difference::Missing(row) | Difference::WrongSize(row, _) => missing.push(row.sha256),
            }
        }
        if unknown.is_empty() && missing.is_empty() {
            continue;
        }
        let mut tx = database.tenant(&scope).await?;
        let repaired = repair(&mut *tx, &unknown, &missing, clock).await;
        let (deleted, again) = settle(tx, repaired).await?;
        sweep.unknown += deleted;
        sweep.fetched_again += again;
        sweep.missing += u64::try_from(missing.len()).unwrap_or_default();
        for hash in missing {
            error!(tenant_id = %tenant, sha256 = %hash, "the object store has lost a file");
        }
    }
    Ok(())
}

async fn repair(
    tx: &mut dyn TenantTx,
    unknown: &[Sha256],
    missing: &[Sha256],
    clock: &dyn Clock,
) -> Result<(u64, u64), StoreError> {
    let now = clock.now();
    let deleted = if unknown.is_empty() { 0 } else { tx.delete_unknown_objects(unknown, now).await?.len() };
    let mut again = Vec::new();
    for hash in missing {
        again.extend(tx.object_is_missing(hash, now).await?);
    }
    let jobs: Vec<_> = again.iter().filter_map(|id| download_job(*id, clock)).collect();
    if !jobs.is_empty() {
        tx.schedule_jobs(&jobs).await?;
    }
    let count = |number: usize| u64::try_from(number).unwrap_or_default();
    Ok((count(deleted), count(again.len())))
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant: it has files")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
