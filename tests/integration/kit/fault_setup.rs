//! The setup of a fault test: a tenant with a number in its own database, and a sender of deliveries.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use kernel::{Clock, SystemClock};

use super::client::Client;
use super::deployment::{Deployment, Server};
use super::load::Sender;
use super::meta::{Number, fresh_digits};
use super::{broker, reconciliation, service_control};

/// Once a fault has ended, everything is finished within this time (I3).
pub(crate) const RECOVERY_LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct FaultSetup {
    pub(crate) deployment: Deployment,
    pub(crate) number: Number,
    /// Sends to no server until `send_to`.
    pub(crate) sender: Sender,
}

impl FaultSetup {
    pub(crate) async fn new() -> Self {
        Self::with(|deployment| deployment).await
    }

    /// With environment variables for all processes.
    pub(crate) async fn with(settings: impl FnOnce(Deployment) -> Deployment) -> Self {
        service_control::start_all().await;
        let deployment = settings(Deployment::new().await);
        let number = Number::fresh();
        let [tenant, account] = [(); 2].map(|()| SystemClock::new().new_id().to_string());
        let rows = format!(
            "SET ROLE parley_owner;
             INSERT INTO tenants (id, slug, name, created_at) VALUES ('{tenant}', 't-{}', 'Test Tenant', now());
             INSERT INTO whatsapp_accounts
               (tenant_id, id, app_id, phone_number_id, waba_id, status, created_at, updated_at)
             VALUES ('{tenant}', '{account}', 'deployment', '{}', '{}', 'active', now(), now())",
            fresh_digits(),
            number.phone_number_id,
            number.waba_id,
        );
        deployment.database.admin().await.batch_execute(&rows).await.expect("the rows are inserted");
        Self { sender: Sender::new(&number, &[]), deployment, number }
    }

    /// Sends to another number from now on, which the test has connected.
    pub(crate) fn use_number(&mut self, number: Number) {
        self.sender = Sender::new(&number, &[]);
        self.number = number;
    }

    pub(crate) async fn serve_as(&self, roles: &str) -> Server {
        self.deployment.serve_as(roles).await
    }

    /// Starts a process with failpoints set.
    pub(crate) async fn serve_armed(&self, roles: &str, failpoints: &str) -> Server {
        self.deployment.serve_with(roles, &[("FAILPOINTS", failpoints)]).await
    }

    /// Sends to these servers from now on.
    pub(crate) fn send_to(&mut self, servers: &[&Server]) {
        let clients: Vec<Client> = servers.iter().map(|server| server.client.clone()).collect();
        self.sender = self.sender.to(&clients);
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        self.deployment.database.count(query).await
    }

    /// The number of events that match a condition.
    pub(crate) async fn events(&self, condition: &str) -> i64 {
        self.count(&format!("SELECT count(*) FROM webhook_events WHERE {condition}")).await
    }

    pub(crate) async fn execute(&self, statements: &str) {
        self.deployment.database.admin().await.batch_execute(statements).await.expect("the statements run");
    }

    /// Waits until everything is finished, within the time of I3, and compares journal and database.
    pub(crate) async fn settle(&self, dead_letters: i64) {
        reconciliation::wait_until_settled(&self.deployment.database, RECOVERY_LIMIT).await;
        self.assert_consistent(dead_letters).await;
    }

    pub(crate) async fn assert_consistent(&self, dead_letters: i64) {
        let journal = std::mem::take(&mut *self.sender.journal());
        reconciliation::assert_consistent(&self.deployment.database, &self.number, &journal, dead_letters).await;
        *self.sender.journal() = journal;
    }

    /// Stops the servers in order, then deletes queues and database.
    pub(crate) async fn shut_down(self, servers: impl IntoIterator<Item = Server>) {
        for server in servers {
            server.signal("TERM");
            assert!(server.exit().await.success(), "SIGTERM exits successfully");
        }
        self.deployment.finish().await;
    }

    /// The number of messages in the work queue.
    pub(crate) async fn ready_messages(&self) -> u32 {
        use inbound::EventPublisher as _;
        broker::broker(&self.deployment.namespace).await.publisher().ready_messages().await.expect("the broker answers")
    }
}
