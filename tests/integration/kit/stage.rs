//! What a fault test begins with: a tenant with a number in a database of its own, and somebody who sends to it.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use kernel::{Clock, SystemClock};

use super::client::Client;
use super::deployment::{Deployment, Server};
use super::load::Sender;
use super::meta::{Number, fresh_digits};
use super::{broker, reckoning, servers};

/// Once faults heal, everything is finished within this time (I3).
pub(crate) const HEALED: Duration = Duration::from_mins(1);

pub(crate) struct Stage {
    pub(crate) deployment: Deployment,
    pub(crate) number: Number,
    /// Has nobody to send to yet.
    pub(crate) sender: Sender,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::set_with(|deployment| deployment).await
    }

    /// With settings for all processes.
    pub(crate) async fn set_with(settings: impl FnOnce(Deployment) -> Deployment) -> Self {
        servers::all_up().await;
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
        deployment.database.admin().await.batch_execute(&rows).await.expect("rows go in");
        Self { sender: Sender::new(&number, &[]), deployment, number }
    }

    /// Sends to another number from now on, which a test has connected by itself.
    pub(crate) fn use_number(&mut self, number: Number) {
        self.sender = Sender::new(&number, &[]);
        self.number = number;
    }

    pub(crate) async fn serve_as(&self, roles: &str) -> Server {
        self.deployment.serve_as(roles).await
    }

    /// With places armed at which the process dies or fails.
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

    /// How many events there are that a condition holds for.
    pub(crate) async fn events(&self, condition: &str) -> i64 {
        self.count(&format!("SELECT count(*) FROM webhook_events WHERE {condition}")).await
    }

    pub(crate) async fn execute(&self, statements: &str) {
        self.deployment.database.admin().await.batch_execute(statements).await.expect("the statements run");
    }

    /// Within the time of I3 everything is finished, and journal and database agree.
    pub(crate) async fn settle(&self, dead_letters: i64) {
        reckoning::settled(&self.deployment.database, HEALED).await;
        self.agree(dead_letters).await;
    }

    pub(crate) async fn agree(&self, dead_letters: i64) {
        let journal = std::mem::take(&mut *self.sender.journal());
        reckoning::agree(&self.deployment.database, &self.number, &journal, dead_letters).await;
        *self.sender.journal() = journal;
    }

    /// Ends the servers in order, and clears everything away. What was accepted is processed, except dead letters.
    pub(crate) async fn strike(self, servers: impl IntoIterator<Item = Server>) {
        for server in servers {
            server.signal("TERM");
            assert!(server.exit().await.success(), "SIGTERM is a clean end");
        }
        self.deployment.finish().await;
    }

    /// Looks into a queue of this stage: messages that wait in it.
    pub(crate) async fn waiting(&self) -> u32 {
        use inbound::EventPublisher as _;
        broker::broker(&self.deployment.namespace).await.publisher().waiting().await.expect("the broker answers")
    }
}
