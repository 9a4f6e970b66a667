use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

use crate::{AccountPatch, AccountRepo, WhatsAppAccount};

/// Changes the names of an account. Returns the account as it is now, and whether a name changed; `None` if the tenant has no
/// such account.
///
/// # Errors
/// [`StoreError`].
pub async fn change_account(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn AccountRepo,
    id: AccountId,
    patch: AccountPatch,
    clock: &dyn Clock,
) -> Result<Option<(WhatsAppAccount, bool)>, StoreError> {
    let Some(before) = repo.lock_account(id).await? else { return Ok(None) };
    let account = before.clone().patch(patch);
    let names = |it: &WhatsAppAccount| (it.name.clone(), it.display_phone_number.clone());
    let is_renamed = names(&account) != names(&before);
    if is_renamed {
        repo.rename_account(&account, clock.now()).await?;
    }
    Ok(Some((account, is_renamed)))
}
