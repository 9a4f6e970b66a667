use kernel::{ChannelsWrite, Permit, StoreError};
use whatsapp::MetaAppKey;

use crate::MetaAppRepo;

#[derive(Debug, thiserror::Error)]
pub enum DeleteMetaAppError {
    #[error("the tenant has no such Meta app")]
    Unknown,
    /// An account that is not disconnected is bound to it.
    #[error("the Meta app is in use")]
    InUse,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Deletes a tenant's Meta app with its secrets. Its key is not used again.
///
/// # Errors
/// [`DeleteMetaAppError`].
pub async fn delete_meta_app(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn MetaAppRepo,
    key: &MetaAppKey,
) -> Result<(), DeleteMetaAppError> {
    // The lock waits for transactions that are connecting a number to it; later ones do not find the app.
    repo.lock_meta_app(key).await?.ok_or(DeleteMetaAppError::Unknown)?;
    if repo.is_meta_app_in_use(key).await? {
        return Err(DeleteMetaAppError::InUse);
    }
    repo.delete_meta_app(key).await?;
    Ok(())
}
