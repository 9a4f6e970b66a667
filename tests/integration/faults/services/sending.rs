//! Messages are sent while the database or the broker is away.

use serde_json::json;

use crate::kit::api::Message;
use crate::kit::app::TestTenant;
use crate::kit::deployment::Server;
use crate::kit::sandbox::Line;
use crate::kit::sending_setup::{LIMIT, SendingSetup, report};
use crate::kit::sent_messages::states;
use crate::kit::{service_control, wait};

const CONVERSATIONS: usize = 10;
const MESSAGES: usize = 20;

struct Sending {
    setup: SendingSetup,
    tenant: TestTenant,
    line: Line,
    senders: [Server; 2],
    sent: Vec<Message>,
}

impl Sending {
    async fn begin() -> Self {
        service_control::start_all().await;
        let setup = SendingSetup::new().await;
        let (tenant, line) = setup.tenant_with_line().await;
        let conversations = setup.meta.conversations(&tenant, &line, CONVERSATIONS).await;
        setup.meta.fault(&line, json!({"fault": "slow_answer", "milliseconds": 100})).await;
        let mut sent = Vec::new();
        for (_, conversation) in &conversations {
            sent.extend(setup.send_all(&tenant, conversation, 0..MESSAGES).await);
        }
        let senders = [setup.sender().await, setup.sender().await];
        wait::within(LIMIT, "some to be sent", async || {
            (setup.meta.journal(&line).await.len() > CONVERSATIONS * MESSAGES / 4).then_some(())
        })
        .await;
        Self { setup, tenant, line, senders, sent }
    }

    async fn end(self) -> usize {
        let wishes = self.setup.judge(&self.sent, LIMIT).await;
        let states = states(&wishes);
        report(&format!("{states:?}"));
        let (accepted, unclear) = (states.get("accepted").copied(), states.get("unknown").copied());
        assert_eq!(accepted.unwrap_or(0) + unclear.unwrap_or(0), CONVERSATIONS * MESSAGES, "{states:?}");
        let journal = self.setup.meta.journal(&self.line).await.len();
        assert!(journal >= accepted.unwrap_or(0), "{journal}: {states:?}");
        self.tenant.client.get("/crm/conversations").await.expect(200);
        self.setup.shut_down(self.senders).await;
        unclear.unwrap_or(0)
    }
}

/// S1, S2, S3, S4: what Meta answered meanwhile is stored later. What was being stored as begun may be unclear.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn postgres_kill_while_sending_loses_and_doubles_nothing() {
    let sending = Sending::begin().await;
    service_control::run("postgres kill").await;
    // Longer than a lease.
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    service_control::run("postgres start").await;
    let unclear = sending.end().await;
    assert!(unclear <= CONVERSATIONS, "{unclear}");
}

/// S1, S2, S3: the broker wakes workers for statuses only.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn broker_kill_while_sending_loses_and_doubles_nothing() {
    let sending = Sending::begin().await;
    service_control::run("rabbitmq kill").await;
    let all = sending.setup.deployment.database.clone();
    wait::within(LIMIT, "all to be sent without a broker", async || {
        let left = all.count("SELECT count(*) FROM sends WHERE state IN ('queued', 'sending')").await;
        (left == 0).then_some(())
    })
    .await;
    service_control::run("rabbitmq start").await;
    assert_eq!(sending.end().await, 0);
}
