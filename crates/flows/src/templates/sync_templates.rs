use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::TemplateId;
use kernel::{Clock, StoreError, TenantScope};
use outbound::template::{ListedTemplates, Template};
use outbound::{BusinessAccountAccess, SyncCounts, TemplateApi, TemplateApiError, TemplateRepo};
use thiserror::Error;

use crate::{Database, settle};

/// A day, less the time over which syncs are spread.
const SYNC_AGAIN_AFTER: TimeDelta = TimeDelta::hours(22);
const SPREAD_MINUTES: u32 = 120;

/// Why the copies of a business account are as old as before.
#[derive(Debug, Error)]
pub enum SyncTemplatesError {
    #[error(transparent)]
    Api(#[from] TemplateApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads all templates of a business account from Meta, then replaces the copies in one transaction. None is open during the calls.
///
/// # Errors
/// [`SyncTemplatesError`]: the copies stay as they were.
pub async fn sync_templates(
    database: &dyn Database,
    scope: &TenantScope,
    api: &dyn TemplateApi,
    access: &BusinessAccountAccess,
    clock: &dyn Clock,
) -> Result<SyncCounts, SyncTemplatesError> {
    let listed_at = clock.now();
    let listed = ListedTemplates::of_meta(&api.list(access, None).await?);
    let templates = with_ids(listed, clock);
    let mut tx = database.tenant(scope).await?;
    let replaced = replace(&mut *tx, &access.waba_id, &templates, listed_at).await;
    Ok(settle(tx, replaced).await?)
}

async fn replace(
    tx: &mut dyn TemplateRepo,
    waba_id: &str,
    templates: &[(TemplateId, Template)],
    listed_at: DateTime<Utc>,
) -> Result<SyncCounts, StoreError> {
    let counts = tx.replace_templates(waba_id, None, templates, listed_at).await?;
    tx.record_template_sync(waba_id, listed_at).await?;
    Ok(counts)
}

/// Ids for templates that have no copy yet. An entry that cannot be read is left out, so that it does not stop all others.
pub(super) fn with_ids(listed: ListedTemplates, clock: &dyn Clock) -> Vec<(TemplateId, Template)> {
    if listed.unreadable > 0 {
        tracing::warn!(entries = listed.unreadable, "reading templates failed; they are left out");
    }
    listed.templates.into_iter().map(|template| (TemplateId::new(clock), template)).collect()
}

/// A day later, at another minute for each business account.
pub(crate) fn next_sync(waba_id: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    let spread = waba_id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    now + SYNC_AGAIN_AFTER + TimeDelta::minutes((spread % SPREAD_MINUTES).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_spread_over_two_hours_of_the_next_day() {
        let now = DateTime::UNIX_EPOCH;
        let times: Vec<TimeDelta> = (0..500).map(|id| next_sync(&format!("90{id}"), now) - now).collect();
        assert!(times.iter().all(|time| (TimeDelta::hours(22)..TimeDelta::hours(24)).contains(time)));
        let early = times.iter().filter(|time| **time < TimeDelta::hours(23)).count();
        assert!((150..350).contains(&early), "{early}");
    }
}
