//! Connecting WhatsApp numbers.

use channels::AccountDirectory;
use diesel_async::SimpleAsyncConnection;
use flows::{Database, settle};
use kernel::Clock;
use serde_json::{Value, json};

use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::{Number, text};

fn claim(number: &Number) -> Value {
    json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "name": "Support"})
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_claim_keeps_events_until_approval() {
    let app = TestApp::start_with(Settings { self_service: false, pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = Number::fresh();
    let account = tenant.client.post("/whatsapp-accounts", &claim(&number)).await.json(201);
    assert_eq!(account["status"], "pending");

    // The claim is pending, so the event has no tenant.
    app.deliver(&number.delivery(&[text("15550100", "early")])).await.expect(200);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events WHERE status = 'unroutable'").await, 1);
    assert_eq!(tenant.conversations().await.len(), 0);

    let mut tx = app.postgres.directory().await.unwrap();
    let id = account["id"].as_str().unwrap().parse().unwrap();
    let approved = AccountDirectory::approve_account(&mut *tx, id, app.clock.now()).await;
    assert!(settle(tx, approved).await.unwrap());

    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    assert_eq!(conversation["last_message_preview"], "early");
    let listed = tenant.client.get("/whatsapp-accounts").await.json(200);
    assert_eq!(listed["data"][0]["status"], "active");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn self_service_claim_is_active_unless_number_is_taken() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let number = Number::fresh();
    let account = ours.client.post("/whatsapp-accounts", &claim(&number)).await.json(201);
    assert_eq!(account["status"], "active");
    assert_eq!(account["name"], "Support");
    ours.client.post("/whatsapp-accounts", &claim(&number)).await.problem(409, "account_exists");
    theirs.client.post("/whatsapp-accounts", &claim(&number)).await.problem(409, "number_in_use");
    assert_eq!(theirs.client.get("/whatsapp-accounts").await.json(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_pending_claims_do_not_reveal_each_other() {
    let app = TestApp::start_with(Settings { self_service: false, ..Settings::default() }).await;
    let number = Number::fresh();
    for tenant in [app.tenant().await, app.tenant().await] {
        let account = tenant.client.post("/whatsapp-accounts", &claim(&number)).await.json(201);
        assert_eq!(account["status"], "pending");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_claim_lists_field_errors() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for (member, value) in [
        ("phone_number_id", json!("12a")),
        ("phone_number_id", json!("")),
        ("phone_number_id", Value::Null),
        ("waba_id", json!("x".repeat(65))),
        ("name", json!("a\u{0}b")),
        ("app", json!("deployment")),
        ("tenant_id", json!("0190b5a2-7e2f-7000-8000-000000000000")),
    ] {
        let mut body = claim(&Number::fresh());
        body[member] = value;
        let problem = tenant.client.post("/whatsapp-accounts", &body).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"), "{problem}");
    }
    assert_eq!(tenant.client.get("/whatsapp-accounts").await.json(200)["data"], json!([]));
    app.client.post("/whatsapp-accounts", &json!({"nonsense": true})).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn account_name_is_set_by_tenant() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let made = ours.client.post("/whatsapp-accounts", &claim(&Number::fresh())).await.json(201);
    assert_eq!((&made["app"], &made["health"]), (&Value::Null, &json!({})));
    let path = format!("/whatsapp-accounts/{}", made["id"].as_str().unwrap());
    assert_eq!(ours.client.get(&path).await.json(200), made);

    let patched = ours.client.patch(&path, &json!({"display_phone_number": "+1 555 010 0001"})).await.json(200);
    assert_eq!((&patched["name"], &patched["display_phone_number"]), (&json!("Support"), &json!("+1 555 010 0001")));
    let patched = ours.client.patch(&path, &json!({"name": " Sales ", "display_phone_number": null})).await.json(200);
    assert_eq!((&patched["name"], &patched["display_phone_number"]), (&json!("Sales"), &Value::Null));
    assert_eq!(ours.client.patch(&path, &json!({})).await.json(200), patched);
    assert_eq!(ours.client.get(&path).await.json(200), patched);
    let listed = ours.client.get("/whatsapp-accounts").await.json(200);
    assert_eq!(listed["data"], json!([patched]));

    for (member, value) in [
        ("name", json!("")),
        ("display_phone_number", json!("a\nb")),
        ("phone_number_id", json!("1")),
        ("status", json!("active")),
        ("app", Value::Null),
    ] {
        let problem = ours.client.patch(&path, &json!({ member: value })).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
    }
    for path in [path.as_str(), "/whatsapp-accounts/0190b5a2-7e2f-7000-8000-000000000000", "/whatsapp-accounts/x"] {
        theirs.client.get(path).await.problem(404, "not_found");
        theirs.client.patch(path, &json!({"name": "Mine"})).await.problem(404, "not_found");
        theirs.client.delete(path).await.problem(404, "not_found");
    }
    assert_eq!(ours.client.get(&path).await.json(200), patched);
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnected_number_keeps_history_gets_no_events() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = Number::fresh();
    let connect = async || tenant.client.post("/whatsapp-accounts", &claim(&number)).await.json(201);
    let account = connect().await;
    app.deliver(&number.delivery(&[text("15550100", "before")])).await.expect(200);
    let conversation = tenant.wait_for_conversations(1).await.remove(0);

    let path = format!("/whatsapp-accounts/{}", account["id"].as_str().unwrap());
    for _ in 0..2 {
        tenant.client.delete(&path).await.expect(204);
    }
    let given_up = tenant.client.get(&path).await.json(200);
    assert_eq!(given_up["status"], "disconnected");
    assert_eq!(tenant.client.get("/whatsapp-accounts").await.json(200)["data"], json!([given_up]));
    assert_eq!(tenant.conversations().await, std::slice::from_ref(&conversation));
    assert_eq!(tenant.messages(&conversation).await.len(), 1);

    app.deliver(&number.delivery(&[text("15550100", "meanwhile")])).await.expect(200);
    let account_level =
        json!({"entry": [{"id": number.waba_id, "changes": [{"field": "account_update", "value": {}}]}]});
    app.deliver(&account_level).await.expect(200);
    assert_eq!(app.events("status = 'unroutable'").await, 2);

    // The reconnected number is a new account with conversations of its own.
    let again = connect().await;
    assert_ne!(again["id"], account["id"]);
    let conversations = tenant.wait_for_conversations(2).await;
    assert_eq!(conversations[0]["last_message_preview"], "meanwhile");
    assert_eq!(conversations[0]["account_id"], again["id"]);
    app.wait_until_processed().await;
    assert_eq!(app.events("status = 'unroutable'").await, 0);
    assert_eq!(tenant.messages(&conversation).await.len(), 1);
    assert_eq!(tenant.client.get(&path).await.json(200)["status"], "disconnected");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_claim_cannot_be_approved() {
    let app = TestApp::start_with(Settings { self_service: false, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let account = tenant.client.post("/whatsapp-accounts", &claim(&Number::fresh())).await.json(201);
    let id = account["id"].as_str().unwrap();
    tenant.client.delete(&format!("/whatsapp-accounts/{id}")).await.expect(204);
    let mut tx = app.postgres.directory().await.unwrap();
    let approved = AccountDirectory::approve_account(&mut *tx, id.parse().unwrap(), app.clock.now()).await;
    assert!(!settle(tx, approved).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn number_health_from_meta_is_shown() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let account = tenant.client.post("/whatsapp-accounts", &claim(&Number::fresh())).await.json(201);
    let id = account["id"].as_str().unwrap();
    let health = json!({"quality": {"at": "2026-11-23T10:00:00Z", "detail": {"event": "DOWNGRADE"}}});
    let said = format!("UPDATE whatsapp_accounts SET health = '{health}' WHERE id = '{id}'");
    app.database.admin().await.batch_execute(&said).await.unwrap();
    let path = format!("/whatsapp-accounts/{id}");
    assert_eq!(tenant.client.get(&path).await.json(200)["health"], health);
    assert_eq!(tenant.client.patch(&path, &json!({"name": null})).await.json(200)["health"], health);
}
