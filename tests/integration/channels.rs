//! Connecting WhatsApp numbers.

use channels::AccountDirectory;
use flows::{Database, settle};
use kernel::Clock;
use serde_json::{Value, json};

use crate::kit::api::{Resource as _, WhatsAppAccount};
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
    let account: WhatsAppAccount = tenant.client.create(&claim(&number)).await;
    assert_eq!(account.status, "pending");

    // The claim is pending, so the event has no tenant.
    app.deliver(&number.delivery(&[text("15550100", "early")])).await.expect(200);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_events WHERE status = 'unroutable'").await, 1);
    assert_eq!(tenant.conversations().await.len(), 0);

    let mut tx = app.postgres.directory().await.unwrap();
    let id = account.id.parse().unwrap();
    let approved = AccountDirectory::approve_account(&mut *tx, id, app.clock.now()).await;
    assert!(settle(tx, approved).await.unwrap().is_some());

    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    assert_eq!(conversation.last_message_preview, "early");
    assert_eq!(tenant.accounts().await[0].status, "active");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn self_service_claim_is_active_unless_number_is_taken() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let number = Number::fresh();
    let account: WhatsAppAccount = ours.client.create(&claim(&number)).await;
    assert_eq!(account.status, "active");
    assert_eq!(account.name.as_deref(), Some("Support"));
    ours.client.post("/whatsapp-accounts", &claim(&number)).await.problem(409, "account_exists");
    theirs.client.post("/whatsapp-accounts", &claim(&number)).await.problem(409, "number_in_use");
    assert_eq!(theirs.accounts().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_pending_claims_do_not_reveal_each_other() {
    let app = TestApp::start_with(Settings { self_service: false, ..Settings::default() }).await;
    let number = Number::fresh();
    for tenant in [app.tenant().await, app.tenant().await] {
        let account: WhatsAppAccount = tenant.client.create(&claim(&number)).await;
        assert_eq!(account.status, "pending");
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
        assert_eq!(problem.pointer(), format!("/{member}"), "{problem}");
    }
    assert_eq!(tenant.accounts().await, []);
    app.client.post("/whatsapp-accounts", &json!({"nonsense": true})).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn account_name_is_set_by_tenant() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let made: WhatsAppAccount = ours.client.create(&claim(&Number::fresh())).await;
    assert_eq!((made.app.as_deref(), &made.health), (None, &json!({})));
    let path = made.path();
    assert_eq!(ours.client.reload(&made).await, made);

    let patched: WhatsAppAccount =
        ours.client.patch(&path, &json!({"display_phone_number": "+1 555 010 0001"})).await.body(200);
    assert_eq!(
        (patched.name.as_deref(), patched.display_phone_number.as_deref()),
        (Some("Support"), Some("+1 555 010 0001"))
    );
    let patched: WhatsAppAccount =
        ours.client.patch(&path, &json!({"name": " Sales ", "display_phone_number": null})).await.body(200);
    assert_eq!((patched.name.as_deref(), patched.display_phone_number.as_deref()), (Some("Sales"), None));
    assert_eq!(ours.client.patch(&path, &json!({})).await.body::<WhatsAppAccount>(200), patched);
    assert_eq!(ours.client.reload(&made).await, patched);
    assert_eq!(ours.accounts().await, std::slice::from_ref(&patched));

    for (member, value) in [
        ("name", json!("")),
        ("display_phone_number", json!("a\nb")),
        ("phone_number_id", json!("1")),
        ("status", json!("active")),
        ("app", Value::Null),
    ] {
        let problem = ours.client.patch(&path, &json!({ member: value })).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), format!("/{member}"));
    }
    for path in [path.as_str(), "/whatsapp-accounts/0190b5a2-7e2f-7000-8000-000000000000", "/whatsapp-accounts/x"] {
        theirs.client.get(path).await.problem(404, "not_found");
        theirs.client.patch(path, &json!({"name": "Mine"})).await.problem(404, "not_found");
        theirs.client.delete(path).await.problem(404, "not_found");
    }
    assert_eq!(ours.client.reload(&made).await, patched);
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnected_number_keeps_history_gets_no_events() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = Number::fresh();
    let connect = async || -> WhatsAppAccount { tenant.client.create(&claim(&number)).await };
    let account = connect().await;
    app.deliver(&number.delivery(&[text("15550100", "before")])).await.expect(200);
    let conversation = tenant.wait_for_conversations(1).await.remove(0);

    let path = account.path();
    for _ in 0..2 {
        tenant.client.delete(&path).await.expect(204);
    }
    let disconnected: WhatsAppAccount = tenant.client.read(&path).await;
    assert_eq!(disconnected.status, "disconnected");
    assert_eq!(tenant.accounts().await, std::slice::from_ref(&disconnected));
    assert_eq!(tenant.conversations().await, std::slice::from_ref(&conversation));
    assert_eq!(tenant.messages(&conversation).await.len(), 1);

    app.deliver(&number.delivery(&[text("15550100", "meanwhile")])).await.expect(200);
    let account_level =
        json!({"entry": [{"id": number.waba_id, "changes": [{"field": "account_update", "value": {}}]}]});
    app.deliver(&account_level).await.expect(200);
    assert_eq!(app.events("status = 'unroutable'").await, 2);

    // The reconnected number is a new account with conversations of its own.
    let again = connect().await;
    assert_ne!(again.id, account.id);
    let conversations = tenant.wait_for_conversations(2).await;
    assert_eq!(conversations[0].last_message_preview, "meanwhile");
    assert_eq!(conversations[0].account_id, again.id);
    app.wait_until_processed().await;
    assert_eq!(app.events("status = 'unroutable'").await, 0);
    assert_eq!(tenant.messages(&conversation).await.len(), 1);
    assert_eq!(tenant.client.reload(&account).await.status, "disconnected");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_claim_cannot_be_approved() {
    let app = TestApp::start_with(Settings { self_service: false, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let account: WhatsAppAccount = tenant.client.create(&claim(&Number::fresh())).await;
    tenant.client.delete(&account.path()).await.expect(204);
    let mut tx = app.postgres.directory().await.unwrap();
    let approved = AccountDirectory::approve_account(&mut *tx, account.id.parse().unwrap(), app.clock.now()).await;
    assert!(settle(tx, approved).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn number_health_from_meta_is_shown() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let account: WhatsAppAccount = tenant.client.create(&claim(&Number::fresh())).await;
    let health = json!({"quality": {"at": "2026-11-23T10:00:00Z", "detail": {"event": "DOWNGRADE"}}});
    app.database
        .execute(&format!("UPDATE whatsapp_accounts SET health = '{health}' WHERE id = '{}'", account.id))
        .await;
    assert_eq!(tenant.client.reload(&account).await.health, health);
    let patched: WhatsAppAccount = tenant.client.patch(&account.path(), &json!({"name": null})).await.body(200);
    assert_eq!(patched.health, health);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_events_go_to_tenant_that_had_the_number() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (first, second, number) = (app.tenant().await, app.tenant().await, Number::fresh());
    app.deliver(&number.delivery(&[text("15550100", "for whoever comes first")])).await.expect(200);
    let account: WhatsAppAccount = first.client.create(&claim(&number)).await;
    first.wait_for_conversations(1).await;
    app.clock.advance(chrono::TimeDelta::minutes(1));
    first.client.delete(&account.path()).await.expect(204);
    app.deliver(&number.delivery(&[text("15550101", "for the first")])).await.expect(200);
    app.clock.advance(chrono::TimeDelta::minutes(1));

    // Another tenant gets what arrives from now on, and nothing that was meant for the first.
    let taken: WhatsAppAccount = second.client.create(&claim(&number)).await;
    app.deliver(&number.delivery(&[text("15550102", "for the second")])).await.expect(200);
    let conversations = second.wait_for_conversations(1).await;
    assert_eq!(conversations[0].last_message_preview, "for the second");
    assert_eq!(app.events("status = 'unroutable'").await, 1);
    second.client.delete(&taken.path()).await.expect(204);
    app.clock.advance(chrono::TimeDelta::minutes(1));
    first.client.create::<WhatsAppAccount>(&claim(&number)).await;
    first.wait_for_conversations(2).await;
    app.wait_until_processed().await;
    assert_eq!(app.events("status = 'unroutable'").await, 0);
    assert_eq!(second.conversations().await.len(), 1);
    app.finish().await;
}
