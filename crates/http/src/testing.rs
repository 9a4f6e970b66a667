//! A state with an unavailable database: a request that reaches the database gets 503, so a test sees that a refusal
//! came before.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Bytes};
use async_trait::async_trait;
use billing::PaymentTerms;
use channels::{AccountApi, AccountApiError, AppCredentials, BusinessAccountFacts, MetaId, NumberFacts, TokenFacts};
use chrono::{DateTime, TimeDelta, Utc};
use crypto::{Argon2Hasher, Ed25519, KeyedSemaphore};
use flows::{
    AcceptError, AuthService, Database, DeliveryStore, DirectoryTx, IntakeTx, JobBell, LoginLookup, OperatorTx,
    SendAnswer, SendBell, SendRequest, SendStore, SessionStatus, SigningKeys, StartSession, StartSessionOutcome,
    StoreSendError, StoredApiKey, TenantTx, Timer,
};
use iam::{Email, HashParameters, NewAccountLimits, RateLimitBucket, RateLimitFastPath, RateLimiter, TenantReference};
use inbound::{IncomingEvent, StoredEvent};
use kernel::ids::{AccountId, ApiKeyId, SessionId, TenantId, UserId};
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, SystemClock, SystemEntropy, TenantScope, Tracing};
use media::{
    ByteRange, ByteSource, MediaApi, MediaApiError, MediaDescription, NewUpload, ObjectInfo, ObjectKey, ObjectStore,
    ObjectStoreError, ObjectWriter, SignedHeaders, Thumbnail, ThumbnailError, Thumbnailer,
};
use outbound::{BusinessAccountAccess, TakenTemplate, TemplateApi, TemplateApiError};
use secrecy::SecretString;
use serde_json::Value;
use tokens::{Claims, KeyState, RotationPolicy, SessionPolicy, SigningKeyFactory, TokenPolicy, VerifiedToken};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use whatsapp::{AppSecret, AppSecrets, NewEvent, VerifyToken};

use crate::background::Background;
use crate::cursor::CursorKey;
use crate::limits::{LimitPolicy, Limits};
use crate::readiness::{Check, Readiness};
use crate::state::State;
use crate::trusted_proxies::TrustedProxies;
use crate::webhooks::AppCache;

struct UnavailableDatabase;

fn unavailable<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("no route to host".into()))
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

#[async_trait]
impl RateLimitFastPath for UnavailableDatabase {
    async fn try_reserve(&self, _: &[RateLimitBucket], _: DateTime<Utc>) -> Result<bool, StoreError> {
        unavailable()
    }

    async fn try_release(&self, _: &[RateLimitBucket], _: DateTime<Utc>) -> Result<bool, StoreError> {
        unavailable()
    }
}

/// Meta that never answers.
#[derive(Debug)]
struct UnavailableMeta;

fn silence<T>() -> Result<T, AccountApiError> {
    Err(AccountApiError::Silent("no network".to_owned()))
}

#[async_trait]
impl AccountApi for UnavailableMeta {
    async fn token(&self, _: &SecretString) -> Result<TokenFacts, AccountApiError> {
        silence()
    }

    async fn number(&self, _: &SecretString, _: &MetaId) -> Result<NumberFacts, AccountApiError> {
        silence()
    }

    async fn numbers(&self, _: &SecretString, _: &MetaId) -> Result<Vec<String>, AccountApiError> {
        silence()
    }

    async fn business_account(&self, _: &SecretString, _: &MetaId) -> Result<BusinessAccountFacts, AccountApiError> {
        silence()
    }

    async fn subscribed_apps(&self, _: &SecretString, _: &MetaId) -> Result<Vec<String>, AccountApiError> {
        silence()
    }
}

fn silent_media<T>() -> Result<T, MediaApiError> {
    Err(MediaApiError::Silent("no network".to_owned()))
}

#[async_trait]
impl MediaApi for UnavailableMeta {
    async fn describe(&self, _: &SecretString, _: &str, _: &str) -> Result<MediaDescription, MediaApiError> {
        silent_media()
    }

    async fn fetch(&self, _: &SecretString, _: &str) -> Result<Box<dyn ByteSource>, MediaApiError> {
        silent_media()
    }

