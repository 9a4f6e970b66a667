//! The server under test, in this process, with a clock that stands still until it is moved.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use app::config::{
    AmqpConfig, DatabaseConfig, HttpConfig, IdentityConfig, KeysConfig, ServeConfig, SigningConfig, TenantsConfig,
    TracesConfig, WhatsAppConfig,
};
use app::wiring::{Instance, Role, Roles, Running};
use chrono::TimeDelta;
use iam::HashParameters;
use inbound::{AppSecret, AppSecrets, VerifyToken};
use kernel::seal::KeyRing;
use kernel::{Clock, ManualClock, SystemClock, SystemEntropy};
use postgres::Postgres;
use serde_json::{Value, json};
use tokens::{ProvisioningKeyHash, RotationPolicy, SessionPolicy, TokenPolicy};

use super::client::{Answer, Client, fresh_address};
use super::database::{self, TestDatabase};
use super::machine::{Neighbours, Turn};
use super::meta::{APP_SECRET, Number, OwnApp, VERIFY_TOKEN, fresh_digits, sign_with, signature};
use super::services::services;
use super::{broker, wait};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// What a test asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// With relay and worker, queues of its own, and a database of its own: the relay takes whatever is in the ledger.
    pub(crate) pipeline: bool,
    /// A database of its own.
    pub(crate) alone: bool,
    pub(crate) self_service: bool,
    pub(crate) broker: Broker,
    pub(crate) neighbours: Neighbours,
    /// Connections for the data of tenants.
    pub(crate) tenant_connections: usize,
    pub(crate) passwords: HashParameters,
    /// An operators' key of the configuration.
    pub(crate) bootstrap_key: Option<&'static str>,
    pub(crate) signup: SignUp,
}

/// Whether anyone may make a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignUp {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    There,
    /// Nobody listens where it should be.
    Away,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pipeline: false,
            alone: false,
            self_service: true,
            broker: Broker::There,
            neighbours: Neighbours::Any,
            tenant_connections: 8,
            passwords: HashParameters::default(),
            bootstrap_key: None,
            signup: SignUp::Open,
        }
    }
}

pub(crate) struct TestApp {
    pub(crate) client: Client,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
    /// The app's own connections, for what has no endpoint.
    pub(crate) postgres: Postgres,
    /// What this app's queues are called after.
    pub(crate) namespace: String,
    running: Running,
    settings: Settings,
    _turn: Option<Turn>,
}

