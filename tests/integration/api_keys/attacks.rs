//! What is wrong with a key is never told, and nothing of another tenant or of users is reached with one.

use chrono::TimeDelta;
use kernel::{Clock as _, SystemEntropy};
use reqwest::Method;
use serde_json::json;
use tokens::ApiKeySecret;

use super::{ALL, make, make_with};
use crate::kit::api::{Contact, Resource as _};
use crate::kit::app::{Settings, TestApp};
use crate::kit::client::Client;
use crate::kit::statements;

#[tokio::test(flavor = "multi_thread")]
async fn garbage_costs_no_query() {
    statements::record();
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let made = make(&app, &tenant.client, &["crm:read"]).await;
    statements::watch(&tenant.id);
    let sent = || statements::watched(&tenant.id).len();
    let swapped = made.secret.replace("parley_ak_", "parley_ak_0");
    let short = &made.secret[..made.secret.len() - 1];
    let long = format!("{}0", made.secret);
    for garbage in [short, &long, &swapped[..made.secret.len()], "parley_ak_"] {
        app.client.with_token(garbage).get("/auth/me").await.problem(401, "invalid_token");
    }
    assert_eq!(sent(), 0);
    made.client.get("/auth/me").await.expect(200);
    // The look-up, and the record of the first use.
    assert_eq!(sent(), 2);
    made.client.get("/auth/me").await.expect(200);
    assert_eq!(sent(), 3, "one round trip");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refused_key_gets_the_same_answer() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let entropy = SystemEntropy::new();
    let forged = |tenant: &str, key: &str| {
        let secret = ApiKeySecret::generate(tenant.parse().unwrap(), key.parse().unwrap(), &entropy).unwrap();
        secret.expose().to_owned()
    };
    let key = make(&app, &tenant.client, &["crm:read"]).await;
    let revoked = make(&app, &tenant.client, &["crm:read"]).await;
    tenant.client.delete(&revoked.path()).await.expect(204);
    let body = json!({"name": "Elsewhere", "permissions": ["crm:read"], "networks": ["192.0.2.0/24"]});
    let outside = make_with(&app, &tenant.client, body).await;
    let soon = (app.clock.now() + TimeDelta::hours(1)).to_rfc3339();
    let body = json!({"name": "Short", "permissions": ["crm:read"], "expires_at": soon});
    let expired = make_with(&app, &tenant.client, body).await;
    expired.client.get("/auth/me").await.expect(200);
    outside.client.with_address("192.0.2.77").get("/auth/me").await.expect(200);
    let suspended = app.tenant().await;
    let of_suspended = make(&app, &suspended.client, &["crm:read"]).await;
    app.execute_for(&suspended, "UPDATE tenants SET status = 'suspended' WHERE id = '$T'").await;
    app.clock.advance(TimeDelta::hours(1));

    let shown = [
        ("wrong checksum", format!("{}x", &key.secret[..key.secret.len() - 1])),
        ("unknown", forged(&tenant.id, "0190b5a2-7e2f-7000-8000-000000000000")),
        ("unknown tenant", forged("0190b5a2-7e2f-7000-8000-000000000000", &key.key.id)),
        ("wrong secret", forged(&tenant.id, &key.key.id)),
        ("another tenant's", forged(&other.id, &key.key.id)),
        ("expired", expired.secret),
        ("revoked", revoked.secret),
        ("outside its network", outside.secret),
        ("of a suspended tenant", of_suspended.secret),
        ("no key at all", "x".to_owned()),
    ];
    let mut answers = Vec::new();
    for (what, secret) in &shown {
        let client = app.client.with("x-request-id", "the-same").with_token(secret);
        let answer = client.get("/crm/contacts").await;
        answer.problem(401, "invalid_token");
        answers.push((*what, answer.text.clone(), answer.header("www-authenticate").to_owned()));
    }
    for (what, text, challenge) in &answers {
        assert_eq!((text, challenge), (&answers[0].1, &answers[0].2), "{what}");
    }
    key.client.get("/crm/contacts").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_never_does_what_is_for_users() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let contact: Contact = tenant.client.create(&json!({"display_name": "Grace"})).await;
    let made = make(&app, &tenant.client, &ALL).await;
    // Also if the row in the database says otherwise.
    let widen =
        "UPDATE api_keys SET permissions = permissions || '{users:write,roles:write,api_keys:write,tenant:write}'
                  WHERE tenant_id = '$T'";
    for widened in [false, true] {
        if widened {
            app.execute_for(&tenant, widen).await;
        }
        for path in ["/users", "/roles", "/tenant", "/api-keys", "/audit-log"] {
            made.client.get(path).await.problem(403, "insufficient_scope");
        }
        let another = json!({"name": "Another", "permissions": ["crm:read"]});
        made.client.post("/api-keys", &another).await.problem(403, "insufficient_scope");
        made.client.get("/auth/sessions").await.problem(403, "users_only");
        made.client.post("/auth/logout", &json!({})).await.problem(403, "users_only");
        made.client.delete(&contact.path()).await.problem(403, "users_only");
        made.client.get("/platform/audit-log").await.problem(403, "operators_only");
    }
    assert_eq!(tenant.client.all::<Contact>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_reaches_its_own_tenant_only() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let theirs: Contact = other.client.create(&json!({"display_name": "Theirs"})).await;
    let made = make(&app, &tenant.client, &["crm:write"]).await;
    made.client.get(&theirs.path()).await.problem(404, "not_found");
    made.client.with("x-tenant-id", &other.id).get("/crm/contacts").await.problem(403, "tenant_mismatch");
    assert_eq!(made.client.all::<Contact>().await, []);
    for path in [made.path(), format!("{}/rotate", made.path())] {
        let method = if path.ends_with("rotate") { Method::POST } else { Method::GET };
        let json = other.client.with("content-type", "application/json");
        json.send(method, &path, Some(b"{}".to_vec())).await.problem(404, "not_found");
    }
    other.client.delete(&made.path()).await.problem(404, "not_found");
    made.client.get("/auth/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_keys_of_two_api_keys_are_apart() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let clients: Vec<Client> = [
        make(&app, &tenant.client, &["crm:write"]).await.client,
        make(&app, &tenant.client, &["crm:write"]).await.client,
    ]
    .map(|client| client.with("idempotency-key", "one"))
    .into();
    let body = json!({"display_name": "Grace"});
    for client in &clients {
        let first: Contact = client.post("/crm/contacts", &body).await.body(201);
        let again = client.post("/crm/contacts", &body).await;
        assert_eq!((again.header("idempotency-replayed"), again.body::<Contact>(201).id), ("true", first.id));
    }
    assert_eq!(tenant.client.all::<Contact>().await.len(), 2);
}
