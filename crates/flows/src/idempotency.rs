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
    /// Locks the requests until the transaction ends. Says of each, without waiting, whether this transaction has its lock; if not,
    /// another has.
    async fn lock_idempotency_keys(&mut self, requests: &[&KeyedRequest]) -> Result<Vec<bool>, StoreError>;
    /// The response stored under the key of each request since that time, and the fingerprint of its request.
    async fn stored_responses(
        &mut self,
        requests: &[&KeyedRequest],
        since: DateTime<Utc>,
    ) -> Result<Vec<Option<(Tag, StoredResponse)>>, StoreError>;
    /// Stores responses with the fingerprints of their requests, which differ from each other. Replaces expired responses.
    async fn store_responses(
        &mut self,
        responses: &[(&KeyedRequest, Tag, &StoredResponse)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// What is known of a request by its key.
#[derive(Clone, Debug)]
pub(crate) enum KeyState {
    /// This transaction has the lock, and no response is stored.
    Free,
    Answered(Tag, StoredResponse),
    /// Another transaction works on a request with the key.
    Locked,
}

impl KeyState {
    /// The response that a request with the key gets; `None` if it is to be carried out.
    ///
    /// # Errors
    /// [`IdempotencyError`].
    pub(crate) fn response_to(
        &self,
        request: &KeyedRequest,
        ring: &KeyRing,
    ) -> Result<Option<StoredResponse>, IdempotencyError> {
        match self {
            Self::Locked => Err(IdempotencyError::InProgress),
            Self::Free => Ok(None),
            // Erased with the contact that it named: there is nothing to repeat, and the request must not create the contact again.
            Self::Answered(_, answer) if answer.body.is_empty() => Err(IdempotencyError::KeyReused),
            Self::Answered(fingerprint, answer)
                if ring.verify_tag(fingerprint, PURPOSE, &request.digest) == Some(true) =>
            {
                Ok(Some(answer.clone()))
            }
            // Also if the key of the fingerprint is no longer configured: when in doubt, do not repeat the request.
            Self::Answered(..) => Err(IdempotencyError::KeyReused),
        }
    }
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
    let states = claim_keys(repo, &[request], now).await?;
    states.first().map_or(Ok(None), |state| state.response_to(request, ring))
}

/// Claims the keys of requests, which differ, for this transaction. Must be the first statement of the transaction.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn claim_keys(
    repo: &mut dyn IdempotencyRepo,
    requests: &[&KeyedRequest],
    now: DateTime<Utc>,
) -> Result<Vec<KeyState>, StoreError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let locked = repo.lock_idempotency_keys(requests).await?;
    // Read after the locks were acquired: their previous holders have committed.
    let claimed: Vec<&KeyedRequest> =
        requests.iter().zip(&locked).filter(|(_, locked)| **locked).map(|(request, _)| *request).collect();
    let stored =
        if claimed.is_empty() { Vec::new() } else { repo.stored_responses(&claimed, now - RESPONSE_RETENTION).await? };
    let mut stored = stored.into_iter();
    let state = |is_locked: bool| {
        if is_locked {
            let answered = |(tag, response)| KeyState::Answered(tag, response);
            stored.next().flatten().map_or(KeyState::Free, answered)
        } else {
            KeyState::Locked
        }
    };
    Ok(locked.into_iter().map(state).collect())
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
    store_responses(repo, &[(request, answer)], ring, now).await
}

/// As [`store_response`], for several requests.
///
/// # Errors
/// [`IdempotencyError`].
pub(crate) async fn store_responses(
    repo: &mut dyn IdempotencyRepo,
    answers: &[(&KeyedRequest, &StoredResponse)],
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<(), IdempotencyError> {
    if answers.is_empty() {
        return Ok(());
    }
    let mut with_tags = Vec::with_capacity(answers.len());
    for (request, answer) in answers {
        with_tags.push((*request, ring.tag(PURPOSE, &request.digest)?, *answer));
    }
    Ok(repo.store_responses(&with_tags, now).await?)
}

impl KeyedRequest {
    /// Whether both have one key: then at most one of them is carried out.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        (self.sender, &self.route, &self.key) == (other.sender, &other.route, &other.key)
    }
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
