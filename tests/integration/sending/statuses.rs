//! The statuses of sent messages: before the answer, twice, reversed, contradictory, or never.

use serde_json::{Value, json};

use crate::kit::api::Message;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::sandbox::{Line, MetaSandbox};
use crate::kit::wait;

struct Fixture {
    meta: MetaSandbox,
    app: TestApp,
    tenant: TestTenant,
    line: Line,
}

impl Fixture {
    async fn new() -> Self {
        let meta = MetaSandbox::start();
        let app = meta.app().await;
        let tenant = app.tenant().await;
        let line = meta.line(&app, &tenant).await;
        Self { meta, app, tenant, line }
    }

    /// Sends a message that meets these faults; returns it after all its statuses are processed.
    async fn send_with(&self, faults: &[Value]) -> Message {
        let (phone, conversation) = self.meta.conversation(&self.tenant, &self.line).await;
        for fault in faults {
            let mut fault = fault.clone();
            fault["to"] = format!("+{phone}").into();
            self.meta.fault(&self.line, fault).await;
        }
        let sent = self.tenant.send_text(&conversation, "Hello").await;
        wait::until("the answer and all statuses", async || {
            let now = self.tenant.read_message(&sent.id).await;
            let is_called = !matches!(now.status.as_deref(), Some("queued" | "sending"));
            (is_called && self.meta.is_quiet().await).then_some(())
        })
        .await;
        self.app.wait_until_processed().await;
        self.tenant.read_message(&sent.id).await
    }
}

/// What people see of a message.
fn shown(message: &Message) -> (Option<&str>, bool, Option<i64>) {
    (message.status.as_deref(), message.may_have_been_sent, message.error.as_ref().and_then(|error| error.code))
}

/// With a clear answer and with an unclear one: the statuses alone say what became of the message.
#[tokio::test(flavor = "multi_thread")]
async fn statuses_in_any_order_end_alike() {
    let it = Fixture::new().await;
    let rows = [
        (json!({"fault": "status_before_answer"}), ("delivered", None)),
        (json!({"fault": "statuses_twice"}), ("delivered", None)),
        (json!({"fault": "statuses_reversed"}), ("delivered", None)),
        (json!({"fault": "failed_then_delivered", "code": 131_026}), ("delivered", None)),
        (json!({"fault": "delivered_then_failed", "code": 131_026}), ("delivered", None)),
        (json!({"fault": "failed_status", "code": 131_026}), ("failed", Some(131_026))),
        (json!({"fault": "failed_status", "code": 131_026, "after_sent": true}), ("failed", Some(131_026))),
    ];
    for (statuses, (status, code)) in rows {
        for answer in [None, Some(json!({"fault": "reset_after_accept"}))] {
            let faults: Vec<Value> = std::iter::once(statuses.clone()).chain(answer).collect();
            let message = it.send_with(&faults).await;
            assert_eq!(shown(&message), (Some(status), false, code), "{faults:?}");
            assert!(message.wamid.is_some(), "{faults:?}");
        }
    }
    assert_eq!(it.meta.journal(&it.line).await.len(), 14);
    it.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_without_statuses_is_what_the_answer_says() {
    let it = Fixture::new().await;
    let none = json!({"fault": "no_statuses"});
    let accepted = it.send_with(std::slice::from_ref(&none)).await;
    assert_eq!(shown(&accepted), (Some("accepted"), false, None));
    let unclear = it.send_with(&[none, json!({"fault": "reset_after_accept"})]).await;
    assert_eq!(shown(&unclear), (Some("unknown"), true, None));
    it.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_without_opaque_data_need_the_answer() {
    let it = Fixture::new().await;
    let without = json!({"fault": "without_opaque_data"});
    let delivered = it.send_with(std::slice::from_ref(&without)).await;
    assert_eq!(shown(&delivered), (Some("delivered"), false, None));
    // Neither the answer nor a status names the message.
    let unclear = it.send_with(&[without, json!({"fault": "reset_after_accept"})]).await;
    assert_eq!(shown(&unclear), (Some("unknown"), true, None));
    it.app.finish().await;
}
