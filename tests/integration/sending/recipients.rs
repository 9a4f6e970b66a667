//! Messages to people: contacts, phone numbers, user ids.

use serde_json::{Value, json};

use super::{Setup, text};
use crate::kit::api::Message;
use crate::kit::customer::{Customer, fresh_bsuid, fresh_phone};

fn to(setup: &Setup, recipient: Value, body: &str) -> Value {
    let mut request = text(body);
    request["to"] = recipient;
    request["account_id"] = json!(setup.line.account.id);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_to_a_contact_or_number_finds_the_conversation() {
    let setup = Setup::new().await;
    let phone = format!("+{}", setup.phone);
    for recipient in [json!({"contact_id": setup.conversation.contact_id}), json!({"phone": phone})] {
        let request = to(&setup, recipient, "Hello");
        let sent: Message = setup.tenant.client.post("/crm/messages", &request).await.body(202);
        assert_eq!(sent.conversation_id, setup.conversation.id);
        setup.tenant.wait_for_status(&sent, "delivered").await;
    }
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_known_by_user_id_only_gets_it_in_recipient() {
    let setup = Setup::new().await;
    let bsuid = fresh_bsuid();
    setup.meta.post("/customers", &json!({"phone": fresh_phone(), "bsuid": bsuid, "phone_hidden": true})).await;
    let customer = Customer::with_bsuid(&bsuid);
    let delivery = setup.line.number.received(&customer, &[customer.text(0, "Hi")]);
    setup.app.process(&delivery).await;
    let request = to(&setup, json!({"bsuid": bsuid}), "Hello");
    let sent: Message = setup.tenant.client.post("/crm/messages", &request).await.body(202);
    let journal = crate::kit::wait::until("the message", async || {
        let journal = setup.meta.journal(&setup.line).await;
        journal.first().cloned()
    })
    .await;
    assert_eq!((journal.recipient.as_deref(), journal.to.as_deref()), (Some(bsuid.as_str()), None));
    assert_eq!(sent.direction, "outbound");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_person_needs_a_template() {
    let setup = Setup::new().await;
    let request = to(&setup, json!({"phone": format!("+{}", fresh_phone())}), "Hello");
    setup.tenant.client.post("/crm/messages", &request).await.problem(409, "window_closed");
    let contacts: Value = setup.tenant.client.get("/crm/contacts").await.json(200);
    assert_eq!(contacts["data"].as_array().unwrap().len(), 1, "nothing was stored");
    for (recipient, pointer) in [
        (json!({}), "/to"),
        (json!({"phone": "12"}), "/to/phone"),
        (json!({"bsuid": "15550100"}), "/to/bsuid"),
        (json!({"contact_id": setup.conversation.id}), "/to/contact_id"),
        (json!({"phone": "+15550100001", "bsuid": "US.1"}), "/to"),
    ] {
        let request = to(&setup, recipient, "Hello");
        let problem = setup.tenant.client.post("/crm/messages", &request).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer);
    }
    let mut request = to(&setup, json!({"contact_id": setup.conversation.contact_id}), "Hello");
    request["account_id"] = json!(setup.conversation.id);
    let problem = setup.tenant.client.post("/crm/messages", &request).await.problem(422, "validation_failed");
    assert_eq!(problem.pointer(), "/account_id");
    setup.app.finish().await;
}
