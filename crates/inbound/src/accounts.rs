use kernel::{ChannelsRead, Page, PageRequest, Permit, StoreError};

use crate::{AccountRepo, WhatsAppAccount};

/// The tenant's accounts, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn accounts(
    _permit: Permit<ChannelsRead>,
    repo: &mut dyn AccountRepo,
    page: &PageRequest,
) -> Result<Page<WhatsAppAccount>, StoreError> {
    repo.accounts(page).await
}
