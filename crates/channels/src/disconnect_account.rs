use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

use crate::{AccountSecretsRepo, AccountStatus, Disconnection};

/// Disconnects a number: after the commit, its deliveries are not processed. Stored data is kept; its secrets are deleted. Returns whether that changed
/// the account: disconnecting it again does not. `None` if the tenant has no such account.
///
/// # Errors
/// [`StoreError`].
pub async fn disconnect_account(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn AccountSecretsRepo,
    id: AccountId,
    clock: &dyn Clock,
) -> Result<Option<bool>, StoreError> {
    let Some(account) = repo.lock_account(id).await? else { return Ok(None) };
    // Also one that Meta disconnected: Meta could restore it.
    let is_connected = account.status != AccountStatus::Disconnected(Disconnection::ByTenant);
    if is_connected {
        repo.disconnect_account(id, Disconnection::ByTenant, clock.now()).await?;
        repo.delete_account_credentials(id).await?;
    }
    Ok(Some(is_connected))
}
