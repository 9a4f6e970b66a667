//! Repeated creating requests with an `Idempotency-Key`.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::api::{Resource as _, User};
use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant};
use crate::kit::client::{Client, Response, retry_while_unavailable};
use crate::kit::meta::fresh_digits;
use crate::kit::users::role_of;
use crate::kit::wait;

fn user() -> Value {
    json!({"email": format!("user-{}@example.com", fresh_digits()), "password": PASSWORD})
}

fn keyed(client: &Client, key: &str) -> Client {
    client.with("idempotency-key", key)
}

fn is_replayed(answer: &Response) -> bool {
    answer.header("idempotency-replayed") == "true"
}

async fn count(app: &TestApp, tenant: &TestTenant, table: &str) -> i64 {
    app.database.count(&format!("SELECT count(*) FROM {table} WHERE tenant_id = '{}'", tenant.id)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_request_replays_first_response() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (client, body) = (keyed(&tenant.client, "key-1"), user());
    let first = client.post("/users", &body).await;
    first.expect(201);
    assert!(!is_replayed(&first));
    for _ in 0..2 {
        let again = client.post("/users", &body).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert!(is_replayed(&again));
    }
    assert_eq!(count(&app, &tenant, "users").await, 2);
    // Without the key it is a new request.
    tenant.client.post("/users", &body).await.problem(409, "email_taken");

    client.post("/users", &user()).await.problem(422, "idempotency_key_reused");
    assert_eq!(count(&app, &tenant, "users").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_scoped_to_tenant_user_and_route() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let admin = app.user(&tenant, Some("admin")).await;
    for client in [&tenant.client, &other.client, &admin.client] {
        let answer = keyed(client, "key").post("/users", &user()).await;
        answer.expect(201);
        assert!(!is_replayed(&answer));
    }
    let body = json!({"app_id": fresh_digits(), "app_secret": "secret", "verify_token": "token"});
    keyed(&tenant.client, "key").post("/meta-apps", &body).await.expect(201);
    // A caller who lost the permission does not get the stored response.
    tenant.client.delete(&admin.membership(&role_of(&tenant, "admin").await)).await.expect(204);
    keyed(&admin.client, "key").post("/users", &user()).await.problem(403, "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_is_not_stored() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let client = keyed(&tenant.client, "key");
    let body = user();
    let taken: User = tenant.client.create(&body).await;
    client.post("/users", &body).await.problem(409, "email_taken");
    client.post("/users", &json!({"email": "x"})).await.problem(422, "validation_failed");
    assert_eq!(count(&app, &tenant, "idempotency_keys").await, 0);

    tenant.client.delete(&taken.path()).await.expect(204);
    client.post("/users", &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_key_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for key in ["", "two words", &"x".repeat(256)] {
        keyed(&tenant.client, key).post("/users", &user()).await.problem(400, "invalid_idempotency_key");
    }
    let twice = keyed(&keyed(&tenant.client, "one"), "two");
    twice.post("/users", &user()).await.problem(400, "invalid_idempotency_key");
    assert_eq!(count(&app, &tenant, "users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn response_is_kept_for_a_day() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = user();
    keyed(&tenant.client, "key").post("/users", &body).await.expect(201);
    app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    let tenant = tenant.log_in_again(&app).await;
    assert!(is_replayed(&keyed(&tenant.client, "key").post("/users", &body).await));
    app.clock.advance(TimeDelta::seconds(1));
    let client = keyed(&tenant.client, "key");
    client.post("/users", &body).await.problem(409, "email_taken");
    let other = user();
    client.post("/users", &other).await.expect(201);
    assert!(is_replayed(&client.post("/users", &other).await), "the new response replaces the expired one");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_with_one_key_run_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"app_id": fresh_digits(), "app_secret": "secret", "verify_token": "token"});
    let client = keyed(&tenant.client, "key");
    let answers =
        join_all((0..20).map(|_| retry_while_unavailable(async || client.post("/meta-apps", &body).await))).await;
    let made: Vec<&Response> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert!(made.iter().all(|answer| answer.text == made[0].text));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "request_running");
    }
    assert_eq!(count(&app, &tenant, "meta_apps").await, 1);
}

/// A waiting request would hold a connection, so it is refused at once.
#[tokio::test(flavor = "multi_thread")]
async fn request_during_first_is_refused_at_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"app_id": fresh_digits(), "app_secret": "secret", "verify_token": "token"});
    let client = keyed(&tenant.client, "key");
    // The first request blocks on the locked row that it must reference.
    let mut blocker = app.database.admin().await;
    let lock = format!("BEGIN; SELECT FROM tenants WHERE id = '{}' FOR UPDATE", tenant.id);
    blocker.batch_execute(&lock).await.unwrap();
    let first = tokio::spawn({
        let (client, body) = (client.clone(), body.clone());
        async move { client.post("/meta-apps", &body).await }
    });
    let waits = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%meta_apps%'";
    wait::until("the first request to block", async || (app.database.count(waits).await > 0).then_some(())).await;
    client.post("/meta-apps", &body).await.problem(409, "request_running");
    blocker.batch_execute("COMMIT").await.unwrap();
    let first = first.await.unwrap();
    first.expect(201);
    assert_eq!(client.post("/meta-apps", &body).await.text, first.text);
}

/// The response and the change it reports share one transaction.
#[tokio::test(flavor = "multi_thread")]
async fn request_whose_response_cannot_be_stored_is_undone() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    app.database.execute("ALTER TABLE idempotency_keys ADD CHECK (key <> 'doomed')").await;
    let body = user();
    keyed(&tenant.client, "doomed").post("/users", &body).await.problem(500, "internal_error");
    assert_eq!(count(&app, &tenant, "users").await, 1);
    keyed(&tenant.client, "key").post("/users", &body).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_request_hash_does_not_reveal_password() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = user();
    keyed(&tenant.client, "key").post("/users", &body).await.expect(201);
    let plain = format!(
        "SELECT count(*) FROM idempotency_keys
          WHERE tenant_id = '{}' AND fingerprint IN (sha256(convert_to('{body}', 'UTF8')),
                sha256(convert_to('/users', 'UTF8') || decode('00', 'hex') || convert_to('{body}', 'UTF8')))",
        tenant.id
    );
    assert_eq!(app.database.count(&plain).await, 0);
    assert_eq!(count(&app, &tenant, "idempotency_keys").await, 1);
}
