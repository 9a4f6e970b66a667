use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::seal::KeyRing;
use whatsapp::MetaAppKey;

use crate::{AppCredentials, MetaAppDirectory, SecretsError};

#[derive(Debug, thiserror::Error)]
pub enum AppCredentialsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// The credentials of a tenant's app at that time; `None` if no tenant has an app with this key.
///
/// # Errors
/// [`AppCredentialsError`].
pub async fn app_credentials(
    directory: &mut dyn MetaAppDirectory,
    app: &MetaAppKey,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<Option<AppCredentials>, AppCredentialsError> {
    let secrets = directory.meta_app_secrets(app).await?;
    Ok(secrets.map(|secrets| secrets.open(app, ring, now)).transpose()?)
}
