use kernel::seal::KeyRing;
use kernel::{ChannelsWrite, Clock, Entropy, Permit, StoreError};
use whatsapp::MetaAppKey;

use crate::{MetaApp, MetaAppPatch, MetaAppRepo, SecretsError};

#[derive(Debug, thiserror::Error)]
pub enum ChangeMetaAppError {
    #[error("the tenant has no such Meta app")]
    Unknown,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Changes a tenant's Meta app. After the commit, deliveries are checked with the new secrets.
///
/// # Errors
/// [`ChangeMetaAppError`].
pub async fn change_meta_app(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn MetaAppRepo,
    key: &MetaAppKey,
    patch: MetaAppPatch,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<MetaApp, ChangeMetaAppError> {
    let app = repo.lock_meta_app(key).await?.ok_or(ChangeMetaAppError::Unknown)?;
    let app = app.patch(patch, ring, entropy, clock.now())?;
    repo.update_meta_app(&app).await?;
    let unusable = repo.unusable_events(std::slice::from_ref(key)).await?.remove(key);
    Ok(MetaApp { unusable, ..app })
}
