//! The settings of a test server, and the configuration that they stand for.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use config::{
    AmqpConfig, AmqpTls, AuthConfig, DatabaseConfig, GraphConfig, HttpConfig, KeysConfig, LimitsConfig, MediaConfig,
    ServeConfig, SigningConfig, TenantsConfig, TracesConfig, WhatsAppConfig,
};
use iam::{HashParameters, NewAccountLimits};
use inbound::UnusableQuota;
use kernel::seal::KeyRing;
use tokens::{ProvisioningKeyHash, RotationPolicy, SessionPolicy, TokenPolicy};
use whatsapp::{AppSecret, AppSecrets, VerifyToken};

use super::database::TestDatabase;
use super::media_store;
use super::meta::{APP_SECRET, VERIFY_TOKEN};
use super::services::services;

/// Settings of a test server.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
pub(crate) struct Settings {
    /// Runs relay and worker, with queues and a database of its own, since a relay takes every event in the ledger.
    pub(crate) pipeline: bool,
    /// Uses a database of its own.
    pub(crate) own_database: bool,
    pub(crate) self_service: bool,
    pub(crate) tenants_mark_paid: bool,
    pub(crate) broker: BrokerState,
    /// Size of the tenant pool.
    pub(crate) tenant_connections: usize,
    pub(crate) passwords: HashParameters,
    /// The bootstrap key of the configuration.
    pub(crate) bootstrap_key: Option<&'static str>,
    pub(crate) signup: SignUp,
    /// An origin whose pages may call the API.
    pub(crate) cors_origin: Option<&'static str>,
    pub(crate) operator_listener: OperatorListener,
    pub(crate) limits: LimitsConfig,
    pub(crate) max_requests: usize,
    pub(crate) max_requests_per_address: usize,
    pub(crate) max_request_time: Duration,
    /// Where a stand-in for Meta's Graph API listens on this machine.
    pub(crate) graph_port: u16,
    /// The URL of the object store; `None`: that which tests share.
    pub(crate) media_store: Option<&'static str>,
}

/// Nothing listens there.
const NO_GRAPH: u16 = 1;

/// Tests send many requests from one address.
pub(crate) const NO_LIMITS: LimitsConfig = LimitsConfig {
    new_accounts: NewAccountLimits {
        signups_per_address: 0,
        signups: 0,
        registrations_per_address: 0,
        registrations: 0,
    },
    unknown_callers_per_address: None,
    unknown_callers: None,
    requests_per_user: None,
    requests_per_address: None,
    concurrent_per_tenant: Some(0),
    expensive_reads_per_tenant: None,
    expensive_reads: None,
    unusable_events: UnusableQuota { events: None, bytes: None },
};

/// Whether sign-up is open to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignUp {
    Open,
    Closed,
}

/// Where the operators' API is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperatorListener {
    /// Beside the rest of the API.
    Shared,
    Own,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrokerState {
    Available,
    /// Configured with an address on which nothing listens.
    Unreachable,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pipeline: false,
            own_database: false,
            self_service: true,
            tenants_mark_paid: true,
            broker: BrokerState::Available,
            tenant_connections: 8,
            passwords: HashParameters::default(),
            bootstrap_key: None,
            signup: SignUp::Open,
            cors_origin: None,
            operator_listener: OperatorListener::Shared,
            limits: NO_LIMITS,
            max_requests: 4_096,
            max_requests_per_address: 4_096,
            max_request_time: Duration::from_mins(1),
            graph_port: NO_GRAPH,
            media_store: None,
        }
    }
}

/// The configuration of a server with these settings.
pub(super) async fn config(database: &TestDatabase, namespace: &str, settings: &Settings) -> ServeConfig {
    let first = vec![7; 32];
    let amqp_url = match settings.broker {
        BrokerState::Available => services().await.amqp_url.as_str(),
        BrokerState::Unreachable => "amqp://127.0.0.1:1/%2f",
    };
    ServeConfig {
        database: DatabaseConfig {
            url: database.app_url.as_str().into(),
            platform_url: database.platform_url.as_str().into(),
            tenant_connections: settings.tenant_connections,
            platform_connections: 2,
            intake_connections: 4,
        },
        amqp: AmqpConfig { url: amqp_url.into(), namespace: namespace.to_owned(), tls: AmqpTls::default() },
        http: HttpConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: "127.0.0.1:0".parse().unwrap(),
            operator_listen: None,
            workers: NonZeroUsize::new(2),
            max_connections: 10_000.try_into().unwrap(),
            max_requests: settings.max_requests.try_into().unwrap(),
            max_requests_per_address: settings.max_requests_per_address.try_into().unwrap(),
            max_body_bytes: 64 * 1024 * 1024,
            max_request_time: settings.max_request_time,
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            cors_origins: settings.cors_origin.into_iter().map(str::to_owned).collect(),
        },
        limits: settings.limits,
        auth: AuthConfig {
            keys: KeysConfig {
                key_ring: Arc::new(KeyRing::new([("test".to_owned(), first.clone().into())]).unwrap()),
                first: first.into(),
            },
            tokens: TokenPolicy {
                issuer: "https://parley.test".to_owned(),
                audience: "parley".to_owned(),
                lifetime: TimeDelta::minutes(15),
            },
            // Servers of a shared database have separate clocks, so none polls often for keys that are due by its own.
            signing: SigningConfig { rotation: RotationPolicy::DEFAULT, poll: Duration::from_secs(150) },
            sessions: SessionPolicy::DEFAULT,
            passwords: settings.passwords,
        },
        whatsapp: WhatsAppConfig {
            secrets: AppSecrets::new(&AppSecret::new(APP_SECRET.into()).unwrap(), None),
            verify_token: VerifyToken::new(VERIFY_TOKEN.into()).unwrap(),
            graph: GraphConfig {
                url: format!("http://127.0.0.1:{}", settings.graph_port).parse().unwrap(),
                version: "v25.0".to_owned(),
            },
        },
        media: MediaConfig {
            store: settings.media_store.map_or_else(media_store::shared_store, str::to_owned).into(),
            max_bytes: 100 * 1024 * 1024,
        },
        tenants: TenantsConfig {
            signup_open: settings.signup == SignUp::Open,
            registration_open: settings.signup == SignUp::Open,
            self_service: settings.self_service,
            bootstrap_key: settings.bootstrap_key.map(ProvisioningKeyHash::of),
        },
        payment: billing::PaymentTerms::default(),
        tenants_mark_paid: settings.tenants_mark_paid,
        retry: inbound::RetryPolicy::default(),
        event_retention: inbound::RetentionPolicy::default(),
        retention: kernel::Retention::default(),
        traces: TracesConfig { endpoint: None, ratio: 1.0 },
    }
}
