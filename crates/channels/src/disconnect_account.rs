use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

use crate::{AccountRepo, AccountStatus, Disconnection};

/// Gives a number up: from the commit on, deliveries for it reach nobody. What is there stays. Whether the tenant has such
/// an account; one that is given up already stays so.
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
    // One that Meta took away, too: Meta could give it back.
    if account.status != AccountStatus::Disconnected(Disconnection::ByTenant) {
        repo.disconnect_account(id, Disconnection::ByTenant, clock.now()).await?;
    }
    Ok(true)
}
