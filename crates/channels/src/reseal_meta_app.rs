use kernel::seal::KeyRing;
use kernel::{Entropy, Operator};
use whatsapp::MetaAppKey;

use crate::{ChangeMetaAppError, MetaApp, MetaAppRepo};

/// Seals the secrets of a Meta app with the first key of the ring. Nothing else of it changes.
///
/// # Errors
/// [`ChangeMetaAppError`].
pub async fn reseal_meta_app(
    _operator: Operator,
    repo: &mut dyn MetaAppRepo,
    key: &MetaAppKey,
    ring: &KeyRing,
    entropy: &dyn Entropy,
) -> Result<(), ChangeMetaAppError> {
    let app = repo.lock_meta_app(key).await?.ok_or(ChangeMetaAppError::Unknown)?;
    let secrets = app.secrets.reseal(key, ring, entropy)?;
    repo.update_meta_app(&MetaApp { secrets, ..app }).await?;
    Ok(())
}
