use channels::{AccountHealthRepo, AccountHealthUpdate};
use chrono::{DateTime, Utc};
use kernel::StoreError;

/// Records Meta's reports about accounts in the order of their times, so that the latest on each topic counts.
pub(super) async fn record(
    repo: &mut dyn AccountHealthRepo,
    mut updates: Vec<AccountHealthUpdate>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    updates.sort_by_key(|update| update.reported_at);
    for update in updates {
        repo.record_health(&update, now).await?;
    }
    Ok(())
}
