//! A state whose database is away: whatever gets as far as the database is answered with 503, so a test sees that a
//! refusal came before.

use std::sync::Arc;

use actix_web::web;
use async_trait::async_trait;
use billing::PaymentTerms;
use chrono::{DateTime, TimeDelta, Utc};
use flows::{
    Admission, Admitted, Candidate, Database, DirectoryTx, Identity, IntakeTx, OperatorTx, SigningKeys, Standing,
    TenantTx,
};
use iam::{CalmTries, Counted, Email, HashParameters, PasswordHasher, TenantReference, Throttle};
use inbound::{AppCredentials, AppSecret, AppSecrets, VerifyToken};
use kernel::ids::{SessionId, TenantId, UserId};
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, SystemClock, SystemEntropy, TenantScope, Tracing};
use pipeline::Intake;
use tokens::{Claims, KeySet, KeyState, RotationPolicy, SessionPolicy, SigningKey, TokenPolicy, Verified};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::background::Background;
use crate::http::{Check, CursorKey, Readiness, State, TrustedProxies};

struct Away;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("no route to host".into()))
}

#[async_trait]
impl Database for Away {
    async fn tenant(&self, _: &TenantScope) -> Result<Box<dyn TenantTx>, StoreError> {
        away()
    }

    async fn directory(&self) -> Result<Box<dyn DirectoryTx>, StoreError> {
        away()
    }

    async fn intake(&self) -> Result<Box<dyn IntakeTx>, StoreError> {
        away()
    }

    async fn operator(&self) -> Result<Box<dyn OperatorTx>, StoreError> {
        away()
    }

    async fn access(&self, _: &TenantScope, _: &Verified, _: DateTime<Utc>) -> Result<Standing, StoreError> {
        away()
    }

    async fn candidate(&self, _: &TenantReference, _: &Email) -> Result<Option<Candidate>, StoreError> {
        away()
    }

    async fn admit(&self, _: &TenantScope, _: &Admission<'_>) -> Result<Admitted, StoreError> {
        away()
    }
}

#[async_trait]
impl CalmTries for Away {
    async fn begin_calm_try(&self, _: &[Counted], _: DateTime<Utc>) -> Result<bool, StoreError> {
        away()
    }

    async fn end_calm_try(&self, _: &[Counted], _: DateTime<Utc>) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl Readiness for Away {
    async fn check(&self) -> Vec<Check> {
        vec![
            Check { name: "database", needed: true, state: Err("cannot be reached".to_owned()) },
            Check { name: "broker", needed: true, state: Ok(()) },
        ]
    }
}

pub(crate) fn secrets() -> AppSecrets {
    AppSecrets::new(&AppSecret::new("app secret".into()).unwrap(), None)
}

pub(crate) fn state() -> web::Data<State> {
    let (entropy, clock) = (SystemEntropy::new(), SystemClock::new());
    let key = vec![7; 32];
    let ring = Arc::new(KeyRing::new([("test".to_owned(), key.clone().into())]).unwrap());
    let signing_key = SigningKey::generate(KeyState::Active, &ring, &entropy, clock.now()).unwrap();
    let keys = KeySet::open([&signing_key], &ring).unwrap();
    let (clock, nudge): (Arc<dyn Clock>, _) = (Arc::new(clock), Arc::new(Notify::new()));
    let (intake, flusher) = Intake::new(Arc::new(Away), Arc::clone(&clock), Arc::clone(&nudge));
    tokio::spawn(flusher.run(CancellationToken::new()));
    web::Data::new(State {
        identity: Identity {
            database: Arc::new(Away),
            clock,
            hasher: PasswordHasher::new(HashParameters::default(), &entropy).unwrap(),
            throttle: Throttle::new(&key.clone().into()),
            entropy: Arc::new(entropy),
            keys: Arc::new(SigningKeys::new(keys, Arc::clone(&ring), RotationPolicy::DEFAULT)),
            policy: TokenPolicy {
                issuer: "parley".to_owned(),
                audience: "parley".to_owned(),
                lifetime: TimeDelta::minutes(15),
            },
            sessions: SessionPolicy::DEFAULT,
        },
        whatsapp: AppCredentials { secrets: secrets(), verify_token: VerifyToken::new("verify".into()).unwrap() },
        ring,
        self_service: false,
        signup_open: true,
        bootstrap_key: None,
        payment: PaymentTerms::default(),
        keys_kept: TimeDelta::minutes(5),
        cursor_key: CursorKey::derive(&key.into()),
        trusted_proxies: TrustedProxies::default(),
        nudge,
        intake,
        readiness: Arc::new(Away),
        tracing: Tracing::off(),
        background: Background::new(Handle::current()),
    })
}

/// An access token that is genuine and in force.
pub(crate) fn access_token(state: &State) -> String {
    let (clock, now) = (&*state.identity.clock, state.identity.clock.now());
    let claims = Claims {
        user: UserId::new(clock),
        tenant: TenantId::new(clock),
        session: SessionId::new(clock),
        token: clock.new_id(),
        issued_at: now,
        expires_at: now + TimeDelta::minutes(15),
    };
    state.identity.keys.current().issue(&state.identity.policy, &claims).unwrap().token
}
