//! Naming another tenant: in each place where a tenant can be named, by each kind of caller.

use serde_json::{Value, json};

use crate::kit::api::LoggedIn;
use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::meta::{fresh_digits, text};

fn signup() -> Value {
    json!({"tenant_name": "Acme", "slug": format!("acme-{}", fresh_digits()), "email": "ada@x.example", "password": PASSWORD})
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_header_is_ignored_on_webhooks() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let number = ours.connect().await;
    for (n, named) in [theirs.id.as_str(), theirs.slug.as_str(), "'; --", ""].into_iter().enumerate() {
        let body = number.delivery(&[text(&format!("1555010{n}"), "hello")]).to_string().into_bytes();
        let signed =
            app.client.with("x-tenant-id", named).with("x-hub-signature-256", &crate::kit::meta::signature(&body));
        signed.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body)).await.expect(200);
    }
    app.wait_until_processed().await;
    assert_eq!((ours.conversations().await.len(), theirs.conversations().await.len()), (4, 0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_header_is_ignored_at_sign_up() {
    let app = TestApp::start().await;
    let theirs = app.tenant().await;
    for named in [theirs.id.as_str(), theirs.slug.as_str(), "'; --"] {
        let made: LoggedIn = app.client.with("x-tenant-id", named).post("/auth/signup", &signup()).await.body(201);
        assert_ne!(made.tenant.id, theirs.id);
    }
    let users = format!("SELECT count(*) FROM users WHERE tenant_id = '{}'", theirs.id);
    assert_eq!(app.database.count(&users).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_with_header_of_other_tenant_is_refused() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    for named in [theirs.id.as_str(), theirs.slug.as_str(), "no-such-tenant", "0190b5a2-7e2f-7000-8000-000000000000"] {
        ours.client.with("x-tenant-id", named).get("/crm/contacts").await.problem(403, "tenant_mismatch");
    }
    let spellings = [format!("{{{}}}", ours.id), format!("urn:uuid:{}", ours.id)];
    for named in ["'; --", "A b", ""].into_iter().chain(spellings.iter().map(String::as_str)) {
        ours.client.with("x-tenant-id", named).get("/crm/contacts").await.problem(400, "invalid_tenant_id");
    }
    let twice = ours.client.with("x-tenant-id", &ours.id).with("x-tenant-id", &theirs.id);
    twice.get("/crm/contacts").await.problem(400, "invalid_tenant_id");
    for named in [&ours.id, &ours.slug] {
        ours.client.with("x-tenant-id", named).get("/crm/contacts").await.json(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_with_forged_or_other_tenant_is_refused() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    for named in [theirs.slug.as_str(), theirs.id.as_str(), "no-such-tenant"] {
        app.log_in(named, &ours.email, PASSWORD).await.problem(401, "invalid_credentials");
    }
    for named in ["../acme", "acme%00", "ACME", "acme;x", "' OR 1=1 --", "\u{430}cme", "{}"] {
        let body = json!({"email": ours.email, "password": PASSWORD});
        for path in ["/auth/login", "/auth/register"] {
            app.client.with("x-tenant-id", named).post(path, &body).await.problem(400, "invalid_tenant_id");
        }
    }
    // A slug in the form of an id would be ambiguous.
    let mut body = signup();
    body["slug"] = json!(theirs.id);
    app.client.post("/auth/signup", &body).await.problem(422, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_suspended_tenant_is_refused() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    app.suspend(&ours).await;
    ours.client.get("/auth/me").await.problem(401, "invalid_token");
    ours.client.with("x-tenant-id", &theirs.id).get("/auth/me").await.problem(401, "invalid_token");
    ours.client.patch("/tenant", &json!({"name": "Back"})).await.problem(401, "invalid_token");
    theirs.client.get("/auth/me").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn body_with_tenant_id_is_refused() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let colleague = app.user(&ours, None).await;
    let named = app.client.with("x-tenant-id", &ours.slug);
    for member in ["tenant_id", "tenant"] {
        for (client, path, mut body) in [
            (&app.client, "/auth/signup", signup()),
            (&named, "/auth/register", json!({"email": "new@x.example", "password": PASSWORD})),
            (&named, "/auth/login", json!({"email": ours.email, "password": PASSWORD})),
            (&ours.client, "/users", json!({"email": "new@x.example", "password": PASSWORD})),
            (&ours.client, "/whatsapp-accounts", json!({"phone_number_id": "1", "waba_id": "1"})),
            (&ours.client, "/meta-apps", json!({"app_id": "1", "app_secret": "s", "verify_token": "t"})),
        ] {
            body[member] = json!(theirs.id);
            let problem = client.post(path, &body).await.problem(422, "validation_failed");
            assert_eq!(problem.pointer(), format!("/{member}"), "{path}: {problem}");
        }
        for path in ["/tenant", &colleague.path()] {
            let mut patch = json!({"name": "Mine"});
            patch[member] = json!(theirs.id);
            ours.client.patch(path, &patch).await.problem(422, "validation_failed");
        }
    }
    // In a delivery it is an unknown field: stored and ignored.
    let number = ours.connect().await;
    let mut delivery = number.delivery(&[text("15550100", "hello")]);
    delivery["tenant_id"] = json!(theirs.id);
    delivery["entry"][0]["changes"][0]["value"]["tenant_id"] = json!(theirs.id);
    app.process(&delivery).await;
    assert_eq!((ours.conversations().await.len(), theirs.conversations().await.len()), (1, 0));
    app.finish().await;
}
