//! Connecting WhatsApp numbers.

use flows::{Database, settle};
use inbound::AccountDirectory;
use kernel::Clock;
use serde_json::{Value, json};

use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::{Number, text};

fn claim(number: &Number) -> Value {
    json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "name": "Support"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_approval_and_what_came_meanwhile_is_kept() {
    let app = TestApp::start_with(Settings { self_service: false, pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = Number::fresh();
    let account = tenant.client.post("/whatsapp-accounts", &claim(&number)).await.json(201);
    assert_eq!(account["status"], "pending");

    // Not ours yet, so the message belongs to nobody.
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
async fn self_service_believes_a_claim_but_a_number_has_one_tenant() {
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
async fn two_may_wait_for_the_same_number_and_learn_nothing_of_each_other() {
    let app = TestApp::start_with(Settings { self_service: false, ..Settings::default() }).await;
    let number = Number::fresh();
    for tenant in [app.tenant().await, app.tenant().await] {
        let account = tenant.client.post("/whatsapp-accounts", &claim(&number)).await.json(201);
        assert_eq!(account["status"], "pending");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_claims_are_told_what_is_wrong() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for (member, value) in [
        ("phone_number_id", json!("12a")),
        ("phone_number_id", json!("")),
        ("phone_number_id", Value::Null),
        ("waba_id", json!("x".repeat(65))),
        ("name", json!("a\u{0}b")),
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
