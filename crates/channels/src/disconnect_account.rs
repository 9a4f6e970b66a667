use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

use crate::{AccountRepo, AccountStatus, Disconnection};

/// Disconnects a number: after the commit, its deliveries are not processed. Stored data is kept. Returns whether the tenant
/// has such an account; disconnecting it again changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn disconnect_account(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn AccountRepo,
    id: AccountId,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let Some(account) = repo.lock_account(id).await? else { return Ok(false) };
    // Also one that Meta disconnected: Meta could restore it.
    if account.status != AccountStatus::Disconnected(Disconnection::ByTenant) {
        repo.disconnect_account(id, Disconnection::ByTenant, clock.now()).await?;
    }
    Ok(true)
}
