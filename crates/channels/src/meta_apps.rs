use kernel::{ChannelsRead, Clock, Page, PageRequest, Permit, StoreError};

use crate::{MetaApp, MetaAppRepo};

/// The tenant's own Meta apps as they are now, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn meta_apps(
    _permit: Permit<ChannelsRead>,
    repo: &mut dyn MetaAppRepo,
    page: &PageRequest,
    clock: &dyn Clock,
) -> Result<Page<MetaApp>, StoreError> {
    let (now, page) = (clock.now(), repo.meta_apps(page).await?);
    Ok(page.map(|app| app.without_ended_secret(now)))
}