    async fn upload(
        &self,
        _: &SecretString,
        _: &str,
        _: &NewUpload,
        _: Box<dyn ByteSource>,
    ) -> Result<String, MediaApiError> {
        silent_media()
    }

    async fn delete(&self, _: &SecretString, _: &str, _: &str) -> Result<(), MediaApiError> {
        silent_media()
    }

    async fn upload_example(
        &self,
        _: &SecretString,
        _: &str,
        _: &NewUpload,
        _: Box<dyn ByteSource>,
    ) -> Result<String, MediaApiError> {
        silent_media()
    }
}

/// An object store that cannot be reached.
struct UnavailableStore;

fn away<T>() -> Result<T, ObjectStoreError> {
    Err(ObjectStoreError::Unavailable("no network".to_owned()))
}

#[async_trait]
impl ObjectStore for UnavailableStore {
    async fn begin(&self, _: TenantId, _: Option<u64>) -> Result<Box<dyn ObjectWriter>, ObjectStoreError> {
        away()
    }

    async fn read(&self, _: &ObjectKey, _: Option<ByteRange>) -> Result<Option<Box<dyn ByteSource>>, ObjectStoreError> {
        away()
    }

    async fn info(&self, _: &ObjectKey) -> Result<Option<ObjectInfo>, ObjectStoreError> {
        away()
    }

    async fn delete(&self, _: &ObjectKey) -> Result<(), ObjectStoreError> {
        away()
    }

    async fn list(&self, _: &str, _: Option<&ObjectKey>, _: usize) -> Result<Vec<ObjectInfo>, ObjectStoreError> {
        away()
    }

    async fn sign(&self, _: &ObjectKey, _: Duration, _: &SignedHeaders) -> Result<Option<String>, ObjectStoreError> {
        away()
    }

    async fn delete_unfinished(&self, _: DateTime<Utc>) -> Result<usize, ObjectStoreError> {
        away()
    }

    async fn probe(&self) -> Result<(), ObjectStoreError> {
        away()
    }
}

#[expect(clippy::result_large_err, reason = "the error of the port")]
fn silent_templates<T>() -> Result<T, TemplateApiError> {
    Err(TemplateApiError::Silent("no network".to_owned()))
}

#[async_trait]
impl TemplateApi for UnavailableMeta {
    async fn list(&self, _: &BusinessAccountAccess, _: Option<&str>) -> Result<Vec<Value>, TemplateApiError> {
        silent_templates()
    }

    async fn create(&self, _: &BusinessAccountAccess, _: &str) -> Result<TakenTemplate, TemplateApiError> {
        silent_templates()
    }

    async fn edit(&self, _: &BusinessAccountAccess, _: &str, _: &str) -> Result<(), TemplateApiError> {
        silent_templates()
    }

    async fn delete(&self, _: &BusinessAccountAccess, _: &str, _: &str) -> Result<(), TemplateApiError> {
        silent_templates()
    }
}

#[async_trait]
impl Readiness for UnavailableDatabase {
    async fn check(&self) -> Vec<Check> {
        vec![
            Check { name: "database", needed: true, state: Err("cannot be reached".to_owned()) },
            Check { name: "broker", needed: true, state: Ok(()) },
        ]
    }
}

#[async_trait]
impl DeliveryStore for UnavailableDatabase {
    async fn split(&self, body: &[u8]) -> Result<Vec<NewEvent>, AcceptError> {
        Ok(whatsapp::split(body, &SystemClock::new()))
    }

    async fn store(&self, _: Vec<IncomingEvent>) -> Result<Vec<StoredEvent>, AcceptError> {
        Err(AcceptError::CutOff)
    }
}

#[async_trait]
impl SendStore for UnavailableDatabase {
    async fn store(&self, _: SendRequest) -> Result<SendAnswer, StoreSendError> {
        Err(StoreSendError::CutOff)
    }
}

#[derive(Debug)]
struct NoWait;

#[async_trait]
impl Timer for NoWait {
    async fn sleep(&self, _: Duration) {}
}

pub(crate) fn secrets() -> AppSecrets {
    AppSecrets::new(&AppSecret::new("app secret".into()).unwrap(), None)
}