/// A tenant that signed up for this test, seen by its owner.
#[derive(Clone, Debug)]
pub(crate) struct TestTenant {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) client: Client,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        let turn = Turn::beside(settings.neighbours).await;
        let database =
            if settings.alone || settings.pipeline { database::alone().await } else { database::shared().await };
        Box::pin(Self::start_on(database, settings, Some(turn))).await
    }

    /// Another server of the same deployment.
    pub(crate) async fn beside(&self, settings: Settings) -> Self {
        Box::pin(Self::start_on(self.database.clone(), settings, None)).await
    }

    async fn start_on(database: TestDatabase, settings: Settings, turn: Option<Turn>) -> Self {
        app::telemetry::init_metrics().expect("there is a registry");
        let namespace = broker::fresh_namespace();
        let clock = Arc::new(ManualClock::starting_at(SystemClock::new().now()));
        let config = config(&database, &namespace, &settings).await;
        let shared_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let postgres = app::wiring::postgres(&config.database).expect("pools can be made");
        let roles: Roles = if settings.pipeline { Roles::all() } else { [Role::Api].into_iter().collect() };
        let entropy = Arc::new(SystemEntropy::new());
        let opened = Instance::open_on(postgres.clone(), config, roles, shared_clock, entropy).await;
        let instance = opened.expect("it opens");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let running = instance.run(listener, std::num::NonZeroUsize::new(2)).expect("it runs");
        let address = running.address;
        Self {
            // Each app is somewhere else: what fails at one is not counted against another.
            client: Client::new(format!("http://{address}")).at(&fresh_address()),
            clock,
            postgres,
            database,
            running,
            namespace,
            settings,
            _turn: turn,
        }
    }

    /// With relay and worker.
    pub(crate) async fn start_with_pipeline() -> Self {
        Self::start_with(Settings { pipeline: true, ..Settings::default() }).await
    }

    /// A fresh tenant.
    pub(crate) async fn tenant(&self) -> TestTenant {
        let (slug, email) = (format!("t-{}", fresh_digits()), format!("owner-{}@example.com", fresh_digits()));
        let body = json!({"tenant_name": "Test Tenant", "slug": slug, "email": email, "password": PASSWORD});
        let made = self.client.post("/auth/signup", &body).await.json(201);
        let token = made["access_token"].as_str().unwrap().to_owned();
        let client = self.client.with_token(&token);
        TestTenant { id: made["tenant"]["id"].as_str().unwrap().to_owned(), slug, email, token, client }
    }

    /// Delivers a body as Meta does.
    pub(crate) async fn deliver(&self, delivery: &Value) -> Answer {
        self.deliver_bytes(&delivery.to_string().into_bytes()).await
    }

    pub(crate) async fn deliver_bytes(&self, body: &[u8]) -> Answer {
        let client = self.client.with("x-hub-signature-256", &signature(body));
        client.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await
    }

    /// Delivers a body as Meta does for a tenant's own app.
    pub(crate) async fn deliver_by(&self, own: &OwnApp, delivery: &Value) -> Answer {
        self.deliver_signed(&own.webhook(), &own.secret, &delivery.to_string().into_bytes()).await
    }

    pub(crate) async fn deliver_signed(&self, path: &str, secret: &str, body: &[u8]) -> Answer {
        let client = self.client.with("x-hub-signature-256", &sign_with(secret, body));
        client.send(reqwest::Method::POST, path, Some(body.to_vec())).await
    }

    /// How many events there are that a condition holds for.
    pub(crate) async fn events(&self, condition: &str) -> i64 {
        self.database.count(&format!("SELECT count(*) FROM webhook_events WHERE {condition}")).await
    }

    /// Delivers a body, and waits until everything in it is processed.
    pub(crate) async fn tell(&self, delivery: &Value) {
        self.deliver(delivery).await.expect(200);
        self.settled().await;
    }

    /// Waits until the ledger is empty: everything that was accepted is processed or a dead letter.
    pub(crate) async fn settled(&self) {
        let mut admin = self.database.admin().await;
        wait::until("the ledger to be empty", async || {
            let left =
                database::count(&mut admin, "SELECT count(*) FROM webhook_outbox").await.expect("the query runs");
            (left == 0).then_some(())
        })
        .await;
    }

    /// Ends the app. What was accepted must have been processed, and nothing may be a dead letter.
    pub(crate) async fn finish(self) {
        self.finish_with_dead_letters(0).await;
    }

    pub(crate) async fn finish_with_dead_letters(self, expected: i64) {
        self.settled().await;
        let dead = "SELECT count(*) FROM webhook_events WHERE status = 'dead_letter'";
        assert_eq!(self.database.count(dead).await, expected, "dead letters");
        self.finish_unprocessed().await;
    }

    /// Ends an app of which nobody expected that it processes anything.
    pub(crate) async fn finish_unprocessed(self) {
        self.running.stop().await;
        if self.settings.pipeline && self.settings.broker == Broker::There {
            broker::delete(&self.namespace).await;
        }
        if self.settings.alone || self.settings.pipeline {
            self.database.drop().await;
        }
    }
}

impl TestTenant {
    /// The same, with a token of now.
    pub(crate) async fn logged_in_again(&self, app: &TestApp) -> Self {
        let login = json!({"email": self.email, "password": PASSWORD});
        let made = app.client.with("x-tenant-id", &self.slug).post("/auth/login", &login).await.json(200);
        let token = made["access_token"].as_str().unwrap().to_owned();
        Self { client: app.client.with_token(&token), token, ..self.clone() }
    }

    /// Connects a number of this test's own.
    pub(crate) async fn connect(&self) -> Number {
        let number = Number::fresh();
        self.connect_number(&number).await;
        number
    }

    /// Connects a number to an app of the tenant's own; its account.
    pub(crate) async fn connect_to(&self, own: &OwnApp, number: &Number) -> Value {
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": own.key});
        self.client.post("/whatsapp-accounts", &body).await.json(201)
    }

    /// A Meta app of the tenant's own.
    pub(crate) async fn meta_app(&self) -> OwnApp {
        let (secret, verify_token) = (format!("secret-{}", fresh_digits()), format!("token-{}", fresh_digits()));
        let body = json!({"app_id": fresh_digits(), "app_secret": secret, "verify_token": verify_token});
        let made = self.client.post("/meta-apps", &body).await.json(201);
        OwnApp { key: made["key"].as_str().unwrap().to_owned(), secret, verify_token }
    }

    /// Connects a number; answers the account.
    pub(crate) async fn connect_number(&self, number: &Number) -> Value {
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
        self.client.post("/whatsapp-accounts", &body).await.json(201)
    }

    pub(crate) async fn conversations(&self) -> Vec<Value> {
        self.list("/crm/conversations?limit=100").await
    }

    pub(crate) async fn messages(&self, conversation: &Value) -> Vec<Value> {
        self.list(&format!("/crm/conversations/{}/messages?limit=100", conversation["id"].as_str().unwrap())).await
    }

    /// Those of a long conversation, page by page.
    pub(crate) async fn all_messages(&self, conversation: &Value) -> Vec<Value> {
        let path = format!("/crm/conversations/{}/messages?limit=100", conversation["id"].as_str().unwrap());
        let mut page = self.client.get(&path).await.json(200);
        let mut messages = page["data"].as_array().unwrap().clone();
        while let Some(cursor) = page["next_cursor"].as_str() {
            page = self.client.get(&format!("{path}&cursor={cursor}")).await.json(200);
            messages.extend(page["data"].as_array().unwrap().iter().cloned());
        }
        messages
    }

