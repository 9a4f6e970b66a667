use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::UserId;
use kernel::seal::{KeyRing, NoSealingKey, Tag};
use kernel::{Operator, StoreError};

/// How long a response is stored.
pub const RESPONSE_RETENTION: TimeDelta = TimeDelta::hours(24);

/// Key derivation label of the request fingerprints.
const PURPOSE: &str = "parley idempotency v1";

/// The `Idempotency-Key` of a request: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} visible ASCII characters", IdempotencyKey::MAX_CHARS)]
pub struct InvalidIdempotencyKey;

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A user of the transaction's tenant.
    User(UserId),
    Operator(Operator),
}

/// A request with an idempotency key. Sender, route and key identify it.
#[derive(Clone)]
pub struct KeyedRequest {
    pub sender: Sender,
    /// Method and path template.
    pub route: String,
    pub key: IdempotencyKey,
    /// SHA-256 of path and body, which tells a retry from another request. Must not be stored: the body may hold a password.
    pub digest: [u8; 32],
}

/// A response that is replayed to retries. The body is JSON without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    pub status: u16,
    pub body: String,
}

/// Why a request with an idempotency key was refused.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error("the request is in progress")]
    InProgress,
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stored responses: those to users belong to the transaction's tenant, those to operators to the platform.
#[async_trait]
pub trait IdempotencyRepo: Send {
    /// Locks the request until the transaction ends. Returns `false` without waiting if another transaction holds the lock.
    async fn lock_idempotency_key(&mut self, request: &KeyedRequest) -> Result<bool, StoreError>;
    /// The response stored under the request's key since that time, and the fingerprint of its request.
    async fn stored_response(
        &mut self,
        request: &KeyedRequest,
        since: DateTime<Utc>,
    ) -> Result<Option<(Tag, StoredResponse)>, StoreError>;
    /// Replaces an expired response.
    async fn store_response(
        &mut self,
        request: &KeyedRequest,
        fingerprint: &Tag,
        answer: &StoredResponse,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Housekeeping of the responses of all tenants.
#[async_trait]
pub trait IdempotencyHousekeeping: Send {
    /// Deletes responses stored before that time, at most `limit`. Returns their number.
    async fn purge_stored_responses(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// Claims a request for this transaction, or returns the stored response of an earlier one. Must be the first statement of the
/// transaction.
///
/// # Errors
/// [`IdempotencyError`].
pub async fn claim_request(
    repo: &mut dyn IdempotencyRepo,
    request: &KeyedRequest,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<Option<StoredResponse>, IdempotencyError> {
    if !repo.lock_idempotency_key(request).await? {
        return Err(IdempotencyError::InProgress);
    }
    // Read after the lock was acquired: its previous holder has committed.
    match repo.stored_response(request, now - RESPONSE_RETENTION).await? {
        None => Ok(None),
        Some((fingerprint, answer)) if ring.verify_tag(&fingerprint, PURPOSE, &request.digest) == Some(true) => {
            Ok(Some(answer))
        }
        // Also if the key of the fingerprint is no longer configured: when in doubt, do not repeat the request.
        Some(_) => Err(IdempotencyError::KeyReused),
    }
}

/// Stores the response to a claimed request. Must be the last statement of the transaction. Refusals are not stored: they
/// changed nothing, so the request may be retried.
///
/// # Errors
/// [`IdempotencyError`].
pub async fn store_response(
    repo: &mut dyn IdempotencyRepo,
    request: &KeyedRequest,
    answer: &StoredResponse,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<(), IdempotencyError> {
    let fingerprint = ring.tag(PURPOSE, &request.digest)?;
    Ok(repo.store_response(request, &fingerprint, answer, now).await?)
}

impl IdempotencyKey {
    const MAX_CHARS: usize = 255;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

/// Without the digest.
impl fmt::Debug for KeyedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRequest")
            .field("sender", &self.sender)
            .field("route", &self.route)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_with_invisible_characters_or_bad_length_is_refused() {
        for text in ["a", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "~!", &"x".repeat(255)] {
            assert_eq!(text.parse::<IdempotencyKey>().unwrap().as_str(), text);
        }
        for text in ["", " ", "a b", "a\tb", "a\u{7f}", "é", &"x".repeat(256)] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey), "{text:?}");
        }
    }
}
