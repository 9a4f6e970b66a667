use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

use crate::{AccountPatch, AccountRepo, WhatsAppAccount};

/// Changes the names of an account; `None` if the tenant has no such account.
///
/// # Errors
/// [`StoreError`].
pub async fn change_account(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn AccountRepo,
    id: AccountId,
    patch: AccountPatch,
    clock: &dyn Clock,
) -> Result<Option<WhatsAppAccount>, StoreError> {
    let Some(account) = repo.lock_account(id).await? else { return Ok(None) };
    let account = account.patch(patch);
    repo.rename_account(&account, clock.now()).await?;
    Ok(Some(account))
}
