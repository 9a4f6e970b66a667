//! Threads that another app controls.

use serde_json::json;

use super::super::kinds;
use crate::kit::api::{Reaction, column};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::{second, time};

#[tokio::test(flavor = "multi_thread")]
async fn standby_messages_are_readable() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let question = ada.text(10, "Is it open?");
    let answer = ada.echo(20, "text", json!({"body": "Until six"}));
    let standby = json!({
        "contacts": [ada.entry()], "messages": [question], "message_echoes": [answer.clone()],
        "statuses": [ada.status(30, wamid(&answer), "read")],
    });
    app.process(&number.change("standby", standby)).await;
    let thanks = ada.message(40, "reaction", json!({"message_id": wamid(&answer), "emoji": "🙏"}));
    app.process(&number.change("standby", json!({"contacts": [ada.entry()], "messages": [thanks]}))).await;

    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!((conversation.read_only, conversation.unread_count), (true, 0));
    assert_eq!(conversation.last_message_preview, "Reacted with 🙏");
    assert_eq!(conversation.service_window_ends_at, Some(time(10 + 24 * 3_600)));
    let messages = tenant.messages(&conversation).await;
    assert_eq!(column(&messages, |it| &it.origin), ["standby", "standby"]);
    assert_eq!(column(&messages, |it| &it.direction), ["outbound", "inbound"]);
    assert_eq!(messages[0].delivery_status.as_deref(), Some("read"));
    assert_eq!(messages[0].reactions, [Reaction::by_contact("🙏", &conversation.contact_id)]);
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["reaction", "outbound_message", "inbound_message"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handover_is_recorded_at_named_number() {
    let app = TestApp::start_with_pipeline().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    // The older number of the business account belongs to another tenant.
    let older = other.connect().await;
    let number = older.sibling();
    tenant.connect_number(&number).await;
    let ada = Customer::fresh();
    app.process(&number.received(&ada, &[ada.text(10, "Hi")])).await;
    let rows = [
        (
            "control_passed",
            json!({"previous_owner_role": "PRIMARY", "new_owner_role": "META_BUSINESS_AGENT"}),
            "The conversation was passed on (from primary to meta business agent)",
        ),
        ("control_taken", json!({"new_owner_role": "primary"}), "The conversation was taken over (to primary)"),
        ("control_lost", json!({}), "The conversation has another owner"),
    ];
    for (at, (kind, owners, _)) in (20..).zip(&rows) {
        let mut value = json!({
            "messaging_product": "whatsapp", "timestamp": second(at).to_string(), "type": kind,
            "recipient": {"display_phone_number": "15550000000", "phone_number_id": number.phone_number_id},
            "sender": {"phone_number": ada.phone},
        });
        value[*kind] = owners.clone();
        app.process(&number.account_change(at, "messaging_handovers", &value)).await;
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let interactions = tenant.interactions(&contact).await;
    assert_eq!(kinds(&interactions), ["notice", "notice", "notice", "inbound_message"]);
    assert_eq!(column(&interactions, |it| &it.text), [rows[2].2, rows[1].2, rows[0].2, "Hi"]);
    assert_eq!(interactions[2].occurred_at, time(20));
    // A handover is not a message.
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!((conversation.unread_count, tenant.messages(&conversation).await.len()), (1, 1));
    assert_eq!(other.contacts().await, []);
    app.finish().await;
}
