//! Messages that a program sends with an API key.

use serde_json::{Value, json};

use super::{Setup, text};
use crate::kit::api::Message;

#[tokio::test(flavor = "multi_thread")]
async fn program_sends_with_an_idempotency_key_only() {
    let setup = Setup::new().await;
    let body = json!({"name": "Bot", "permissions": ["messages:send"]});
    let made: Value = setup.tenant.client.post("/api-keys", &body).await.json(201);
    let program = setup.app.client.with_token(made["secret"].as_str().unwrap());
    let to = json!({
        "to": {"phone": setup.phone}, "account_id": setup.line.account.id, "type": "text", "text": {"body": "Hi"},
    });
    for (path, body) in [(setup.messages_path(), text("Hi")), ("/crm/messages".to_owned(), to)] {
        program.post(&path, &body).await.problem(400, "idempotency_key_required");
    }
    // Sending does not include reading.
    program.get("/crm/contacts").await.problem(403, "insufficient_scope");
    let keyed = program.with("idempotency-key", "answer-1");
    let sent: Message = keyed.post(&setup.messages_path(), &text("From a program")).await.body(202);
    let again = keyed.post(&setup.messages_path(), &text("From a program")).await;
    assert_eq!(again.body::<Message>(202).id, sent.id);
    let sender = sent.sender.clone().expect("a sender");
    assert_eq!((sender.kind.as_str(), sender.id.as_deref()), ("api_key", made["id"].as_str()));
    setup.tenant.wait_for_status(&sent, "delivered").await;
    assert_eq!(setup.meta.journal(&setup.line).await.len(), 1);
    let history = format!("/crm/contacts/{}/interactions", setup.conversation.contact_id);
    let history: Value = setup.tenant.client.get(&history).await.json(200);
    let line = history["data"].as_array().unwrap().iter().find(|line| line["kind"] == "outbound_message").unwrap();
    assert_eq!((&line["actor_id"], &line["api_key_id"]), (&Value::Null, &made["id"]));
    setup.app.finish().await;
}
