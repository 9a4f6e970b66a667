use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::StoreError;
use kernel::ids::UserId;
use kernel::seal::{KeyRing, NoKey, Tag};

/// How long an answer is kept.
pub const ANSWERS_KEPT: TimeDelta = TimeDelta::hours(24);

/// What the key of fingerprints is derived for.
const PURPOSE: &str = "parley idempotency v1";

/// What a client calls a request that it may have to send again: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} visible ASCII characters", IdempotencyKey::MAX_CHARS)]
pub struct InvalidIdempotencyKey;

/// A request that was given such a key. Within a tenant its user, route and key say which one it is.
#[derive(Clone)]
pub struct KeyedRequest {
    pub user: UserId,
    /// Method and template of the path.
    pub route: String,
    pub key: IdempotencyKey,
    /// SHA-256 of path and body: what makes it this request and no other. Not to be stored, as the body may hold a password.
    pub digest: [u8; 32],
}

/// What was answered: the body is JSON without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub body: String,
}

/// Why a request with a key is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    #[error("another request has that key")]
    OtherRequest,
    #[error("the request is being carried out")]
    Running,
    #[error(transparent)]
    NoKey(#[from] NoKey),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers that are kept, in the transaction's tenant.
#[async_trait]
pub trait IdempotencyRepo: Send {
    /// Makes this transaction the only one that carries the request out; whether nobody else is at it. Nobody waits.
    async fn lock_idempotency_key(&mut self, request: &KeyedRequest) -> Result<bool, StoreError>;
    /// What was answered under the request's key since then, and the fingerprint of what was asked.
    async fn kept_answer(
        &mut self,
        request: &KeyedRequest,
        since: DateTime<Utc>,
    ) -> Result<Option<(Tag, KeptAnswer)>, StoreError>;
    /// Takes the place of one that is too old.
    async fn keep_answer(
        &mut self,
        request: &KeyedRequest,
        fingerprint: &Tag,
        answer: &KeptAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Looking after the answers of all tenants.
#[async_trait]
pub trait IdempotencyHousekeeping: Send {
    /// Forgets what was answered before then, at most so many; how many.
    async fn purge_kept_answers(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// Makes this transaction the one that carries a request out, or finds what was answered to it before. The first thing to do
/// in the transaction.
///
/// # Errors
/// [`IdempotencyError`].
pub async fn claim_request(
    repo: &mut dyn IdempotencyRepo,
    request: &KeyedRequest,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<Option<KeptAnswer>, IdempotencyError> {
    if !repo.lock_idempotency_key(request).await? {
        return Err(IdempotencyError::Running);
    }
    // Read after the lock was taken: whoever had it has committed.
    match repo.kept_answer(request, now - ANSWERS_KEPT).await? {
        None => Ok(None),
        Some((fingerprint, answer)) if ring.is_tag_of(&fingerprint, PURPOSE, &request.digest) == Some(true) => {
            Ok(Some(answer))
        }
        // Also where the key of the fingerprint is configured no more: who cannot tell does not do it twice.
        Some(_) => Err(IdempotencyError::OtherRequest),
    }
}

/// Keeps the answer to a request that was claimed; it is in force when the transaction is committed. The last thing to do in
/// it. Nobody keeps a refusal: what was refused changed nothing, and may be tried again.
///
/// # Errors
/// [`IdempotencyError`].
pub async fn keep_answer(
    repo: &mut dyn IdempotencyRepo,
    request: &KeyedRequest,
    answer: &KeptAnswer,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<(), IdempotencyError> {
    let fingerprint = ring.tag(PURPOSE, &request.digest)?;
    Ok(repo.keep_answer(request, &fingerprint, answer, now).await?)
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
            .field("user", &self.user)
            .field("route", &self.route)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_and_not_too_long() {
        for text in ["a", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "~!", &"x".repeat(255)] {
            assert_eq!(text.parse::<IdempotencyKey>().unwrap().as_str(), text);
        }
        for text in ["", " ", "a b", "a\tb", "a\u{7f}", "é", &"x".repeat(256)] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey), "{text:?}");
        }
    }
}
