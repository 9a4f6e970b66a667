use kernel::{ChannelsRead, Clock, Page, PageRequest, Permit, StoreError};

use whatsapp::MetaAppKey;

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
    let keys: Vec<MetaAppKey> = page.items.iter().map(|app| app.key.clone()).collect();
    let mut unusable = repo.unusable_events(&keys).await?;
    Ok(page.map(|app| MetaApp { unusable: unusable.remove(&app.key), ..app.without_ended_secret(now) }))
}
