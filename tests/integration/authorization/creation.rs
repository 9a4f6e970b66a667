//! Each creating operation, sent repeatedly.

use reqwest::Method;
use serde_json::{Value, json};
use tokens::KeyScope;

use super::document::{Access, list_of, operations};
use super::fixture::{Tenant, UNKNOWN};
use super::send;
use crate::kit::operators;
use crate::kit::sandbox::MetaSandbox;

fn kept(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A secret is shown once: what is kept of a response is without it.
fn without_secret(text: &str) -> Value {
    let mut body = kept(text);
    if let Some(secret) = body.get_mut("secret") {
        *secret = Value::Null;
    }
    body
}

/// A request with an idempotency key runs once; the key with another body is refused.
#[tokio::test(flavor = "multi_thread")]
async fn creating_operations_are_idempotent() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = Tenant::populated(&app, &meta).await;
    let (_, _, operator) = operators::key(&app, KeyScope::ALL, None).await;
    let document = app.client.get("/openapi.json").await.json(200);
    let mut wrong = Vec::new();
    let mut tried = 0;
    // A form is not JSON: `media` repeats an upload.
    for operation in operations(&document).iter().filter(|it| it.takes_key && it.id != "uploadMedia") {
        assert_eq!(operation.method, Method::POST, "{operation}");
        tried += 1;
        let path = tenant.path(&document, operation).await;
        let mut body = operation.body().unwrap_or_else(|| json!({}));
        for (name, value) in body.as_object_mut().into_iter().flatten().filter(|(_, value)| **value == UNKNOWN) {
            if let Some(list) = list_of(name) {
                *value = json!(tenant.first(list).await);
            }
        }
        let sender = if operation.access == Access::Operator { &operator } else { &tenant.client };
        let client = sender.with("idempotency-key", "creation-test");
        let first = send(&client, operation, &path, Some(&body)).await;
        if !matches!(first.status.as_u16(), 201 | 202) {
            wrong.push(format!("{operation}: the example does not create anything: {}", first.text));
            continue;
        }
        let again = send(&client, operation, &path, Some(&body)).await;
        if (again.status, kept(&again.text)) != (first.status, without_secret(&first.text))
            || again.header("idempotency-replayed") != "true"
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
