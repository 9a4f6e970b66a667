//! What the use cases of authentication need of the machine, without a machine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use iam::{
    AttemptQueue, Email, HashError, HashRequester, Password, PasswordHash, PasswordHasher, PasswordVerification,
    QueuePermit, QueueTimeout, RateLimitBucket, RateLimitFastPath, RateLimiter, TenantReference,
};
use kernel::ids::ApiKeyId;
use kernel::{Clock, Entropy, StoreError, SystemEntropy, TenantScope};
use secrecy::SecretSlice;
use tokens::{
    KeyPair, KeyState, RotationPolicy, SessionPolicy, SignatureAlgorithm, SignatureError, SigningKeyFactory,
    TokenPolicy, TokenSigner, TokenVerifier, VerifiedToken,
};

use super::{FakeStore, key_ring};
use crate::{
    AuthService, Database, DirectoryTx, IntakeTx, LoginLookup, OperatorTx, SessionStatus, SigningKeys, StartSession,
    StartSessionOutcome, StoredApiKey, TenantTx, Timer,
};

/// The service of authentication, whose signing key is the store's active one. Its database is not available: use cases that
/// begin transactions themselves are tested through the functions that run in these.
pub(crate) fn auth_service(store: &mut FakeStore) -> AuthService {
    let entropy = SystemEntropy::new();
    let ring = Arc::new(key_ring(&["first"]));
    let factory = SigningKeyFactory { algorithm: &FakeAlgorithm, key_ring: &ring };
    let key = factory.generate(KeyState::Active, &entropy, store.clock.now()).unwrap();
    let keys = factory.open([&key]).unwrap();
    store.signing_keys.push(key);
    AuthService {
        database: Arc::new(UnavailableDatabase),
        clock: store.clock.clone(),
        timer: Arc::new(NoWait),
        entropy: Arc::new(entropy),
        hasher: Arc::new(FakeHasher),
        rate_limiter: RateLimiter::new(&vec![7; 32].into(), Arc::new(NoQueue)),
        keys: Arc::new(SigningKeys::new(keys, Arc::new(FakeAlgorithm), Arc::clone(&ring), RotationPolicy::DEFAULT)),
        key_ring: ring,
        policy: TokenPolicy {
            issuer: "parley".to_owned(),
            audience: "parley".to_owned(),
            lifetime: TimeDelta::minutes(15),
        },
        sessions: SessionPolicy::DEFAULT,
    }
}

/// The hash of a password by [`FakeHasher`].
pub(crate) fn hash_of(password: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("hash of {password}"))
}

#[derive(Debug)]
struct FakeHasher;

#[async_trait]
impl PasswordHasher for FakeHasher {
    async fn hash(&self, password: Password, _: HashRequester, _: &dyn Entropy) -> Result<PasswordHash, HashError> {
        Ok(hash_of(password.expose()))
    }

    async fn verify(
        &self,
        password: Password,
        stored: PasswordHash,
        renew: bool,
        _: &dyn Entropy,
    ) -> Result<PasswordVerification, HashError> {
        let hash = hash_of(password.expose());
        // A hash with outdated parameters.
        let is_outdated = stored.as_phc() == format!("outdated {}", hash.as_phc());
        if stored.as_phc() != hash.as_phc() && !is_outdated {
            return Ok(PasswordVerification::Mismatch);
        }
        Ok(PasswordVerification::Match { renewed: (is_outdated && renew).then_some(hash) })
    }

    async fn verify_dummy(&self, _: Password, _: &dyn Entropy) -> Result<(), HashError> {
        Ok(())
    }
}

#[derive(Debug)]
struct NoWait;

#[async_trait]
impl Timer for NoWait {
    async fn sleep(&self, _: Duration) {}
}

#[derive(Debug)]
struct NoQueue;

#[async_trait]
impl AttemptQueue for NoQueue {
    async fn acquire(&self, _: &[RateLimitBucket]) -> Result<QueuePermit, QueueTimeout> {
        Ok(QueuePermit::new(()))
    }
}

/// A signature is the public key before the message: enough to tell which key signed.
#[derive(Debug)]
pub(crate) struct FakeAlgorithm;

struct FakeKey(Vec<u8>);

impl SignatureAlgorithm for FakeAlgorithm {
    fn generate(&self) -> Result<KeyPair, SignatureError> {
        let mut random = [0; 8];
        SystemEntropy::new().fill(&mut random).map_err(|_| SignatureError)?;
        let public_x = hex::encode(random);
        Ok(KeyPair { private_key: public_x.clone().into_bytes().into(), public_x })
    }

    fn signer(&self, private_key: &SecretSlice<u8>) -> Result<Box<dyn TokenSigner>, SignatureError> {
        use secrecy::ExposeSecret as _;
        Ok(Box::new(FakeKey(private_key.expose_secret().to_vec())))
    }

    fn verifier(&self, public_x: &str) -> Result<Box<dyn TokenVerifier>, SignatureError> {
        Ok(Box::new(FakeKey(public_x.as_bytes().to_vec())))
    }
}

impl TokenSigner for FakeKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok([&self.0, message].concat())
    }
}

impl TokenVerifier for FakeKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.sign(message)? == signature { Ok(()) } else { Err(SignatureError) }
    }
}

#[derive(Debug)]
struct UnavailableDatabase;

fn unavailable<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the database is away".into()))
}

#[async_trait]
impl RateLimitFastPath for UnavailableDatabase {
    async fn try_reserve(&self, _: &[RateLimitBucket], _: DateTime<Utc>) -> Result<bool, StoreError> {
        unavailable()
    }

    async fn try_release(&self, _: &[RateLimitBucket], _: DateTime<Utc>) -> Result<bool, StoreError> {
        unavailable()
    }
}

#[async_trait]
impl Database for UnavailableDatabase {
    async fn tenant(&self, _: &TenantScope) -> Result<Box<dyn TenantTx>, StoreError> {
        unavailable()
    }

    async fn directory(&self) -> Result<Box<dyn DirectoryTx>, StoreError> {
        unavailable()
    }

    async fn intake(&self) -> Result<Box<dyn IntakeTx>, StoreError> {
        unavailable()
    }

    async fn operator(&self) -> Result<Box<dyn OperatorTx>, StoreError> {
        unavailable()
    }

    async fn access(&self, _: &TenantScope, _: &VerifiedToken, _: DateTime<Utc>) -> Result<SessionStatus, StoreError> {
        unavailable()
    }

    async fn api_key_access(&self, _: &TenantScope, _: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        unavailable()
    }

    async fn record_api_key_use(&self, _: &TenantScope, _: ApiKeyId, _: DateTime<Utc>) -> Result<(), StoreError> {
        unavailable()
    }

    async fn login_lookup(&self, _: &TenantReference, _: &Email) -> Result<Option<LoginLookup>, StoreError> {
        unavailable()
    }

    async fn start_session(&self, _: &TenantScope, _: &StartSession<'_>) -> Result<StartSessionOutcome, StoreError> {
        unavailable()
    }
}
