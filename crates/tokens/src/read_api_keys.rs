use kernel::ids::ApiKeyId;
use kernel::{ApiKeysRead, Page, PageRequest, Permit, StoreError};

use crate::{ApiKey, ApiKeyRepo};

/// The tenant's keys, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn api_keys(
    _: Permit<ApiKeysRead>,
    repo: &mut dyn ApiKeyRepo,
    page: &PageRequest,
) -> Result<Page<ApiKey>, StoreError> {
    repo.api_keys(None, page).await
}

/// One key; `None` if it does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn api_key(
    _: Permit<ApiKeysRead>,
    repo: &mut dyn ApiKeyRepo,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    repo.api_key(id).await
}
