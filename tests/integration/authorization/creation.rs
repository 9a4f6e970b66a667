//! Each creating operation, sent repeatedly.

use reqwest::Method;
use serde_json::json;
use tokens::KeyScope;

use super::document::{Access, Operation, operations};
use super::fixture::Tenant;
use super::send;
use crate::kit::app::{Settings, TestApp};
use crate::kit::operators;

/// They need a number that can send: `sending::records::request_with_a_key_sends_once`.
const SENDING: [&str; 2] = ["sendMessage", "sendMessageTo"];

/// A request with an idempotency key runs once; the key with another body is refused.
#[tokio::test(flavor = "multi_thread")]
async fn creating_operations_are_idempotent() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = Tenant::populated(&app).await;
    let (_, _, operator) = operators::key(&app, KeyScope::ALL, None).await;
    let document = app.client.get("/openapi.json").await.json(200);
    let mut wrong = Vec::new();
    let mut tried = 0;
    let others = |operation: &&Operation| !SENDING.contains(&operation.id.as_str());
    for operation in operations(&document).iter().filter(|it| it.takes_key).filter(others) {
        assert_eq!(operation.method, Method::POST, "{operation}");
        tried += 1;
        let path = tenant.path(&document, operation).await;
        let body = operation.body().unwrap_or_else(|| json!({}));
        let sender = if operation.access == Access::Operator { &operator } else { &tenant.client };
        let client = sender.with("idempotency-key", "creation-test");
        let first = send(&client, operation, &path, Some(&body)).await;
        if first.status != 201 {
            wrong.push(format!("{operation}: the example does not create anything: {}", first.text));
            continue;
        }
        let again = send(&client, operation, &path, Some(&body)).await;
        if (again.status, &again.text) != (first.status, &first.text) || again.header("idempotency-replayed") != "true"
        {
            wrong.push(format!("{operation}: {} / {} {}", first.text, again.status, again.text));
        }
        // A body that differs in one byte is another request.
        let client = client.with("content-type", "application/json");
        let other = client.send(Method::POST, &path, Some(format!("{body} ").into_bytes())).await;
        if other.status != 422 || !other.text.contains("idempotency_key_reused") {
            wrong.push(format!("{operation}: another body is answered {} {}", other.status, other.text));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(tried >= 3, "{tried} operations create something");
    app.finish().await;
}
