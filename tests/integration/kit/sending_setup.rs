//! The setup of a test that kills senders: the sandbox, a server that accepts wishes and webhooks, and senders of their own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::api::{Conversation, LoggedIn, Message};
use super::app::{PASSWORD, TestTenant};
use super::client::Client;
use super::deployment::{Deployment, Server, steady_address};
use super::meta::fresh_digits;
use super::sandbox::{Line, MetaSandbox};
use super::sent_messages::{self, Wish};
use super::wait;

/// A lease ends after ten seconds, and the machine may be busy.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// Prints figures of a test, also if it passes: the test harness hides what it prints as usual.
pub(crate) fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "  {line}");
}

pub(crate) struct SendingSetup {
    pub(crate) deployment: Deployment,
    pub(crate) meta: MetaSandbox,
    /// Accepts and processes, and sends nothing.
    pub(crate) api: Server,
    /// Where the API stays when its process is started again.
    address: SocketAddr,
}

impl SendingSetup {
    pub(crate) async fn new() -> Self {
        Self::with(|deployment| deployment).await
    }

    /// With environment variables for all processes.
    pub(crate) async fn with(settings: impl FnOnce(Deployment) -> Deployment) -> Self {
        let meta = MetaSandbox::start();
        let deployment = Deployment::new()
            .await
            .with("PARLEY_WHATSAPP_GRAPH_URL", format!("http://127.0.0.1:{}", meta.port()))
            .with("PARLEY_LIMITS_CONCURRENT_PER_TENANT", "0");
        let (deployment, address) = (settings(deployment), steady_address());
        let listen = address.to_string();
        let api = deployment.serve_with("api,relay,worker", &[("PARLEY_HTTP_LISTEN", &listen)]).await;
        Self { deployment, meta, api, address }
    }

    /// Where webhooks go.
    pub(crate) fn webhook_base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn sender(&self) -> Server {
        self.deployment.serve_as("sender").await
    }

    /// A sender with failpoints set.
    pub(crate) async fn armed_sender(&self, failpoints: &str) -> Server {
        self.deployment.serve_with("sender", &[("FAILPOINTS", failpoints)]).await
    }

    pub(crate) async fn tenant(&self) -> TestTenant {
        sign_up(&self.api.client).await
    }

    pub(crate) async fn line(&self, tenant: &TestTenant) -> Line {
        self.meta.line_with(&self.webhook_base(), tenant, json!({})).await
    }

    /// A tenant with a number.
    pub(crate) async fn tenant_with_line(&self) -> (TestTenant, Line) {
        let tenant = self.tenant().await;
        let line = self.line(&tenant).await;
        (tenant, line)
    }

    /// Waits until a message has a status; longer than the kit's other waits, as a lease may have to end.
    pub(crate) async fn wait_for(&self, tenant: &TestTenant, message: &Message, status: &str) -> Message {
        let mut seen = None;
        let start = std::time::Instant::now();
        loop {
            let now = tenant.read_message(&message.id).await;
            if now.status.as_deref() == Some(status) {
                return now;
            }
            assert!(start.elapsed() < LIMIT, "the message is not {status}, but {seen:?}");
            seen = Some((now.status, now.error));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends these texts in a conversation, one after the other.
    pub(crate) async fn send_all(
        &self,
        tenant: &TestTenant,
        conversation: &Conversation,
        texts: std::ops::Range<usize>,
    ) -> Vec<Message> {
        let mut sent = Vec::new();
        for number in texts {
            sent.push(tenant.send_text(conversation, &format!("message {number}")).await);
        }
        sent
    }

    /// Waits until nothing is to be sent and all webhooks are processed, and compares the sandbox's journal with the database.
    pub(crate) async fn judge(&self, accepted: &[Message], limit: Duration) -> Vec<Wish> {
        self.wait_until_settled(limit).await;
        let accepted: Vec<&str> = accepted.iter().map(|message| message.id.as_str()).collect();
        sent_messages::judge(&self.deployment.database, &self.meta.whole_journal().await, &accepted).await
    }

    pub(crate) async fn wait_until_settled(&self, limit: Duration) {
        let database = &self.deployment.database;
        wait::within(limit, "all to be sent", async || {
            let left = database.count("SELECT count(*) FROM sends WHERE state IN ('queued', 'sending')").await;
            (left == 0).then_some(())
        })
        .await;
        wait::within(limit, "all statuses to be processed", async || {
            let is_quiet = self.meta.is_quiet().await;
            (is_quiet && database.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
        })
        .await;
    }

    /// Stops the servers, then deletes queues and database.
    pub(crate) async fn shut_down(self, senders: impl IntoIterator<Item = Server>) {
        for server in senders.into_iter().chain([self.api]) {
            server.signal("TERM");
            assert!(server.exit().await.success(), "SIGTERM exits successfully");
        }
        self.deployment.finish().await;
    }
}

pub(crate) async fn sign_up(client: &Client) -> TestTenant {
    let (slug, email) = (format!("t-{}", fresh_digits()), format!("owner-{}@example.com", fresh_digits()));
    let body = json!({"tenant_name": "Test Tenant", "slug": slug, "email": email, "password": PASSWORD});
    let made: LoggedIn = client.post("/auth/signup", &body).await.body(201);
    let client = client.with_token(&made.access_token);
    TestTenant { id: made.tenant.id, slug, email, token: made.access_token, client }
}
