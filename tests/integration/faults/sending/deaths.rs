//! A sender, or the API, is killed at a step of a send.

use serde_json::json;

use crate::kit::api::Message;
use crate::kit::app::TestTenant;
use crate::kit::deployment::Server;
use crate::kit::sandbox::Line;
use crate::kit::sending_setup::{LIMIT, SendingSetup};
use crate::kit::sent_messages::states;

/// Two messages of one conversation; the sender died while it sent the first, and another one was started.
struct Died {
    setup: SendingSetup,
    sender: Server,
    tenant: TestTenant,
    line: Line,
    sent: [Message; 2],
}

impl Died {
    /// Webhooks are held back until the end of the test, so that no status settles anything.
    async fn at(failpoint: &str) -> Self {
        let setup = SendingSetup::new().await;
        let (tenant, line) = setup.tenant_with_line().await;
        let (_, conversation) = setup.meta.conversation(&tenant, &line).await;
        setup.meta.pause_webhooks(true).await;
        let sent =
            [tenant.send_text(&conversation, "the first").await, tenant.send_text(&conversation, "the second").await];
        let dying = setup.armed_sender(failpoint).await;
        assert!(!dying.exit().await.success());
        let sender = setup.sender().await;
        Self { setup, sender, tenant, line, sent }
    }

    /// The first message gets this state, without statuses, and the second one is sent.
    async fn assert_first(&self, status: &str, entries: usize) {
        let first = self.setup.wait_for(&self.tenant, &self.sent[0], status).await;
        assert_eq!(first.may_have_been_sent, status == "unknown", "{first:?}");
        assert_eq!(first.error.is_some(), status == "unknown", "{first:?}");
        self.setup.wait_for(&self.tenant, &self.sent[1], "accepted").await;
        let journal = self.setup.meta.journal(&self.line).await;
        let of_first = journal.iter().filter(|entry| entry.body.to_string().contains("the first")).count();
        assert_eq!((of_first, journal.len()), (entries, entries + 1));
    }

    /// Lets the statuses come.
    async fn end(self, first: &str) {
        self.setup.meta.pause_webhooks(false).await;
        let seen = self.setup.wait_for(&self.tenant, &self.sent[0], first).await;
        assert_eq!(seen.may_have_been_sent, first == "unknown");
        self.setup.wait_for(&self.tenant, &self.sent[1], "delivered").await;
        let wishes = self.setup.judge(&self.sent, LIMIT).await;
        assert!(wishes.iter().all(|wish| wish.attempts == 1) || first == "delivered", "{:?}", states(&wishes));
        self.setup.shut_down([self.sender]).await;
    }
}

/// S1, S3: what was not claimed is sent as if nothing had happened.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_killed_before_claim_sends_once() {
    let died = Died::at("sender.before_claim=return").await;
    died.assert_first("accepted", 1).await;
    died.end("delivered").await;
}

/// S1, S3: no byte has left, but nothing proves it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_killed_after_claim_leaves_unclear() {
    let died = Died::at("sender.claimed=return").await;
    died.assert_first("unknown", 0).await;
    died.end("unknown").await;
}

/// S1, S3: as after the claim.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_killed_before_call_leaves_unclear() {
    let died = Died::at("sender.before_call=return(the first)").await;
    died.assert_first("unknown", 0).await;
    died.end("unknown").await;
}

/// S1, S2, S6: Meta has the message; a status settles it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_killed_after_call_is_settled_by_status() {
    let died = Died::at("sender.after_call=return(the first)").await;
    died.assert_first("unknown", 1).await;
    died.end("delivered").await;
}

/// S1, S2, S6: the answer was read and not stored.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_killed_before_settling_is_settled_by_status() {
    let died = Died::at("sender.before_settle=return").await;
    died.assert_first("unknown", 1).await;
    died.end("delivered").await;
}

/// S1, S2: what was settled stays settled.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn sender_killed_after_settling_sends_once() {
    let died = Died::at("sender.settled=return").await;
    died.assert_first("accepted", 1).await;
    died.end("delivered").await;
}

/// S1, S3: the API dies between its commit and its answer. Another process sends the message, and the repeated request finds it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn api_killed_after_commit_sends_once() {
    let setup = SendingSetup::new().await;
    let (tenant, line) = setup.tenant_with_line().await;
    let (_, conversation) = setup.meta.conversation(&tenant, &line).await;
    let dying = setup.deployment.serve_with("api", &[("FAILPOINTS", "sender.rung=return")]).await;
    let path = format!("/crm/conversations/{}/messages", conversation.id);
    let body = json!({"type": "text", "text": {"body": "once"}});
    let key = "5f2c1c9e-2f5c-4f9f-9d0c-6a1a3c1c7a01";
    let client = dying.client.with_token(&tenant.token).with("idempotency-key", key);
    let client = client.with("content-type", "application/json");
    let answer = client.try_send(reqwest::Method::POST, &path, Some(body.to_string().into())).await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(!dying.exit().await.success());

    let sender = setup.sender().await;
    let again: Message = tenant.client.with("idempotency-key", key).post(&path, &body).await.body(202);
    setup.wait_for(&tenant, &again, "delivered").await;
    setup.judge(&[again], LIMIT).await;
    assert_eq!(setup.meta.journal(&line).await.len(), 1);
    setup.shut_down([sender]).await;
}
