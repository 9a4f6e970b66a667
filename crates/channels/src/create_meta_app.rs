use kernel::seal::KeyRing;
use kernel::{ChannelsWrite, Clock, Entropy, Permit, StoreError};

use crate::{MetaApp, MetaAppRepo, NewMetaApp, SecretsError};

#[derive(Debug, thiserror::Error)]
pub enum CreateMetaAppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Creates a Meta app of the tenant.
///
/// # Errors
/// [`CreateMetaAppError`].
pub async fn create_meta_app(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn MetaAppRepo,
    app: NewMetaApp,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<MetaApp, CreateMetaAppError> {
    let app = app.seal(ring, entropy, clock)?;
    repo.insert_meta_app(&app).await?;
    Ok(app)
}
