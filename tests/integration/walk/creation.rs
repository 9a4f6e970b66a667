//! Each operation that creates something, sent again.

use reqwest::Method;
use serde_json::json;

use super::document::operations;
use super::send;
use super::world::Tenant;
use crate::kit::app::{Settings, TestApp};

/// With a key each is carried out once; with another body the key is refused.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_creates_can_be_sent_again() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = Tenant::with_a_world(&app).await;
    let document = app.client.get("/openapi.json").await.json(200);
    let mut wrong = Vec::new();
    let mut tried = 0;
    for operation in operations(&document).iter().filter(|it| it.takes_key) {
        assert_eq!(operation.method, Method::POST, "{operation}");
        tried += 1;
        let path = tenant.path(&document, operation).await;
        let body = operation.body().unwrap_or_else(|| json!({}));
        let client = tenant.client.with("idempotency-key", "walk");
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
        // To the letter it is another one.
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
