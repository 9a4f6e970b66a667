use std::net::IpAddr;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{ApiKeyId, ProvisioningKeyId, SessionId, UserId};
use kernel::seal::Sealed;
use kernel::{Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::{
    ApiKey, ApiKeyHash, ClientTag, KeyState, ProvisioningKey, ProvisioningKeyHash, RefreshTokenHash, Session,
    SigningKey, TokenLock,
};

/// Sessions of the transaction's tenant.
#[async_trait]
pub trait SessionRepo: Send {
    /// Stores the first session of a user created in the same transaction, with its first refresh token.
    async fn start_session(&mut self, session: &Session, token: &RefreshTokenHash) -> Result<(), StoreError>;
    /// Ends a user's oldest sessions so that at most `keep` stay in force, and returns the ended ones. Reliable only while the user
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
    /// The addresses of a user's sessions that are stored, ended ones included: from these, a login succeeded.
    async fn session_addresses(&mut self, user: UserId) -> Result<Vec<IpAddr>, StoreError>;
    /// Ends one session of a user; `false` if it was not in force.
    async fn end_session(&mut self, user: UserId, session: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Ends a user's sessions except the given one, and returns how many.
    async fn end_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
    /// Locks a refresh token until the transaction ends. Does not wait for another holder of the lock, but records the overlap.
    async fn lock_refresh_token(&mut self, token: &RefreshTokenHash) -> Result<TokenLock, StoreError>;
    /// Marks a refresh token as used by a client, if that is known; `false` if it already was.
    async fn consume_refresh_token(
        &mut self,
        token: &RefreshTokenHash,
        client: Option<&ClientTag>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Stores a refreshed session, its next refresh token and the id of the access token issued with it; `false` if the session
    /// is no longer in force.
    async fn refresh_session(
        &mut self,
        session: &Session,
        next: &RefreshTokenHash,
        access_token: Uuid,
    ) -> Result<bool, StoreError>;
    /// Records that a request overlapped with the one that used a refresh token.
    async fn record_concurrent_refresh(&mut self, token: &RefreshTokenHash) -> Result<(), StoreError>;
    /// Records when the response to the use of a refresh token is sent.
    async fn record_refresh_response(&mut self, token: &RefreshTokenHash, now: DateTime<Utc>)
    -> Result<(), StoreError>;
    /// Whether a signing key is the active one.
    async fn is_signing_key_active(&mut self, kid: &str) -> Result<bool, StoreError>;
}

/// API keys of the transaction's tenant.
#[async_trait]
pub trait ApiKeyRepo: Send {
    async fn insert_api_key(&mut self, key: &ApiKey, hash: &ApiKeyHash) -> Result<(), StoreError>;
    /// Newest first, ended ones included; of one maker, if given.
    async fn api_keys(&mut self, maker: Option<UserId>, page: &PageRequest) -> Result<Page<ApiKey>, StoreError>;
    async fn api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;
    /// As [`api_key`](Self::api_key), locked until the transaction ends.
    async fn lock_api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;
    /// How many keys are active. Reliable only while the tenant is locked.
    async fn active_api_keys(&mut self, now: DateTime<Utc>) -> Result<i64, StoreError>;
    /// Stores name, permissions, networks, expiry and revocation.
    async fn update_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError>;
    /// Stores the next secret. The one before is accepted until then; an earlier one is not any more.
    async fn replace_api_key_secret(
        &mut self,
        id: ApiKeyId,
        hash: &ApiKeyHash,
        previous_valid_until: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// The active keys that a user made.
    async fn active_api_keys_of(&mut self, maker: UserId, now: DateTime<Utc>) -> Result<Vec<ApiKey>, StoreError>;
}

/// Deletes API keys of all tenants, without reading them.
#[async_trait]
pub trait ApiKeyHousekeeping: Send {
    /// Deletes up to `limit` keys that ended before a time, and returns how many.
    async fn purge_api_keys(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// Deletes sessions of all tenants, without reading them.
#[async_trait]
pub trait SessionHousekeeping: Send {
    /// Deletes up to `limit` sessions that ended before a time, and returns how many.
    async fn purge_sessions(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// The deployment's signing keys.
#[async_trait]
pub trait SigningKeyRepo: Send {
    /// Locks the signing keys until the transaction ends; other transactions wait.
    async fn lock_signing_keys(&mut self) -> Result<(), StoreError>;
    /// Oldest first.
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;
    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError>;
    /// Moves a key from one state to another; `false` if it was not in the first. The private key is deleted when the key will not
    /// sign any more.
    async fn change_signing_key(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Replaces the sealed private key.
    async fn reseal_signing_key(&mut self, kid: &str, private: &Sealed) -> Result<(), StoreError>;
}

/// Provisioning keys.
#[async_trait]
pub trait ProvisioningKeyRepo: Send {
    async fn insert_provisioning_key(
        &mut self,
        key: &ProvisioningKey,
        hash: &ProvisioningKeyHash,
    ) -> Result<(), StoreError>;
    /// Newest first, revoked ones included.
    async fn provisioning_keys(&mut self) -> Result<Vec<ProvisioningKey>, StoreError>;
    /// The key with this hash, whether or not it is still in force.
    async fn provisioning_key(&mut self, hash: &ProvisioningKeyHash) -> Result<Option<ProvisioningKey>, StoreError>;
    /// Records that a key was used, unless that was recorded within the last minute.
    async fn record_provisioning_key_use(
        &mut self,
        key: ProvisioningKeyId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Revokes a key; `false` if it was not in force.
    async fn revoke_provisioning_key(&mut self, key: ProvisioningKeyId, now: DateTime<Utc>)
    -> Result<bool, StoreError>;
}
