//! The server under test in this process, with a manual clock.

use std::net::TcpListener;
use std::sync::Arc;

use app::{Instance, Listeners, Running};
use config::{ProcessRole, ProcessRoles};
use kernel::{Clock, ManualClock, SystemClock, SystemEntropy};
use postgres::Postgres;
use serde_json::{Value, json};

use super::api::{
    self, Contact, Conversation, Interaction, LoggedIn, Me, Message, Page, Resource as _, WhatsAppAccount,
};
use super::client::{Client, Response, fresh_address};
use super::database::{self, TestDatabase};
use super::meta::{MetaApp, Number, fresh_digits, sign_with, signature};
use super::settings::config;
pub(crate) use super::settings::{BrokerState, NO_LIMITS, OperatorListener, Settings, SignUp};
use super::users::log_in;
use super::{broker, wait};

/// The password of every test user.
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct TestApp {
    pub(crate) client: Client,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
    /// The server's own connections, for operations without an endpoint.
    pub(crate) postgres: Postgres,
    /// The prefix of this server's queues.
    pub(crate) namespace: String,
    running: Running,
    settings: Settings,
}

/// A tenant that signed up for this test, with its owner's client.
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
        let database =
            if settings.own_database || settings.pipeline { database::copy().await } else { database::shared().await };
        Box::pin(Self::start_on(database, settings)).await
    }

    /// Starts another server of the same deployment.
    pub(crate) async fn start_another(&self, settings: Settings) -> Self {
        Box::pin(Self::start_on(self.database.clone(), settings)).await
    }

    async fn start_on(database: TestDatabase, settings: Settings) -> Self {
        app::init_metrics().expect("the metrics registry is installed");
        let namespace = broker::fresh_namespace();
        let clock = Arc::new(ManualClock::starting_at(SystemClock::new().now()));
        let config = config(&database, &namespace, &settings).await;
        let shared_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let postgres = app::postgres(&config.database, &config.auth.keys).expect("the pools are configured");
        let roles: ProcessRoles =
            if settings.pipeline { ProcessRoles::all() } else { [ProcessRole::Api].into_iter().collect() };
        let entropy = Arc::new(SystemEntropy::new());
        let opened = Instance::open_on(postgres.clone(), config, roles, shared_clock, entropy).await;
        let instance = opened.expect("the instance opens");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let operators = (settings.operator_listener == OperatorListener::Own)
            .then(|| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
        let running = instance.run(Listeners { api: listener, operators }).expect("the instance runs");
        let address = running.address;
        Self {
            // Each server's client has its own address, so that rate limits do not affect other tests.
            client: Client::new(format!("http://{address}")).with_address(&fresh_address()),
            clock,
            postgres,
            database,
            running,
            namespace,
            settings,
        }
    }

    /// Starts a server with relay and worker.
    pub(crate) async fn start_with_pipeline() -> Self {
        Self::start_with(Settings { pipeline: true, ..Settings::default() }).await
    }

    /// A client of the listener that the operators' API has for itself.
    pub(crate) fn operators(&self) -> Client {
        let address = self.running.operator_address.expect("the operators' API has a listener");
        Client::new(format!("http://{address}")).with_address(&fresh_address())
    }

    /// Signs up a new tenant.
    pub(crate) async fn tenant(&self) -> TestTenant {
        let (slug, email) = (format!("t-{}", fresh_digits()), format!("owner-{}@example.com", fresh_digits()));
        let body = json!({"tenant_name": "Test Tenant", "slug": slug, "email": email, "password": PASSWORD});
        let made: LoggedIn = self.client.post("/auth/signup", &body).await.body(201);
        let client = self.client.with_token(&made.access_token);
        TestTenant { id: made.tenant.id, slug, email, token: made.access_token, client }
    }

    /// Posts a delivery, signed like Meta's.
    pub(crate) async fn deliver(&self, delivery: &Value) -> Response {
        self.deliver_bytes(&delivery.to_string().into_bytes()).await
    }

    pub(crate) async fn deliver_bytes(&self, body: &[u8]) -> Response {
        let client = self.client.with("x-hub-signature-256", &signature(body));
        client.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await
    }

    /// Posts a delivery for a tenant's own app, signed with that app's secret.
    pub(crate) async fn deliver_for_app(&self, own: &MetaApp, delivery: &Value) -> Response {
        self.deliver_signed(&own.webhook(), &own.secret, &delivery.to_string().into_bytes()).await
    }

    pub(crate) async fn deliver_signed(&self, path: &str, secret: &str, body: &[u8]) -> Response {
        let client = self.client.with("x-hub-signature-256", &sign_with(secret, body));
        client.send(reqwest::Method::POST, path, Some(body.to_vec())).await
    }

    /// The number of events that match a condition.
    pub(crate) async fn events(&self, condition: &str) -> i64 {
        self.database.count(&format!("SELECT count(*) FROM webhook_events WHERE {condition}")).await
    }

    /// Posts a delivery and waits until its events are processed.
    pub(crate) async fn process(&self, delivery: &Value) {
        self.deliver(delivery).await.expect(200);
        self.wait_until_processed().await;
    }

    /// Waits until the ledger is empty: every accepted event is processed or a dead letter.
    pub(crate) async fn wait_until_processed(&self) {
        let mut admin = self.database.admin().await;
        wait::until("the ledger to be empty", async || {
            let left =
                database::count(&mut admin, "SELECT count(*) FROM webhook_outbox").await.expect("the query runs");
            (left == 0).then_some(())
        })
        .await;
    }

    /// Stops the server. Every accepted event must have been processed, without dead letters.
    pub(crate) async fn finish(self) {
        self.finish_with_dead_letters(0).await;
    }

    pub(crate) async fn finish_with_dead_letters(self, expected: i64) {
        self.wait_until_processed().await;
        let dead = "SELECT count(*) FROM webhook_events WHERE status = 'dead_letter'";
        assert_eq!(self.database.count(dead).await, expected, "dead letters");
        self.stop().await;
    }

    /// Stops a server whose database another one uses.
    pub(crate) async fn leave(self) {
        self.running.stop().await;
        broker::delete(&self.namespace).await;
    }

    /// Stops a server that need not have processed its events.
    pub(crate) async fn stop(self) {
        self.running.stop().await;
        if self.settings.pipeline && self.settings.broker == BrokerState::Available {
            broker::delete(&self.namespace).await;
        }
        if self.settings.own_database || self.settings.pipeline {
            self.database.drop().await;
        }
    }
}

