use chrono::{DateTime, Utc};
use inbound::{AccountHealthRepo, AccountNews};
use kernel::StoreError;

/// Notes what Meta says about accounts, the latest word on each topic last.
pub(super) async fn note(
    repo: &mut dyn AccountHealthRepo,
    mut news: Vec<AccountNews>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    news.sort_by_key(|news| news.said_at);
    for news in news {
        repo.note_health(&news, now).await?;
    }
    Ok(())
}
