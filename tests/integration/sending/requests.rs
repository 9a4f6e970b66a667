//! What is refused when a message is to be sent, and idempotency.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Setup, text};
use crate::kit::api::Message;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn invalid_request_names_each_error_and_sends_nothing() {
    let setup = Setup::new().await;
    let path = setup.messages_path();
    let rows: [(Value, &str); 14] = [
        (json!({}), "/type"),
        (json!({"type": "telegram"}), "/type"),
        (json!({"type": "text"}), "/text"),
        (text(""), "/text/body"),
        (text(&"x".repeat(4_097)), "/text/body"),
        (json!({"type": "text", "text": {"body": "a", "bold": true}}), "/text/bold"),
        (json!({"type": "text", "text": {"body": "a"}, "colour": "red"}), "/colour"),
        (json!({"type": "text", "text": {"body": "a"}, "send_at": "2026-11-29T10:00:00"}), "/send_at"),
        (json!({"type": "text", "text": {"body": "a"}, "send_before": "2020-01-01T00:00:00Z"}), "/send_before"),
        (json!({"type": "text", "text": {"body": "a"}, "on_unknown": "guess"}), "/on_unknown"),
        (json!({"type": "text", "text": {"body": "a"}, "client_ref": "x".repeat(201)}), "/client_ref"),
        (json!({"type": "text", "text": {"body": "a"}, "reply_to": setup.conversation.id}), "/reply_to"),
        (json!({"type": "location", "location": {"latitude": 91, "longitude": 0}}), "/location/latitude"),
        (
            json!({"type": "interactive", "interactive": {"type": "button", "body": {"text": "Which?"}, "action": {"buttons": [
                {"type": "reply", "reply": {"id": "1", "title": "A title of more than twenty"}}]}}}),
            "/interactive/action/buttons/0/reply/title",
        ),
    ];
    for (body, pointer) in rows {
        let problem = setup.tenant.client.post(&path, &body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{body}");
    }
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 0);
    let messages: Value = setup.tenant.client.get(&path).await.json(200);
    assert_eq!(messages["data"].as_array().unwrap().len(), 1, "only the customer's");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_request_sends_one_message() {
    let setup = Setup::new().await;
    let client = setup.tenant.client.with("idempotency-key", "answer-1");
    let first = client.post(&setup.messages_path(), &text("Once")).await;
    let again = client.post(&setup.messages_path(), &text("Once")).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let (first, again): (Message, Message) = (first.body(202), again.body(202));
    assert_eq!(first.id, again.id);
    client.post(&setup.messages_path(), &text("Twice")).await.problem(422, "idempotency_key_reused");
    setup.tenant.wait_for_status(&first, "delivered").await;
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 1);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_window_refuses_a_free_answer() {
    let setup = Setup::new().await;
    setup.app.clock.advance(TimeDelta::hours(25));
    let tenant = setup.tenant.log_in_again(&setup.app).await;
    tenant.client.post(&setup.messages_path(), &text("Too late")).await.problem(409, "window_closed");
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 0);
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_without_token_is_not_ready() {
    let setup = Setup::new().await;
    let path = format!("/whatsapp-accounts/{}", setup.line.account.id);
    setup.tenant.client.patch(&path, &json!({"access_token": null})).await.expect(200);
    let answer = setup.tenant.client.post(&setup.messages_path(), &text("Hi")).await;
    assert!(answer.text.contains("\"advice\":\""), "{}", answer.text);
    answer.problem(409, "channel_not_ready");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_conversation_is_opened_by_an_answer() {
    let setup = Setup::new().await;
    let path = format!("/crm/conversations/{}", setup.conversation.id);
    let close = json!({"version": setup.conversation.version, "status": "closed"});
    setup.tenant.client.patch(&path, &close).await.expect(200);
    let sent = setup.tenant.send_text(&setup.conversation, "One more thing").await;
    assert_eq!(sent.conversation_id, setup.conversation.id);
    let now: Value = setup.tenant.client.get(&path).await.json(200);
    assert_eq!((now["status"].as_str(), now["last_message_preview"].as_str()), (Some("open"), Some("One more thing")));

    // A newer conversation is open: the old one cannot be opened again by an answer.
    let close = json!({"version": now["version"], "status": "closed"});
    setup.tenant.client.patch(&path, &close).await.expect(200);
    setup.meta.write(&setup.line, &setup.phone, "Hello again").await;
    let newer = wait::until("the newer conversation", async || {
        let list: Value = setup.tenant.client.get("/crm/conversations?status=open").await.json(200);
        list["data"].as_array()?.first().map(|it| it["id"].as_str().unwrap().to_owned())
    })
    .await;
    let answer = setup.tenant.client.post(&setup.messages_path(), &text("Hi")).await;
    assert!(answer.text.contains(&newer), "{}", answer.text);
    answer.problem(409, "newer_conversation");
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_conversation_does_not_exist() {
    let setup = Setup::new().await;
    let other = setup.app.tenant().await;
    let sent = setup.tenant.send_text(&setup.conversation, "Ours").await;
    other.client.post(&setup.messages_path(), &text("Theirs")).await.problem(404, "not_found");
    for path in ["", "/attempts"] {
        other.client.get(&format!("/crm/messages/{}{path}", sent.id)).await.problem(404, "not_found");
    }
    for path in ["resend", "dismiss", "cancel"] {
        let path = format!("/crm/messages/{}/{path}", sent.id);
        other.client.post(&path, &json!({})).await.problem(404, "not_found");
    }
    setup.tenant.wait_for_status(&sent, "delivered").await;
    setup.app.finish().await;
}
