//! Self-registration and password changes.

use std::collections::HashMap;

use futures_util::future::join_all;
use iam::HashParameters;
use serde_json::{Value, json};

use crate::kit::api::{LoggedIn, Me};
use crate::kit::app::{PASSWORD, Settings, TestApp, TestTenant};
use crate::kit::client::Response;
use crate::kit::meta::fresh_digits;

const OTHER: &str = "staple of another horse";

fn body() -> Value {
    json!({"email": format!("New-{}@Example.com", fresh_digits()), "password": PASSWORD, "name": "Grace"})
}

async fn register(app: &TestApp, tenant: &str, body: &Value) -> Response {
    app.client.with_fresh_address().with("x-tenant-id", tenant).post("/auth/register", body).await
}

async fn users(app: &TestApp, tenant: &TestTenant) -> i64 {
    app.database.count(&format!("SELECT count(*) FROM users WHERE tenant_id = '{}'", tenant.id)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_user_sees_only_own_profile() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = body();
    let answer = register(&app, &tenant.slug, &body).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let registered: LoggedIn = answer.body(201);
    assert_eq!((registered.token_type.as_str(), registered.expires_in), ("Bearer", 900));
    assert_eq!(registered.tenant.id, tenant.id);
    let user = &registered.user;
    assert_eq!(user.email, body["email"]);
    assert!(user.self_registered && user.roles.is_empty(), "{user:?}");
    assert_eq!(user.status, "active");

    let client = app.client.with_token(&registered.access_token);
    let me: Me = client.read("/auth/me").await;
    assert_eq!((&me.user.id, me.permissions.len()), (&user.id, 0));
    for path in ["/crm/contacts", "/users", "/tenant", "/whatsapp-accounts", "/meta-apps"] {
        client.get(path).await.problem(403, "insufficient_scope");
    }
    app.log_in(&tenant.slug, &body["email"].as_str().unwrap().to_lowercase(), PASSWORD).await.json(200);
    let seen = tenant.client.reload(user).await;
    assert!(seen.self_registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn email_is_unique_per_tenant() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let body = body();
    let (client, path) = (app.client.with_fresh_address().with("x-tenant-id", &tenant.slug), "/auth/register");
    let mut answers: HashMap<u16, usize> = HashMap::new();
    for answer in join_all((0..10).map(|_| client.post(path, &body))).await {
        *answers.entry(answer.status.as_u16()).or_default() += 1;
    }
    assert_eq!(answers, HashMap::from([(201, 1), (409, 9)]));
    let shouted = json!({"email": body["email"].as_str().unwrap().to_uppercase(), "password": PASSWORD});
    let problem = register(&app, &tenant.slug, &shouted).await.problem(409, "email_taken");
    assert_eq!(problem.pointer(), "/email");
    // The same email in another tenant is another user.
    register(&app, &other.slug, &body).await.json(201);
    assert_eq!((users(&app, &tenant).await, users(&app, &other).await), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_registration_lists_errors_and_stores_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    tenant.client.patch("/tenant", &json!({"name": "Acme Trading"})).await.expect(200);
    for (member, value, code) in [
        ("role", json!("owner"), "validation_failed"),
        ("roles", json!(["owner"]), "validation_failed"),
        ("tenant", json!("other"), "validation_failed"),
        ("tenant_id", json!(tenant.id), "validation_failed"),
        ("status", json!("active"), "validation_failed"),
        ("self_registered", json!(false), "validation_failed"),
        ("email", json!("no address"), "validation_failed"),
        ("email", json!(format!("{}@example.com", "a".repeat(250))), "validation_failed"),
        ("name", json!("a\nb"), "validation_failed"),
        ("password", json!("short"), "weak_password"),
        ("password", json!("x".repeat(257)), "weak_password"),
        ("password", json!("Password123"), "weak_password"),
        ("password", json!("abcdefghij"), "weak_password"),
        ("password", json!("someone@example.com"), "weak_password"),
        ("password", json!("acme trading"), "weak_password"),
        ("password", json!(tenant.slug), "weak_password"),
    ] {
        let mut body = json!({"email": "Someone@Example.com", "password": PASSWORD});
        body[member] = value;
        let problem = register(&app, &tenant.slug, &body).await.problem(422, code);
        assert_eq!(problem.pointer(), format!("/{member}"), "{problem}");
    }
    app.client.post("/auth/register", &body()).await.problem(400, "tenant_required");
    app.client.with("x-tenant-id", "A b").post("/auth/register", &body()).await.problem(400, "invalid_tenant_id");
    assert_eq!(users(&app, &tenant).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_registration_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    tenant.client.patch("/tenant", &json!({"self_registration": "closed"})).await.json(200);
    register(&app, &tenant.slug, &body()).await.problem(403, "registration_closed");
    assert_eq!(users(&app, &tenant).await, 1);
    tenant.client.patch("/tenant", &json!({"self_registration": "open"})).await.json(200);
    register(&app, &tenant.slug, &body()).await.json(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_tenant_is_answered_like_wrong_credentials() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    app.suspend(&tenant).await;
    let wrong = app.client.with("x-request-id", "same").with("x-tenant-id", "no-such-tenant");
    let login = wrong.post("/auth/login", &json!({"email": "a@x.example", "password": PASSWORD})).await;
    for reference in ["no-such-tenant", "0190b5a2-7e2f-7000-8000-000000000000", &tenant.slug, &tenant.id] {
        let client = app.client.with_fresh_address().with("x-request-id", "same").with("x-tenant-id", reference);
        let answer = client.post("/auth/register", &body()).await;
        answer.problem(401, "invalid_credentials");
        assert_eq!(answer.text, login.text, "{reference}");
        assert_eq!(answer.stable_headers(), login.stable_headers(), "{reference}");
    }
    assert_eq!(users(&app, &tenant).await, 1);
}

async fn change(client: &crate::kit::client::Client, current: &str, new: &str) -> Response {
    client.post("/auth/password", &json!({"current_password": current, "new_password": new})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_ends_other_sessions() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let session: LoggedIn = app.log_in(&tenant.slug, &tenant.email, PASSWORD).await.body(200);
    let other = app.client.with_token(&session.access_token);
    let colleague = app.user(&tenant, Some("agent")).await;

    change(&tenant.client, PASSWORD, OTHER).await.expect(204);
    tenant.client.get("/auth/me").await.json(200);
    colleague.client.get("/auth/me").await.json(200);
    other.get("/auth/me").await.problem(401, "invalid_token");
    app.log_in(&tenant.slug, &tenant.email, PASSWORD).await.problem(401, "invalid_credentials");
    app.log_in(&tenant.slug, &tenant.email, OTHER).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_requires_current_password() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for new in ["short", "password123", tenant.email.as_str(), "Test Tenant"] {
        let problem = change(&tenant.client, PASSWORD, new).await.problem(422, "weak_password");
        assert_eq!(problem.pointer(), "/new_password");
    }
    app.client.post("/auth/password", &json!({})).await.problem(401, "unauthenticated");
    let attacker = tenant.client.with_fresh_address();
    for _ in 0..5 {
        change(&attacker, "a guess of mine", OTHER).await.problem(403, "wrong_password");
    }
    change(&attacker, PASSWORD, OTHER).await.problem(429, "too_many_attempts");
    attacker.get("/auth/me").await.json(200);
    // The owner's other session can still change it.
    change(&tenant.client, PASSWORD, OTHER).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_password_changes_apply_one() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let (one, two) = tokio::join!(
        change(&tenant.client, PASSWORD, OTHER),
        change(&tenant.client, PASSWORD, "a third horse altogether")
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403]);
    let new = if one.status == 204 { OTHER } else { "a third horse altogether" };
    app.log_in(&tenant.slug, &tenant.email, new).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn login_rehashes_password_with_new_parameters() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let passwords = HashParameters { memory_kib: 9_216, passes: 3, lanes: 1 };
    let later = app.start_another(Settings { passwords, ..Settings::default() }).await;
    let hashes = |parameters: &str| {
        let query = format!("SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$v=19${parameters}$%'");
        let database = app.database.clone();
        async move { database.count(&query).await }
    };
    later.log_in(&tenant.slug, &tenant.email, "wrong password").await.problem(401, "invalid_credentials");
    assert_eq!(hashes("m=19456,t=2,p=1").await, 1);
    later.log_in(&tenant.slug, &tenant.email, PASSWORD).await.json(200);
    assert_eq!((hashes("m=19456,t=2,p=1").await, hashes("m=9216,t=3,p=1").await), (0, 1));
    later.log_in(&tenant.slug, &tenant.email, PASSWORD).await.json(200);
    app.log_in(&tenant.slug, &tenant.email, PASSWORD).await.json(200);
    later.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_hash_queue_refuses_signups_but_no_login() {
    let app = TestApp::start().await;
    let cores = std::thread::available_parallelism().unwrap().get();
    let signups = (0..cores * 65 + 60).map(|_| {
        let slug = format!("busy-{}", fresh_digits());
        let body = json!({"tenant_name": "Busy", "slug": slug, "email": "a@x.example", "password": PASSWORD});
        let client = app.client.clone();
        async move { client.post("/auth/signup", &body).await }
    });
    let tenant = app.tenant().await;
    let (answers, login) = tokio::join!(join_all(signups), app.log_in(&tenant.slug, &tenant.email, PASSWORD));
    login.expect(200);
    let refused: Vec<&Response> = answers.iter().filter(|answer| answer.status != 201).collect();
    assert!(!refused.is_empty() && refused.len() < answers.len(), "{} of {}", refused.len(), answers.len());
    for answer in refused {
        answer.problem(503, "busy");
        assert_eq!(answer.header("retry-after"), "2");
    }
}
