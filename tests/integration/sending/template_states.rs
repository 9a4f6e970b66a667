//! Templates that Meta stops, disables or approves again while messages with them wait.

use chrono::TimeDelta;
use kernel::Clock as _;
use serde_json::{Value, json};

use super::Setup;
use crate::kit::api::{Message, Sending, WhatsAppAccount};
use crate::kit::sandbox::Line;

const TEMPLATE: &str = "hello_world";
const LANGUAGE: &str = "en_US";

impl Setup {
    async fn with_template() -> Self {
        let setup = Self::new().await;
        setup.meta.post(&format!("/wabas/{}/sample_templates", setup.line.number.waba_id), &json!({})).await;
        setup.tenant.client.post("/templates/sync", &json!({})).await.expect(200);
        setup
    }

    async fn send_template(&self, later: TimeDelta) -> Message {
        let send_at = (self.app.clock.now() + later).to_rfc3339();
        let template = json!({"name": TEMPLATE, "language": LANGUAGE});
        let request = json!({"type": "template", "template": template, "send_at": send_at});
        self.tenant.send(&self.conversation, &request).await
    }

    /// Delivers Meta's event about the status of the template.
    async fn tell_status(&self, event: &str) {
        let templates: Vec<Value> = self.tenant.client.list("/templates?limit=100").await;
        let template = templates.iter().find(|template| template["name"] == TEMPLATE).expect("it is known");
        let id: u64 = template["meta_id"].as_str().unwrap().parse().unwrap();
        let value = json!({"event": event, "message_template_id": id, "reason": "NONE"});
        let change = json!({"field": "message_template_status_update", "value": value});
        let time = self.app.clock.now().timestamp() + 1;
        let entry = json!({"id": self.line.number.waba_id, "time": time, "changes": [change]});
        self.app.process(&json!({"object": "whatsapp_business_account", "entry": [entry]})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn template_paused_before_departure_holds_the_message() {
    let setup = Setup::with_template().await;
    let sent = setup.send_template(TimeDelta::minutes(10)).await;
    setup.tell_status("PAUSED").await;
    setup.app.clock.advance(TimeDelta::minutes(11));
    setup.tenant.wait_for_status(&sent, "held").await;
    assert!(setup.meta.journal(&setup.line).await.is_empty());

    setup.tell_status("REINSTATED").await;
    // A template that waits is looked at once a minute.
    setup.app.clock.advance(TimeDelta::minutes(2));
    setup.tenant.wait_for_status(&sent, "delivered").await;
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn template_disabled_before_departure_fails_the_message() {
    let setup = Setup::with_template().await;
    let sent = setup.send_template(TimeDelta::minutes(10)).await;
    setup.tell_status("DISABLED").await;
    setup.app.clock.advance(TimeDelta::minutes(11));
    let failed = setup.tenant.wait_for_status(&sent, "failed").await;
    let error = failed.error.unwrap();
    assert_eq!((error.class.as_str(), error.code, failed.may_have_been_sent), ("template_stopped", None, false));
    assert!(setup.meta.journal(&setup.line).await.is_empty(), "Meta was not asked");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_ends_the_pause_of_a_template() {
    let setup = Setup::with_template().await;
    setup.meta.fault(&setup.line, json!({"fault": "error", "code": 132_015, "count": 1})).await;
    let refused = setup.send_template(TimeDelta::minutes(1)).await;
    let waiting = setup.send_template(TimeDelta::minutes(2)).await;
    setup.app.clock.advance(TimeDelta::seconds(61));
    setup.tenant.wait_for_status(&refused, "failed").await;
    setup.app.clock.advance(TimeDelta::seconds(61));
    setup.tenant.wait_for_status(&waiting, "held").await;

    setup.tell_status("APPROVED").await;
    setup.tenant.wait_for_status(&waiting, "delivered").await;
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_of_a_business_account_is_of_all_its_numbers() {
    let setup = Setup::new().await;
    let Setup { meta, app, tenant, line, conversation, .. } = &setup;
    let second = meta.second_line(app.client.base(), tenant, line).await;
    let foreign = meta.line(app, tenant).await;
    meta.fault(line, json!({"fault": "error", "code": 368, "count": 1})).await;
    let refused = tenant.send_text(conversation, "Hello").await;
    tenant.wait_for_status(&refused, "held").await;
    let (_, other) = meta.conversation(tenant, &second).await;
    let held = tenant.send_text(&other, "Hello").await;
    tenant.wait_for_status(&held, "held").await;
    let sending = async |line: &Line| -> Sending {
        let account: WhatsAppAccount = tenant.client.read(&format!("/whatsapp-accounts/{}", line.account.id)).await;
        account.sending
    };
    assert_eq!((sending(&second).await.state.as_str(), sending(&foreign).await.state.as_str()), ("paused", "ready"));

    let resume = format!("/whatsapp-accounts/{}/resume", second.account.id);
    tenant.client.post(&resume, &json!({})).await.expect(200);
    for message in [&refused, &held] {
        tenant.wait_for_status(message, "delivered").await;
    }
    assert_eq!(sending(line).await.state, "ready");
    setup.app.finish().await;
}
