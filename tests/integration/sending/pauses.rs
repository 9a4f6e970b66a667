//! What refusals of Meta's stop, how the account shows it, and what ends it.

use chrono::TimeDelta;
use serde_json::json;

use super::Setup;
use crate::kit::api::{AuditRecord, Contact, Page, Sending, WhatsAppAccount};
use crate::kit::wait;

impl Setup {
    fn path(&self) -> String {
        format!("/whatsapp-accounts/{}", self.line.account.id)
    }

    async fn account(&self) -> WhatsAppAccount {
        self.tenant.client.read(&self.path()).await
    }

    async fn sending(&self) -> Sending {
        let shown = self.account().await.sending;
        assert_eq!(self.tenant.accounts().await[0].sending, shown, "the list shows the same");
        shown
    }

    async fn check(&self) {
        self.tenant.client.post(&format!("{}/check", self.path()), &json!({})).await.json(200);
    }

    async fn resume(&self) -> WhatsAppAccount {
        self.tenant.client.post(&format!("{}/resume", self.path()), &json!({})).await.body(200)
    }

    async fn resumptions(&self) -> usize {
        let log: Page<AuditRecord> = self.tenant.client.read("/audit-log?limit=100").await;
        log.data.iter().filter(|record| record.action == "whatsapp_account.resumed").count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_number_is_resumed_by_a_person_and_audited() {
    let setup = Setup::new().await;
    let Setup { meta, app, tenant, line, conversation, .. } = &setup;
    meta.fault(line, json!({"fault": "error", "code": 131_031, "count": 1})).await;
    let sent = tenant.send_text(conversation, "Hello").await;
    tenant.wait_for_status(&sent, "held").await;
    let paused = setup.sending().await;
    assert_eq!((paused.state.as_str(), paused.until.as_deref()), ("paused", None));
    assert!(paused.reason.unwrap().contains("locked") && paused.advice.is_some());
    // What is wanted meanwhile waits, too.
    let further = tenant.send_text(conversation, "Anyone there?").await;
    tenant.wait_for_status(&further, "held").await;
    let other = app.tenant().await;
    other.client.post(&format!("{}/resume", setup.path()), &json!({})).await.problem(404, "not_found");

    assert_eq!(setup.resume().await.sending.state, "ready");
    for message in [&sent, &further] {
        tenant.wait_for_status(message, "delivered").await;
    }
    let texts: Vec<String> =
        meta.journal(line).await.iter().map(|entry| entry.body["text"]["body"].to_string()).collect();
    assert_eq!(texts, ["\"Hello\"", "\"Anyone there?\""]);
    setup.resume().await;
    assert_eq!(setup.resumptions().await, 1, "without a pause nothing is resumed");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_token_pauses_until_another_is_valid() {
    let setup = Setup::new().await;
    let Setup { meta, tenant, line, conversation, .. } = &setup;
    let number = format!("/numbers/{}", line.number.phone_number_id);
    meta.patch(&number, &json!({"token_error": 463})).await;
    let sent = tenant.send_text(conversation, "Hello").await;
    tenant.wait_for_status(&sent, "held").await;
    let paused = setup.sending().await;
    assert_eq!((paused.state.as_str(), paused.until), ("paused", None));
    assert_eq!(paused.reason.as_deref(), Some("Meta refused the access token: code 190"));
    setup.check().await;
    assert_eq!(setup.sending().await.state, "paused", "the token is still refused");

    // Tokens are told apart by when they were entered.
    setup.app.clock.advance(TimeDelta::seconds(1));
    meta.patch(&number, &json!({"token_error": null, "tokens": ["EAAnext"]})).await;
    setup.check().await;
    assert_eq!(setup.sending().await.state, "paused", "Meta does not know the stored token");
    let account: WhatsAppAccount =
        tenant.client.patch(&setup.path(), &json!({"access_token": "EAAnext"})).await.body(200);
    assert_eq!((account.sending.state.as_str(), account.sending.reason), ("ready", None));
    tenant.wait_for_status(&sent, "delivered").await;
    assert_eq!(meta.journal(line).await.len(), 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_ends_a_pause_only_if_meta_says_that_all_is_well() {
    let setup = Setup::new().await;
    let Setup { meta, tenant, line, conversation, .. } = &setup;
    let waba = format!("/wabas/{}", line.number.waba_id);
    meta.fault(line, json!({"fault": "error", "code": 368, "count": 1})).await;
    meta.patch(&waba, &json!({"can_send_message": "BLOCKED"})).await;
    let sent = tenant.send_text(conversation, "Hello").await;
    tenant.wait_for_status(&sent, "held").await;
    setup.check().await;
    assert_eq!(setup.sending().await.state, "paused");
    meta.patch(&waba, &json!({"can_send_message": "AVAILABLE"})).await;
    setup.check().await;
    assert_eq!(setup.sending().await.state, "ready");
    tenant.wait_for_status(&sent, "delivered").await;
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unregistered_number_is_known_from_a_refusal() {
    let setup = Setup::new().await;
    let Setup { meta, tenant, line, conversation, .. } = &setup;
    meta.fault(line, json!({"fault": "error", "code": 133_010, "count": 1})).await;
    let sent = tenant.send_text(conversation, "Hello").await;
    tenant.wait_for_status(&sent, "held").await;
    assert_eq!(setup.sending().await.state, "paused");
    let path = format!("/crm/conversations/{}/messages", conversation.id);
    let text = json!({"type": "text", "text": {"body": "More"}});
    tenant.client.post(&path, &text).await.problem(409, "channel_not_ready");
    setup.check().await;
    assert_eq!(setup.sending().await.state, "ready", "Meta says that it is registered");
    tenant.wait_for_status(&sent, "delivered").await;
    tenant.client.post(&path, &text).await.expect(202);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpaid_account_in_a_status_holds_only_what_is_charged() {
    let setup = Setup::new().await;
    let Setup { meta, tenant, line, conversation, .. } = &setup;
    meta.fault(line, json!({"fault": "failed_status", "code": 131_042, "count": 1})).await;
    let failed = tenant.send_text(conversation, "Hello").await;
    let failed = tenant.wait_for_status(&failed, "failed").await;
    assert_eq!(failed.error.unwrap().class, "payment");
    let limited = setup.sending().await;
    assert_eq!((limited.state.as_str(), limited.until), ("ready", None));
    assert!(limited.reason.unwrap().contains("cannot charge") && limited.advice.is_some());
    // An answer costs nothing.
    let sent = tenant.send_text(conversation, "Hello again").await;
    tenant.wait_for_status(&sent, "delivered").await;
    let resumed = setup.resume().await.sending;
    assert_eq!((resumed.state.as_str(), resumed.reason), ("ready", None));
    assert_eq!(setup.resumptions().await, 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opt_out_in_a_status_withdraws_the_consent() {
    let setup = Setup::new().await;
    let Setup { meta, tenant, line, conversation, .. } = &setup;
    meta.fault(line, json!({"fault": "failed_status", "code": 131_050, "count": 2})).await;
    for text in ["One", "Two"] {
        let sent = tenant.send_text(conversation, text).await;
        tenant.wait_for_status(&sent, "failed").await;
    }
    let contact: Contact = wait::until("the consent", async || {
        let contact = tenant.contact(&conversation.contact_id).await;
        (contact.marketing_consent == "withdrawn").then_some(contact)
    })
    .await;
    let entries = tenant.interactions(&contact).await;
    let told = entries.iter().filter(|entry| entry.text == "Wants no marketing messages").count();
    assert_eq!(told, 2, "one entry for each message, as Meta told it twice");
    assert_eq!(setup.sending().await.reason, None);
    setup.app.finish().await;
}