impl TestTenant {
    /// Signs up a tenant at a server.
    pub(crate) async fn sign_up(client: &Client, slug: &str) -> Self {
        let made = client.sign_up(slug).await;
        let (email, token) = ("ada@example.com".to_owned(), made.access_token);
        Self { id: made.tenant.id, slug: slug.to_owned(), email, client: client.with_token(&token), token }
    }

    /// Logs in again for a token that is valid at the clock's current time.
    pub(crate) async fn log_in_again(&self, app: &TestApp) -> Self {
        let made = log_in(&app.client, &self.slug, &self.email, PASSWORD).await.body::<LoggedIn>(200);
        Self { client: app.client.with_token(&made.access_token), token: made.access_token, ..self.clone() }
    }

    /// Connects a new number.
    pub(crate) async fn connect(&self) -> Number {
        let number = Number::fresh();
        self.connect_number(&number).await;
        number
    }

    /// Connects a number to one of the tenant's own apps and returns the account.
    pub(crate) async fn connect_to(&self, own: &MetaApp, number: &Number) -> WhatsAppAccount {
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": own.key});
        self.client.create(&body).await
    }

    /// Creates a Meta app of the tenant.
    pub(crate) async fn meta_app(&self) -> MetaApp {
        let (secret, verify_token) = (format!("secret-{}", fresh_digits()), format!("token-{}", fresh_digits()));
        let body = json!({"app_id": fresh_digits(), "app_secret": secret, "verify_token": verify_token});
        let made: api::MetaApp = self.client.create(&body).await;
        MetaApp { key: made.key, secret, verify_token }
    }

    /// Connects a number and returns the account.
    pub(crate) async fn connect_number(&self, number: &Number) -> WhatsAppAccount {
        let body = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
        self.client.create(&body).await
    }

