//! Sign-up, login, and the current user.

use serde_json::{Value, json};

use crate::kit::api::{LoggedIn, Me};
use crate::kit::app::{PASSWORD, TestApp};
use crate::kit::meta::fresh_digits;

fn signup_body() -> Value {
    json!({
        "tenant_name": "Acme Trading", "slug": format!("acme-{}", fresh_digits()),
        "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_creates_tenant_with_working_owner() {
    let app = TestApp::start().await;
    let body = signup_body();
    let answer = app.client.post("/auth/signup", &body).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let signed_up: LoggedIn = answer.body(201);
    assert_eq!(signed_up.token_type, "Bearer");
    assert_eq!(signed_up.expires_in, 900);
    assert!(signed_up.refresh_token.starts_with("rt1_"));
    assert_eq!(signed_up.tenant.slug, body["slug"]);
    assert_eq!(signed_up.tenant.status, "active");
    assert_eq!(signed_up.user.email, "Ada@Example.com");
    assert_eq!(signed_up.user.roles, ["owner"]);

    let me: Me = app.client.with_token(&signed_up.access_token).read("/auth/me").await;
    assert_eq!(me.tenant.id, signed_up.tenant.id);
    assert_eq!(me.user.id, signed_up.user.id);
    assert_eq!(me.roles, ["owner"]);
    assert_eq!(me.permissions.len(), kernel::Permission::ALL.len());
    assert!(me.session.expires_at.ends_with('Z'));
}

#[tokio::test(flavor = "multi_thread")]
async fn slug_is_unique_and_generated_when_missing() {
    let app = TestApp::start().await;
    let body = signup_body();
    app.client.post("/auth/signup", &body).await.json(201);
    app.client.post("/auth/signup", &body).await.problem(409, "slug_taken");

    let mut without = signup_body();
    without.as_object_mut().unwrap().remove("slug");
    let (first, second) =
        (app.client.post("/auth/signup", &without).await, app.client.post("/auth/signup", &without).await);
    assert_ne!(first.body::<LoggedIn>(201).tenant.slug, second.body::<LoggedIn>(201).tenant.slug);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_sign_up_lists_errors_and_stores_nothing() {
    let app = TestApp::start().await;
    for (member, value, code) in [
        ("email", json!("no address"), "validation_failed"),
        ("email", json!(7), "validation_failed"),
        ("slug", json!("-"), "validation_failed"),
        ("tenant_name", json!(""), "validation_failed"),
        ("role", json!("owner"), "validation_failed"),
        ("password", json!("short"), "weak_password"),
        ("password", json!("password123"), "weak_password"),
        ("password", json!("ada@example.com"), "weak_password"),
        ("password", json!("Acme Trading"), "weak_password"),
    ] {
        let mut body = signup_body();
        body[member] = value;
        let problem = app.client.post("/auth/signup", &body).await.problem(422, code);
        assert_eq!(problem.pointer(), format!("/{member}"), "{problem}");
        let made = format!("SELECT count(*) FROM tenants WHERE slug = '{}'", body["slug"].as_str().unwrap());
        assert_eq!(app.database.count(&made).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_requires_tenant_slug_or_id() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let body = json!({"email": tenant.email.to_uppercase(), "password": PASSWORD});
    for reference in [&tenant.slug, &tenant.id] {
        let answer = app.client.with("x-tenant-id", reference).post("/auth/login", &body).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let session: LoggedIn = answer.body(200);
        let me: Me = app.client.with_token(&session.access_token).read("/auth/me").await;
        assert_eq!(me.tenant.id, tenant.id);
    }
    app.client.post("/auth/login", &body).await.problem(400, "tenant_required");
    app.client.with("x-tenant-id", "'; --").post("/auth/login", &body).await.problem(400, "invalid_tenant_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_login_does_not_reveal_cause() {
    let app = TestApp::start().await;
    let (tenant, other, suspended) = (app.tenant().await, app.tenant().await, app.tenant().await);
    let colleague = app.user(&other, None).await;
    other.client.patch(&colleague.path(), &json!({"status": "suspended"})).await.expect(200);
    app.suspend(&suspended).await;
    let attempt = |reference: &str, email: &str, password: &str| {
        let client = app.client.with_fresh_address().with("x-tenant-id", reference).with("x-request-id", "same");
        let body = json!({"email": email, "password": password});
        async move { client.post("/auth/login", &body).await }
    };
    let wrong_password = attempt(&tenant.slug, &tenant.email, "wrong password").await;
    wrong_password.problem(401, "invalid_credentials");
    for (reference, email) in [
        (tenant.slug.as_str(), "nobody@example.com"),
        (tenant.slug.as_str(), "no address"),
        (tenant.slug.as_str(), ""),
        ("no-such-tenant", tenant.email.as_str()),
        ("0190b5a2-7e2f-7000-8000-000000000000", tenant.email.as_str()),
        (other.slug.as_str(), tenant.email.as_str()),
        (other.slug.as_str(), colleague.email.as_str()),
        (suspended.slug.as_str(), suspended.email.as_str()),
        (suspended.id.as_str(), "nobody@example.com"),
    ] {
        let answer = attempt(reference, email, PASSWORD).await;
        assert_eq!(answer.text, wrong_password.text, "{reference} {email}");
        assert_eq!(answer.stable_headers(), wrong_password.stable_headers(), "{reference} {email}");
    }
    let sessions = format!("SELECT count(*) FROM sessions WHERE tenant_id = '{}'", tenant.id);
    assert_eq!(app.database.count(&sessions).await, 1, "only the sign-up's session");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_token_differs_but_invalid_tokens_look_alike() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let anonymous = app.client.get("/auth/me").await;
    anonymous.problem(401, "unauthenticated");
    assert_eq!(anonymous.header("www-authenticate"), "Bearer realm=\"parley\"");

    let mut texts = std::collections::HashSet::new();
    let mut forged = tenant.token.clone();
    forged.replace_range(forged.len() - 4.., "AAAA");
    for token in ["x", "a.b.c", forged.as_str(), &"a".repeat(6_000)] {
        let answer = app.client.with_token(token).with("x-request-id", "same").get("/auth/me").await;
        answer.problem(401, "invalid_token");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        texts.insert(answer.text);
    }
    assert_eq!(texts.len(), 1);
    let twice = app.client.with_token(&tenant.token).with_token(&tenant.token).get("/auth/me").await;
    twice.problem(400, "ambiguous_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn change_in_database_applies_to_next_request() {
    use diesel_async::SimpleAsyncConnection;

    let app = TestApp::start().await;
    for end in [
        "UPDATE sessions SET revoked_at = now() WHERE tenant_id = '$T'",
        "UPDATE users SET status = 'suspended' WHERE tenant_id = '$T'",
        "UPDATE tenants SET status = 'suspended' WHERE id = '$T'",
    ] {
        let tenant = app.tenant().await;
        tenant.client.get("/auth/me").await.json(200);
        app.database.admin().await.batch_execute(&end.replace("$T", &tenant.id)).await.unwrap();
        tenant.client.get("/auth/me").await.problem(401, "invalid_token");
    }
    let tenant = app.tenant().await;
    let demote = format!("DELETE FROM memberships WHERE tenant_id = '{}'", tenant.id);
    app.database.admin().await.batch_execute(&demote).await.unwrap();
    let answer = tenant.client.get("/crm/contacts").await;
    answer.problem(403, "insufficient_scope");
    assert!(answer.header("www-authenticate").contains("scope=\"crm:read\""));
    tenant.client.get("/auth/me").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_expires() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    app.clock.advance(chrono::TimeDelta::minutes(15) + chrono::TimeDelta::seconds(29));
    tenant.client.get("/auth/me").await.json(200);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    tenant.client.get("/auth/me").await.problem(401, "invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn jwks_publishes_public_keys_only() {
    let app = TestApp::start().await;
    let answer = app.client.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let keys = answer.json(200);
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert!(key["d"].is_null());
    let sealed = "SELECT count(*) FROM signing_keys WHERE length(private_sealed) > 48 AND sealed_with = 'test'";
    assert!(app.database.count(sealed).await >= 1);
}