/// No limit but those of memory and time.
fn policy() -> LimitPolicy {
    LimitPolicy {
        new_accounts: NewAccountLimits::default(),
        unknown_callers_per_address: None,
        unknown_callers: None,
        requests_per_user: None,
        requests_per_address: None,
        concurrent_per_tenant: None,
        expensive_reads_per_tenant: None,
        expensive_reads: None,
        max_requests: NonZeroUsize::new(512).unwrap(),
        max_requests_per_address: NonZeroUsize::new(128).unwrap(),
        max_body_bytes: 64 * 1024 * 1024,
        max_request_time: Duration::from_mins(1),
    }
}

#[async_trait]
impl Thumbnailer for UnavailableStore {
    async fn thumbnail(&self, _: Bytes) -> Result<Thumbnail, ThumbnailError> {
        Err(ThumbnailError::Busy)
    }
}

/// There is no sender, and no job runner.
struct NoBell;

impl SendBell for NoBell {
    fn ring(&self, _: AccountId) {}
}

impl JobBell for NoBell {
    fn ring(&self) {}
}

pub(crate) fn state() -> web::Data<State> {
    let (entropy, clock) = (SystemEntropy::new(), SystemClock::new());
    let key = vec![7; 32];
    let ring = Arc::new(KeyRing::new([("test".to_owned(), key.clone().into())]).unwrap());
    let factory = SigningKeyFactory { algorithm: &Ed25519, key_ring: &ring };
    let signing_key = factory.generate(KeyState::Active, &entropy, clock.now()).unwrap();
    let keys = factory.open([&signing_key]).unwrap();
    let (clock, wake_relay): (Arc<dyn Clock>, _) = (Arc::new(clock), Arc::new(Notify::new()));
    let limits_clock = Arc::clone(&clock);
    web::Data::new(State {
        database: Arc::new(UnavailableDatabase),
        clock: Arc::clone(&clock),
        auth: AuthService {
            database: Arc::new(UnavailableDatabase),
            clock,
            timer: Arc::new(NoWait),
            hasher: Arc::new(Argon2Hasher::new(HashParameters::default(), &entropy).unwrap()),
            rate_limiter: RateLimiter::new(&key.clone().into(), Arc::new(KeyedSemaphore::default())),
            entropy: Arc::new(entropy),
            keys: Arc::new(SigningKeys::new(keys, Arc::new(Ed25519), Arc::clone(&ring), RotationPolicy::DEFAULT)),
            policy: TokenPolicy {
                issuer: "parley".to_owned(),
                audience: "parley".to_owned(),
                lifetime: TimeDelta::minutes(15),
            },
            sessions: SessionPolicy::DEFAULT,
            key_ring: Arc::clone(&ring),
        },
        deployment_app: AppCredentials { secrets: secrets(), verify_token: VerifyToken::new("verify".into()).unwrap() },
        account_api: Arc::new(UnavailableMeta),
        template_api: Arc::new(UnavailableMeta),
        media_api: Arc::new(UnavailableMeta),
        object_store: Arc::new(UnavailableStore),
        thumbnailer: Arc::new(UnavailableStore),
        max_upload_bytes: 1_000,
        key_ring: ring,
        self_service: false,
        signup_open: true,
        registration_open: true,
        bootstrap_key: None,
        payment_terms: PaymentTerms::default(),
        tenants_mark_paid: true,
        jwks_max_age: TimeDelta::minutes(5),
        cursor_key: CursorKey::derive(&key.into()),
        trusted_proxies: TrustedProxies::default(),
        limits: Limits::new(&policy(), &limits_clock),
        app_cache: AppCache::default(),
        send_bell: Arc::new(NoBell),
        job_bell: Arc::new(NoBell),
        wake_relay,
        send_store: Arc::new(UnavailableDatabase),
        delivery_store: Arc::new(UnavailableDatabase),
        readiness: Arc::new(UnavailableDatabase),
        tracing: Tracing::off(),
        background: Background::new(Handle::current()),
    })
}

/// A valid access token.
pub(crate) fn access_token(state: &State) -> String {
    let (clock, now) = (&*state.clock, state.clock.now());
    let claims = Claims {
        user: UserId::new(clock),
        tenant: TenantId::new(clock),
        session: SessionId::new(clock),
        token: clock.new_id(),
        issued_at: now,
        expires_at: now + TimeDelta::minutes(15),
    };
    state.auth.keys.current().issue(&state.auth.policy, &claims).unwrap().token
}
