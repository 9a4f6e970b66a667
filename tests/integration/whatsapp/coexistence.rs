//! Events other than messages and statuses of customers.

use serde_json::json;

use super::kinds;
use crate::kit::api::{Resource as _, column};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::{second, time};

#[tokio::test(flavor = "multi_thread")]
async fn echo_becomes_outbound_message() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let echo = ada.echo(10, "text", json!({"body": "From the phone"}));
    app.process(&number.echoes(std::slice::from_ref(&echo))).await;
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!((conversation.unread_count, conversation.service_window_ends_at.as_deref()), (0, None));
    let message = tenant.message(&conversation, wamid(&echo)).await;
    assert_eq!((message.direction.as_str(), message.origin.as_str()), ("outbound", "native_app"));
    assert_eq!((message.text.as_str(), message.delivery_status.as_deref()), ("From the phone", Some("sent")));

    let revoke = ada.echo(20, "revoke", json!({"original_message_id": wamid(&echo)}));
    app.process(&number.echoes(&[revoke])).await;
    let message = tenant.message(&conversation, wamid(&echo)).await;
    assert_eq!((message.revoked_at.as_deref(), message.text.as_str()), (Some(time(20).as_str()), "Message deleted"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_import_marks_nothing_unread() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let received = ada.text(10, "Long ago");
    let mut answered = ada.echo(20, "text", json!({"body": "An answer"}));
    answered["history_context"] = json!({"status": "READ"});
    app.process(&number.history(&[(&ada, &[received.clone(), answered.clone()])])).await;
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!((conversation.unread_count, conversation.last_message_preview.as_str()), (0, "An answer"));
    let messages = tenant.messages(&conversation).await;
    assert_eq!(column(&messages, |it| &it.origin), ["history", "history"]);
    assert_eq!(column(&messages, |it| &it.direction), ["outbound", "inbound"]);
    assert_eq!(messages[0].delivery_status.as_deref(), Some("read"));
    // The business declined the history import.
    app.process(&number.change("history", json!({"history": [{"errors": [{"code": 2_593_109}]}]}))).await;
    let account = tenant.accounts().await.remove(0);
    assert!(account.health["history"].is_object(), "{account:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn address_book_sync_neither_renames_nor_deletes() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let sync = |at: i64, action: &str| {
        let contact = json!({"full_name": "Ada of the office", "phone_number": "4915550100"});
        let entry = json!({"type": "contact", "contact": contact, "action": action,
                           "metadata": {"timestamp": second(at).to_string()}});
        number.change("smb_app_state_sync", json!({"state_sync": [entry]}))
    };
    app.process(&sync(20, "add")).await;
    app.process(
        &number.received(&Customer::with_phone("4915550100"), &[Customer::with_phone("4915550100").text(30, "Hi")]),
    )
    .await;
    app.process(&sync(40, "remove")).await;
    let contact = tenant.contact_by_identity("phone", "4915550100").await;
    assert_eq!(contact.display_name, "Ada of the office");
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["address_book", "inbound_message", "address_book"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_consent_counts_in_any_order() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for (order, expected) in
        [([(10, "stop"), (20, "resume")], "granted"), ([(20, "stop"), (10, "resume")], "withdrawn")]
    {
        let ada = Customer::fresh();
        for (at, value) in order {
            let preference = json!({"wa_id": ada.phone(), "user_id": ada.bsuid(), "category": "marketing_messages",
                              "value": value, "detail": "x", "timestamp": second(at)});
            app.process(&number.change("user_preferences", json!({"user_preferences": [preference]}))).await;
        }
        let contact = tenant.contact_by_identity("phone", ada.phone()).await;
        assert_eq!(contact.marketing_consent, expected);
        assert_eq!(kinds(&tenant.interactions(&contact).await), ["consent_changed", "consent_changed"]);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thread_held_by_other_app_is_read_only() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let standby = json!({"contacts": [ada.entry()], "messages": [ada.text(10, "To the agent")]});
    app.process(&number.change("standby", standby)).await;
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!((conversation.read_only, conversation.unread_count), (true, 0));
    app.process(&number.received(&ada, &[ada.text(20, "To you")])).await;
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!((conversation.read_only, conversation.unread_count), (false, 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_is_recorded_and_opens_window() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    app.process(&number.received(&ada, &[ada.text(10, "Call me")])).await;
    let call = json!({"id": "wacid.1", "from": ada.phone(), "from_user_id": ada.bsuid(), "event": "connect",
                      "direction": "USER_INITIATED", "timestamp": second(100).to_string()});
    let status = json!({"id": "wacid.1", "type": "call", "status": "RINGING", "recipient_id": ada.phone(),
                        "timestamp": second(101).to_string()});
    app.process(&number.change("calls", json!({"calls": [call], "statuses": [status]}))).await;
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!(conversation.service_window_ends_at, Some(time(100 + 24 * 3_600)));
    let contact = tenant.contact_by_identity("phone", ada.phone()).await;
    assert_eq!(kinds(&tenant.interactions(&contact).await), ["call", "call", "inbound_message"]);
    assert_eq!(tenant.messages(&conversation).await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn account_events_update_health_others_are_stored() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let account = tenant.accounts().await.remove(0);
    tenant.client.patch(&account.path(), &json!({"display_phone_number": "+1 555 0001"})).await.expect(200);
    let quality = json!({"display_phone_number": "15550001", "event": "FLAGGED", "current_limit": "TIER_1K"});
    app.process(&number.account_change(10, "phone_number_quality_update", &quality)).await;
    app.process(&number.account_change(5, "phone_number_quality_update", &json!({"event": "OLD"}))).await;
    for field in ["message_template_status_update", "flows", "group_lifecycle_update", "never_seen", "message_echoes"] {
        app.process(&number.account_change(20, field, &json!({"event": "X"}))).await;
    }
    app.process(&number.account_change(30, "account_update", &json!({"event": "ACCOUNT_OFFBOARDED"}))).await;
    let account = tenant.accounts().await.remove(0);
    assert_eq!(account.health["quality"], json!({"at": time(10), "detail": quality}));
    assert_eq!((account.status.as_str(), &account.health["connection"]["detail"]), ("disconnected", &json!("lost")));

    app.process(&number.account_change(40, "account_update", &json!({"event": "ACCOUNT_RECONNECTED"}))).await;
    let account = tenant.accounts().await.remove(0);
    assert_eq!(account.status, "active");
    app.finish().await;
}