    pub(crate) async fn contacts(&self) -> Vec<Value> {
        self.list("/crm/contacts?limit=100").await
    }

    /// What happened with a contact, latest first.
    pub(crate) async fn interactions(&self, contact: &Value) -> Vec<Value> {
        self.list(&format!("/crm/contacts/{}/interactions?limit=100", contact["id"].as_str().unwrap())).await
    }

    /// The one contact with an identity that leads to it or is shown.
    pub(crate) async fn contact_with(&self, kind: &str, value: &str) -> Value {
        let has = |contact: &Value| {
            contact["identities"].as_array().unwrap().iter().any(|it| it["kind"] == kind && it["value"] == value)
        };
        let found: Vec<Value> = self.contacts().await.into_iter().filter(has).collect();
        assert_eq!(found.len(), 1, "contacts with {kind} {value}: {found:#?}");
        found.into_iter().next().unwrap()
    }

    /// A contact by its id, or by that of one which was merged into it.
    pub(crate) async fn contact(&self, id: &Value) -> Value {
        self.client.get(&format!("/crm/contacts/{}", id.as_str().unwrap())).await.json(200)
    }

    /// The conversations with a contact.
    pub(crate) async fn conversations_with(&self, contact: &Value) -> Vec<Value> {
        let mut conversations = self.conversations().await;
        conversations.retain(|conversation| conversation["contact_id"] == contact["id"]);
        conversations
    }

    /// The only conversation with the one contact that has this identity.
    pub(crate) async fn conversation_with(&self, kind: &str, value: &str) -> Value {
        let conversations = self.conversations_with(&self.contact_with(kind, value).await).await;
        assert_eq!(conversations.len(), 1, "conversations with {kind} {value}: {conversations:#?}");
        conversations.into_iter().next().unwrap()
    }

    /// A message of a conversation by WhatsApp's id.
    pub(crate) async fn message(&self, conversation: &Value, wamid: &str) -> Value {
        let messages = self.messages(conversation).await;
        let found = messages.iter().find(|message| message["wamid"] == wamid);
        found.unwrap_or_else(|| panic!("no {wamid} in {messages:#?}")).clone()
    }

    pub(crate) async fn wait_for_conversations(&self, count: usize) -> Vec<Value> {
        wait::until("conversations", async || {
            let conversations = self.conversations().await;
            (conversations.len() >= count).then_some(conversations)
        })
        .await
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.client.get(path).await.json(200)["data"].as_array().unwrap().clone()
    }
}

/// What Prometheus reads: one registry for all apps of the process.
pub(crate) fn metrics() -> String {
    app::telemetry::init_metrics().expect("there is a registry").render()
}

async fn config(database: &TestDatabase, namespace: &str, settings: &Settings) -> ServeConfig {
    let first = vec![7; 32];
    let amqp_url = match settings.broker {
        Broker::There => services().await.amqp_url.as_str(),
        Broker::Away => "amqp://127.0.0.1:1/%2f",
    };
    ServeConfig {
        database: DatabaseConfig {
            url: database.app_url.as_str().into(),
            platform_url: database.platform_url.as_str().into(),
            tenant_connections: settings.tenant_connections,
            platform_connections: 2,
            intake_connections: 4,
        },
        amqp: AmqpConfig { url: amqp_url.into(), namespace: namespace.to_owned() },
        http: HttpConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: "127.0.0.1:0".parse().unwrap(),
            workers: None,
            trusted_proxies: "127.0.0.1".parse().unwrap(),
        },
        identity: IdentityConfig {
            keys: KeysConfig {
                ring: KeyRing::new([("test".to_owned(), first.clone().into())]).unwrap(),
                first: first.into(),
            },
            tokens: TokenPolicy {
                issuer: "https://parley.test".to_owned(),
                audience: "parley".to_owned(),
                lifetime: TimeDelta::minutes(15),
            },
            // Each app of a shared database has a clock of its own, so none looks often at what is due by it.
            signing: SigningConfig { rotation: RotationPolicy::DEFAULT, poll: Duration::from_secs(150) },
            sessions: SessionPolicy::DEFAULT,
            passwords: settings.passwords,
        },
        whatsapp: WhatsAppConfig {
            secrets: AppSecrets::new(&AppSecret::new(APP_SECRET.into()).unwrap(), None),
            verify_token: VerifyToken::new(VERIFY_TOKEN.into()).unwrap(),
        },
        tenants: TenantsConfig {
            signup_open: settings.signup == SignUp::Open,
            self_service: settings.self_service,
            bootstrap_key: settings.bootstrap_key.map(ProvisioningKeyHash::of),
        },
        payment: billing::PaymentTerms::default(),
        retry: inbound::RetryPolicy::default(),
        retention: inbound::RetentionPolicy::default(),
        traces: TracesConfig { endpoint: None, ratio: 1.0 },
    }
}
