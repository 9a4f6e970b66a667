use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{ProvisioningKeyId, SessionId, UserId};

use crate::{ProvisioningKey, ProvisioningKeyHash, RefreshTokenHash, Session, SigningKey};

/// Sessions of the transaction's tenant.
#[async_trait]
pub trait SessionRepo: Send {
    /// Stores a new session with its first refresh token.
    async fn insert_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError>;
    /// Ends a user's sessions, all but one if one is named; how many.
    async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
}

/// The deployment's signing keys.
#[async_trait]
pub trait SigningKeyRepo: Send {
    /// Makes this transaction the only one that changes keys, until it ends; others wait.
    async fn lock_signing_keys(&mut self) -> Result<(), StoreError>;
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;
    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError>;
}

/// The keys of operators' programs.
#[async_trait]
pub trait ProvisioningKeyRepo: Send {
    async fn insert_provisioning_key(
        &mut self,
        key: &ProvisioningKey,
        hash: &ProvisioningKeyHash,
    ) -> Result<(), StoreError>;
    /// Newest first, the revoked ones too.
    async fn provisioning_keys(&mut self) -> Result<Vec<ProvisioningKey>, StoreError>;
    /// The key with this hash, whether or not it is still in force.
    async fn provisioning_key(&mut self, hash: &ProvisioningKeyHash) -> Result<Option<ProvisioningKey>, StoreError>;
    /// Notes that a key was used, unless that was noted a moment ago.
    async fn note_provisioning_key_used(
        &mut self,
        key: ProvisioningKeyId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Ends a key; whether there was one in force.
    async fn revoke_provisioning_key(&mut self, key: ProvisioningKeyId, now: DateTime<Utc>)
    -> Result<bool, StoreError>;
}
