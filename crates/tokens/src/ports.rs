use async_trait::async_trait;
use kernel::StoreError;

use crate::{RefreshTokenHash, Session, SigningKey};

/// Sessions of the transaction's tenant.
#[async_trait]
pub trait SessionRepo: Send {
    /// Stores a new session with its first refresh token.
    async fn insert_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError>;
}

/// The deployment's signing keys.
#[async_trait]
pub trait SigningKeyRepo: Send {
    /// Makes this transaction the only one that changes keys, until it ends; others wait.
    async fn lock_signing_keys(&mut self) -> Result<(), StoreError>;
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;
    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError>;
}
