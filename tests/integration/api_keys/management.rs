//! Making, changing, rotating and ending keys.

use chrono::{DateTime, TimeDelta, Utc};
use flows::Database as _;
use kernel::Clock as _;
use serde_json::{Value, json};

use super::{ALL, ApiKey, make, make_with, read};
use crate::kit::api::Page;
use crate::kit::app::{Settings, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn made_key_is_shown_once_and_works_at_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"name": "Shop", "permissions": ["crm:write"]});
    let client = tenant.client.with("idempotency-key", "make-1");
    let answer = client.post("/api-keys", &body).await;
    let (made, key): (Value, ApiKey) = (answer.json(201), answer.body(201));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        (key.permissions.as_slice(), key.state.as_str()),
        (&["crm:read".to_owned(), "crm:write".to_owned()][..], "active")
    );
    assert_eq!(key.created_by, Some(tenant.me().await.user.id));
    let (created, expires): (DateTime<Utc>, DateTime<Utc>) =
        (key.created_at.parse().unwrap(), key.expires_at.parse().unwrap());
    assert_eq!(expires - created, TimeDelta::days(90));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with(&key.prefix) && secret.len() == 103, "{secret}");

    // Repeated, it makes no other key and does not show this one again.
    let again = client.post("/api-keys", &body).await;
    assert_eq!((again.header("idempotency-replayed"), again.json(201)["secret"].clone()), ("true", Value::Null));
    assert_eq!(again.body::<ApiKey>(201), key);
    let stored =
        format!("SELECT count(*) FROM idempotency_keys WHERE tenant_id = '{}' AND body LIKE '%{secret}%'", tenant.id);
    assert_eq!(app.database.count(&stored).await, 0);
    let list = tenant.client.get("/api-keys").await;
    assert!(!list.text.contains(secret));
    assert_eq!(list.body::<Page<ApiKey>>(200).data, std::slice::from_ref(&key));

    let program = app.client.with_token(secret);
    let me = program.get("/auth/me").await.json(200);
    assert_eq!((&me["api_key"]["id"], &me["tenant"]["id"]), (&json!(key.id), &json!(tenant.id)));
    assert_eq!(me["permissions"], json!(["crm:read", "crm:write"]));
    program.post("/crm/contacts", &json!({"display_name": "Grace"})).await.expect(201);
    program.get("/billing/usage").await.problem(403, "insufficient_scope");
    assert!(program.get("/auth/me").await.headers.get("set-cookie").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_recorded_once_a_minute() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let made = make(&app, &tenant.client, &["crm:read"]).await;
    assert_eq!(made.key.last_used_at, None);
    let mut seen = Vec::new();
    for seconds in [0, 59, 1, 0] {
        app.clock.advance(TimeDelta::seconds(seconds));
        made.client.get("/auth/me").await.expect(200);
        seen.push(read(&tenant.client, &made).await.last_used_at.expect("it was used"));
    }
    assert!(seen[0] == seen[1] && seen[1] < seen[2] && seen[2] == seen[3], "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keys_cannot_have_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let late = (app.clock.now() + TimeDelta::days(366)).to_rfc3339();
    let past = (app.clock.now() - TimeDelta::seconds(1)).to_rfc3339();
    let with = |name: &str, value: Value| {
        let mut body = json!({"name": "Shop", "permissions": ["crm:read"]});
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (with("name", json!("")), "/name"),
        (with("permissions", json!([])), "/permissions"),
        (with("permissions", json!(["crm:read", "users:read"])), "/permissions/1"),
        (with("permissions", json!(["api_keys:write"])), "/permissions/0"),
        (with("permissions", json!(["events:replay"])), "/permissions/0"),
        (with("permissions", json!(["nothing"])), "/permissions/0"),
        (with("expires_at", json!(late)), "/expires_at"),
        (with("expires_at", json!(past)), "/expires_at"),
        (with("networks", json!(["192.0.2.0/24", "here"])), "/networks/1"),
    ] {
        let problem = tenant.client.post("/api-keys", &body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{body}");
    }
    let made = make_with(&app, &tenant.client, with("networks", json!(["192.0.2.9/24", "2001:db8::1"]))).await;
    assert_eq!(made.key.networks, ["192.0.2.0/24", "2001:db8::1/128"]);
    let patch = json!({"permissions": ["roles:read"]});
    tenant.client.patch(&made.path(), &patch).await.problem(422, "validation_failed");
    let hours = json!({"overlap_hours": 169});
    tenant.client.post(&format!("{}/rotate", made.path()), &hours).await.problem(422, "validation_failed");
    make(&app, &tenant.client, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_shrink_with_the_next_request() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let made = make(&app, &tenant.client, &["crm:write", "billing:read"]).await;
    made.client.get("/billing/usage?from=2026-01-01&to=2026-01-02").await.expect(200);
    tenant.client.patch(&made.path(), &json!({"permissions": ["crm:read"], "name": "Reader"})).await.expect(200);
    let refused = made.client.get("/billing/usage?from=2026-01-01&to=2026-01-02").await;
    refused.problem(403, "insufficient_scope");
    made.client.post("/crm/contacts", &json!({"display_name": "x"})).await.problem(403, "insufficient_scope");
    made.client.get("/crm/contacts").await.expect(200);
    tenant.client.patch(&made.path(), &json!({"networks": ["192.0.2.0/24"]})).await.expect(200);
    made.client.get("/crm/contacts").await.problem(401, "invalid_token");
    tenant.client.patch(&made.path(), &json!({"networks": null})).await.expect(200);
    made.client.get("/crm/contacts").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_key_is_refused_by_another_instance_at_once() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let another = app.start_another(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let made = make(&app, &tenant.client, &["crm:read"]).await;
    let there = another.client.with_token(&made.secret);
    there.get("/crm/contacts").await.expect(200);
    tenant.client.delete(&made.path()).await.expect(204);
    there.get("/crm/contacts").await.problem(401, "invalid_token");
    made.client.get("/crm/contacts").await.problem(401, "invalid_token");
    tenant.client.delete(&made.path()).await.expect(204);
    assert_eq!(read(&tenant.client, &made).await.state, "revoked");
    tenant.client.patch(&made.path(), &json!({"name": "x"})).await.problem(409, "api_key_ended");
    let rotate = format!("{}/rotate", made.path());
    tenant.client.post(&rotate, &json!({})).await.problem(409, "api_key_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_key_has_two_secrets_for_its_time() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let made = make(&app, &tenant.client, &["crm:read"]).await;
    let rotate = async |key: &str, body: Value| {
        let client = tenant.client.with("idempotency-key", key);
        client.post(&format!("{}/rotate", made.path()), &body).await
    };
    let accepted = async |secret: &str| app.client.with_token(secret).get("/auth/me").await.status == 200;
    let second = rotate("r1", json!({})).await.json(201)["secret"].as_str().unwrap().to_owned();
    let replayed = rotate("r1", json!({})).await.json(201);
    assert_eq!(replayed["secret"], Value::Null);
    assert!(accepted(&made.secret).await && accepted(&second).await);
    app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert!(accepted(&made.secret).await && accepted(&second).await);
    app.clock.advance(TimeDelta::seconds(1));
    assert!(!accepted(&made.secret).await && accepted(&second).await);

    let tenant = tenant.log_in_again(&app).await;
    let rotate = async |body: Value| {
        let answer = tenant.client.post(&format!("{}/rotate", made.path()), &body).await;
        answer.json(201)["secret"].as_str().unwrap().to_owned()
    };
    let third = rotate(json!({"overlap_hours": 168})).await;
    assert!(accepted(&second).await && accepted(&third).await);
    let fourth = rotate(json!({"overlap_hours": 0})).await;
    assert!(!accepted(&second).await && !accepted(&third).await && accepted(&fourth).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_keys_are_deleted_after_their_time() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let (kept, revoked) =
        (make(&app, &tenant.client, &["crm:read"]).await, make(&app, &tenant.client, &["crm:read"]).await);
    tenant.client.delete(&revoked.path()).await.expect(204);
    let purge = async |before: DateTime<Utc>| {
        let mut tx = app.postgres.operator().await.unwrap();
        let purged = tx.purge_api_keys(before, 10).await.unwrap();
        tx.commit().await.unwrap();
        purged
    };
    assert_eq!(purge(app.clock.now()).await, 0);
    assert_eq!(purge(app.clock.now() + TimeDelta::seconds(1)).await, 1);
    assert_eq!(tenant.client.list::<ApiKey>("/api-keys").await, [read(&tenant.client, &kept).await]);
}
