use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{ProvisioningKeyId, SessionId, UserId};
use kernel::seal::Sealed;
use kernel::{Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::{KeyState, ProvisioningKey, ProvisioningKeyHash, Reached, RefreshTokenHash, Session, SigningKey};

/// Sessions of the transaction's tenant.
#[async_trait]
pub trait SessionRepo: Send {
    /// Stores the first session of a user that nobody knows yet, with its first refresh token.
    async fn start_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError>;
    /// Ends a user's oldest sessions, so that no more than so many stay in force; which. It means something only while the user
    /// is locked.
    async fn end_oldest_sessions(
        &mut self,
        user: UserId,
        keep: u16,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StoreError>;
    /// A user's sessions in force, newest first.
    async fn sessions(
        &mut self,
        user: UserId,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<Session>, StoreError>;
    /// Ends one session of a user; whether there was one in force.
    async fn end_session(&mut self, user: UserId, session: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Ends a user's sessions, all but one if one is named; how many.
    async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
    /// Reaches for a refresh token, so that nobody else can use it until the transaction ends. Does not wait for who has it, and
    /// notes that the two overlapped.
    async fn reach_for_refresh_token(&mut self, token: &RefreshTokenHash) -> Result<Reached, StoreError>;
    /// Uses a refresh token; whether nobody had.
    async fn use_refresh_token(&mut self, token: &RefreshTokenHash, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Stores when a session was seen and ends, its next refresh token, and the access token that goes with it; whether it
    /// is still in force.
    async fn refresh_session(
        &mut self,
        session: &Session,
        next: &RefreshTokenHash,
        access_token: Uuid,
    ) -> Result<bool, StoreError>;
    /// Notes that a request overlapped with the one that used a refresh token.
    async fn note_refresh_overlap(&mut self, token: &RefreshTokenHash) -> Result<(), StoreError>;
    /// Notes when the one who used a refresh token is answered.
    async fn note_refresh_answered(&mut self, token: &RefreshTokenHash, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Whether a signing key is the one that signs at this moment.
    async fn is_signing_key_active(&mut self, kid: &str) -> Result<bool, StoreError>;
}

/// Sessions of all tenants, of which nothing is seen.
#[async_trait]
pub trait SessionHousekeeping: Send {
    /// Deletes sessions that ended before a time, at most so many; how many.
    async fn purge_sessions(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// The deployment's signing keys.
#[async_trait]
pub trait SigningKeyRepo: Send {
    /// Makes this transaction the only one that changes keys, until it ends; others wait.
    async fn lock_signing_keys(&mut self) -> Result<(), StoreError>;
    /// Oldest first.
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;
    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError>;
    /// Moves a key from one state to another; whether it was in the first. A key that will sign no more loses its private
    /// half.
    async fn change_signing_key(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Stores the private half as it is sealed now.
    async fn reseal_signing_key(&mut self, kid: &str, private: &Sealed) -> Result<(), StoreError>;
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
