use kernel::ids::AccountId;
use kernel::{ChannelsRead, ChannelsWrite, Page, PageRequest, Permit, StoreError};

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

/// One of the tenant's accounts.
///
/// # Errors
/// [`StoreError`].
pub async fn account(
    _permit: Permit<ChannelsRead>,
    repo: &mut dyn AccountRepo,
    id: AccountId,
) -> Result<Option<WhatsAppAccount>, StoreError> {
    repo.account(id).await
}

/// One of the tenant's accounts, for a caller who is going to change it.
///
/// # Errors
/// [`StoreError`].
pub async fn account_to_change(
    _permit: &Permit<ChannelsWrite>,
    repo: &mut dyn AccountRepo,
    id: AccountId,
) -> Result<Option<WhatsAppAccount>, StoreError> {
    repo.account(id).await
}
