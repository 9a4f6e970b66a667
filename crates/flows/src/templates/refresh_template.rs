use chrono::TimeDelta;
use kernel::{Clock, StoreError, TenantScope};
use outbound::template::ListedTemplates;
use outbound::{BusinessAccountAccess, TemplateApi, TemplateRepo};

use super::sync_templates::{SyncTemplatesError, with_ids};
use crate::{Database, settle};

/// Refusals in a row cost one call to Meta in this time.
const REFRESH_PAUSE: TimeDelta = TimeDelta::seconds(10);

/// Whether the templates of one name may be read again before a message is refused because of their copies. It notes that they are,
/// so the transaction must be committed.
///
/// # Errors
/// [`StoreError`].
pub async fn claim_template_refresh(
    tx: &mut dyn TemplateRepo,
    waba_id: &str,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let now = clock.now();
    tx.claim_template_refresh(waba_id, now, now - REFRESH_PAUSE).await
}

/// Reads the templates of one name, in all languages, from Meta, and replaces their copies: an old copy alone must not refuse a
/// message. No transaction is open during the call.
///
/// # Errors
/// [`SyncTemplatesError`]: the copies stay as they were, and the refusal stands.
pub async fn refresh_template(
    database: &dyn Database,
    scope: &TenantScope,
    api: &dyn TemplateApi,
    access: &BusinessAccountAccess,
    name: &str,
    clock: &dyn Clock,
) -> Result<(), SyncTemplatesError> {
    let listed_at = clock.now();
    let listed = ListedTemplates::of_meta(&api.list(access, Some(name)).await?);
    let templates = with_ids(listed, clock);
    let mut tx = database.tenant(scope).await?;
    let replaced = tx.replace_templates(&access.waba_id, Some(name), &templates, listed_at).await;
    settle(tx, replaced).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, run};

    #[test]
    fn refusals_in_a_row_read_templates_once() {
        let mut store = FakeStore::new();
        let clock = store.clock.clone();
        let mut claim = || run(claim_template_refresh(&mut store, "900", &*clock)).unwrap();
        assert!(claim());
        clock.advance(TimeDelta::seconds(9));
        assert!(!claim());
        clock.advance(TimeDelta::seconds(2));
        assert!(claim());
    }
}
