use kernel::{ChannelsRead, Page, PageRequest, Permit, StoreError};

use crate::{MetaApp, MetaAppRepo};

/// The tenant's own Meta apps, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn meta_apps(
    _permit: Permit<ChannelsRead>,
    repo: &mut dyn MetaAppRepo,
    page: &PageRequest,
) -> Result<Page<MetaApp>, StoreError> {
    repo.meta_apps(page).await
}