    /// The WhatsApp numbers, latest first.
    pub(crate) async fn accounts(&self) -> Vec<WhatsAppAccount> {
        self.client.all().await
    }

    pub(crate) async fn me(&self) -> Me {
        self.client.read("/auth/me").await
    }

    pub(crate) async fn conversations(&self) -> Vec<Conversation> {
        self.client.all().await
    }

    pub(crate) async fn messages(&self, conversation: &Conversation) -> Vec<Message> {
        self.client.list(&format!("{}?limit=100&include=payload", conversation.messages_path())).await
    }

    /// All messages of a long conversation, page by page.
    pub(crate) async fn all_messages(&self, conversation: &Conversation) -> Vec<Message> {
        let path = format!("{}?limit=100&include=payload", conversation.messages_path());
        let mut page: Page<Message> = self.client.read(&path).await;
        let mut messages = page.data;
        while let Some(cursor) = page.next_cursor {
            page = self.client.read(&format!("{path}&cursor={cursor}")).await;
            messages.append(&mut page.data);
        }
        messages
    }

    pub(crate) async fn contacts(&self) -> Vec<Contact> {
        self.client.all().await
    }

    /// A contact's interactions, latest first.
    pub(crate) async fn interactions(&self, contact: &Contact) -> Vec<Interaction> {
        self.client.list(&format!("{}/interactions?limit=100", contact.path())).await
    }

    /// The only contact with this identity.
    pub(crate) async fn contact_by_identity(&self, kind: &str, value: &str) -> Contact {
        let mut found = self.contacts().await;
        found.retain(|contact| contact.has(kind, value));
        assert_eq!(found.len(), 1, "contacts with {kind} {value}: {found:#?}");
        found.remove(0)
    }

    /// A contact by its id, or by the id of a contact that was merged into it.
    pub(crate) async fn contact(&self, id: &str) -> Contact {
        self.client.read(&format!("{}/{id}", Contact::LIST)).await
    }

    /// The conversations with a contact.
    pub(crate) async fn conversations_with(&self, contact: &Contact) -> Vec<Conversation> {
        let mut conversations = self.conversations().await;
        conversations.retain(|conversation| conversation.contact_id == contact.id);
        conversations
    }

    /// The conversation with a contact that is not closed.
    pub(crate) async fn open_conversation_with(&self, contact: &Contact) -> Conversation {
        let mut open = self.conversations_with(contact).await;
        open.retain(|conversation| conversation.status != "closed");
        assert_eq!(open.len(), 1, "open conversations with {contact:?}: {open:#?}");
        open.remove(0)
    }

    /// The messages of a contact in all conversations, latest first; `query` begins with `&`.
    pub(crate) async fn messages_with(&self, contact: &Contact, query: &str) -> Vec<Message> {
        self.client.list(&format!("{}/messages?limit=100{query}", contact.path())).await
    }

    /// The only conversation with the only contact that has this identity.
    pub(crate) async fn conversation_by_identity(&self, kind: &str, value: &str) -> Conversation {
        let mut conversations = self.conversations_with(&self.contact_by_identity(kind, value).await).await;
        assert_eq!(conversations.len(), 1, "conversations with {kind} {value}: {conversations:#?}");
        conversations.remove(0)
    }

    /// A message of a conversation by its WhatsApp id.
    pub(crate) async fn message(&self, conversation: &Conversation, wamid: &str) -> Message {
        let messages = self.messages(conversation).await;
        let found = messages.iter().find(|message| message.wamid.as_deref() == Some(wamid));
        found.unwrap_or_else(|| panic!("no {wamid} in {messages:#?}")).clone()
    }

    pub(crate) async fn wait_for_conversations(&self, count: usize) -> Vec<Conversation> {
        wait::until("conversations", async || {
            let conversations = self.conversations().await;
            (conversations.len() >= count).then_some(conversations)
        })
        .await
    }
}

/// The metrics in Prometheus' text format; all servers of the process share one registry.
pub(crate) fn metrics() -> String {
    app::init_metrics().expect("the metrics registry is installed").render()
}
