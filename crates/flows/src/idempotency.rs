use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{ApiKeyId, UserId};
use kernel::seal::{KeyRing, NoSealingKey, Tag};
use kernel::{Actor, Operator, StoreError};

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
    /// A program of the transaction's tenant.
    ApiKey(ApiKeyId),
    Operator(Operator),
}

impl From<Actor> for Sender {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(user) => Self::User(user),
            Actor::ApiKey(key) => Self::ApiKey(key),
        }
    }
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
        // Erased with the contact that it named: there is nothing to repeat, and the request must not create the contact again.
        Some((_, answer)) if answer.body.is_empty() => Err(IdempotencyError::KeyReused),
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
    use crate::fake::{FakeStore, at, key_ring, operator, run};

    fn request(store: &FakeStore, key: &str) -> KeyedRequest {
        let sender = Sender::User(store.caller);
        KeyedRequest { sender, route: "POST /contacts".to_owned(), key: key.parse().unwrap(), digest: [7; 32] }
    }

    fn created(body: &str) -> StoredResponse {
        StoredResponse { status: 201, body: body.to_owned() }
    }

    /// Carries out a request at a time, and stores its response.
    fn complete(store: &mut FakeStore, request: &KeyedRequest, body: &str, now: DateTime<Utc>) {
        let ring = key_ring(&["first"]);
        assert_eq!(run(claim_request(store, request, &ring, now)).unwrap(), None);
        run(store_response(store, request, &created(body), &ring, now)).unwrap();
        // The lock ends with the transaction.
        store.idempotency.is_locked = false;
    }

    fn retry(
        store: &mut FakeStore,
        request: &KeyedRequest,
        keys: &[&str],
        now: DateTime<Utc>,
    ) -> Result<Option<StoredResponse>, IdempotencyError> {
        run(claim_request(store, request, &key_ring(keys), now))
    }

    #[test]
    fn retried_request_gets_the_stored_response() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "{}", at(0));
        assert_eq!(retry(&mut store, &request, &["first"], at(1)).unwrap(), Some(created("{}")));
    }

    #[test]
    fn request_whose_response_was_erased_is_refused() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "", at(0));
        assert!(matches!(retry(&mut store, &request, &["first"], at(1)), Err(IdempotencyError::KeyReused)));
    }

    #[test]
    fn key_used_with_another_body_is_refused() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "{}", at(0));
        let other = KeyedRequest { digest: [8; 32], ..request };
        assert!(matches!(retry(&mut store, &other, &["first"], at(1)), Err(IdempotencyError::KeyReused)));
    }

    #[test]
    fn same_key_of_another_sender_or_route_is_another_request() {
        let mut store = FakeStore::new();
        let first = request(&store, "k");
        complete(&mut store, &first, "{}", at(0));
        let others = [
            request(&store, "K"),
            KeyedRequest { route: "POST /notes".to_owned(), ..first.clone() },
            KeyedRequest { sender: Sender::User(UserId::new(&*store.clock)), ..first.clone() },
            KeyedRequest { sender: Sender::Operator(operator()), ..first },
        ];
        for other in others {
            assert_eq!(retry(&mut store, &other, &["first"], at(1)).unwrap(), None, "{other:?}");
        }
    }

    #[test]
    fn request_in_progress_is_refused_without_reading() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "{}", at(0));
        store.idempotency.is_locked_elsewhere = true;
        assert!(matches!(retry(&mut store, &request, &["first"], at(1)), Err(IdempotencyError::InProgress)));
    }

    #[test]
    fn response_is_replayed_for_a_day_and_then_replaced() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "1", at(0));
        assert_eq!(retry(&mut store, &request, &["first"], at(86_399)).unwrap(), Some(created("1")));
        complete(&mut store, &request, "2", at(86_400));
        assert_eq!(retry(&mut store, &request, &["first"], at(86_401)).unwrap(), Some(created("2")));
        assert_eq!(store.idempotency.rows.len(), 1);
    }

    #[test]
    fn response_is_replayed_after_the_sealing_key_was_rotated() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "{}", at(0));
        assert_eq!(retry(&mut store, &request, &["second", "first"], at(1)).unwrap(), Some(created("{}")));
    }

    #[test]
    fn request_is_refused_once_its_sealing_key_is_gone() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "{}", at(0));
        assert!(matches!(retry(&mut store, &request, &["second"], at(1)), Err(IdempotencyError::KeyReused)));
    }

    #[test]
    fn digest_is_neither_stored_nor_logged() {
        let mut store = FakeStore::new();
        let request = request(&store, "k");
        complete(&mut store, &request, "{}", at(0));
        assert_ne!(store.idempotency.rows[0].fingerprint.bytes, request.digest);
        assert!(!format!("{request:?}").contains("7, 7"), "{request:?}");
    }

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
