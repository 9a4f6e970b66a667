use kernel::ids::UserId;
use kernel::{ApiKeysRead, Page, PageRequest, Permit, StoreError};
use tokens::ApiKey;

use super::ApiKeyTx;

/// The keys that a user made, newest first; `None` if the user does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn api_keys_of_user(
    _: Permit<ApiKeysRead>,
    tx: &mut dyn ApiKeyTx,
    user: UserId,
    page: &PageRequest,
) -> Result<Option<Page<ApiKey>>, StoreError> {
    if tx.user(user).await?.is_none() {
        return Ok(None);
    }
    tx.api_keys(Some(user), page).await.map(Some)
}
