//! What the deliveries of a tenant's own Meta app can reach.

use flows::requeue_held_and_unroutable;
use serde_json::json;

use crate::kit::api::{Resource as _, WhatsAppAccount};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::meta::{MetaApp, Number, text};
use crate::kit::wait::until;

async fn with_pipeline() -> TestApp {
    TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await
}

async fn isolated_app() -> TestApp {
    TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await
}

async fn previews(tenant: &TestTenant) -> Vec<String> {
    tenant.conversations().await.into_iter().map(|conversation| conversation.last_message_preview).collect()
}

/// Delivers events for a number of this tenant, signed by another tenant's app: nothing of this tenant may change, and
/// the genuine delivery of the same message must still be stored.
async fn attack(app: &TestApp, ours: &TestTenant, number: &Number, genuine: Option<&MetaApp>) {
    let attacker = app.tenant().await;
    let theirs = attacker.meta_app().await;
    attacker.connect_to(&theirs, &Number::fresh()).await;
    let mut message = text("15550100", "forged");
    app.deliver_for_app(&theirs, &number.delivery(&[message.clone()])).await.expect(200);
    let account_level = json!({"entry": [{"id": number.waba_id, "changes": [
        {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}]}]});
    app.deliver_for_app(&theirs, &account_level).await.expect(200);
    app.wait_until_processed().await;
    assert_eq!(ours.conversations().await, []);
    let of_theirs = format!("app_id = '{}' AND tenant_id = '{}' AND status = 'unroutable'", theirs.key, attacker.id);
    assert_eq!(app.events(&of_theirs).await, 2);
    assert_eq!(app.events(&format!("tenant_id = '{}'", ours.id)).await, 0);

    message["text"]["body"] = json!("genuine");
    let delivery = number.delivery(&[message]);
    match genuine {
        Some(own) => app.deliver_for_app(own, &delivery).await.expect(200),
        None => app.deliver(&delivery).await.expect(200),
    }
    ours.wait_for_conversations(1).await;
    assert_eq!(previews(ours).await, ["genuine"]);

    // If the attacker connects the number to their own app later, they get what their app sent, and only that.
    attacker.connect_to(&theirs, number).await;
    attacker.wait_for_conversations(1).await;
    app.wait_until_processed().await;
    assert_eq!(previews(&attacker).await, ["forged"]);
    assert_eq!(previews(ours).await, ["genuine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_app_cannot_reach_accounts_of_deployment_app() {
    let app = with_pipeline().await;
    let ours = app.tenant().await;
    let number = ours.connect().await;
    attack(&app, &ours, &number, None).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_app_cannot_reach_accounts_of_other_apps() {
    let app = with_pipeline().await;
    let ours = app.tenant().await;
    let (own, number) = (ours.meta_app().await, Number::fresh());
    let account = ours.connect_to(&own, &number).await;
    assert_eq!((account.status.as_str(), account.app.as_deref()), ("active", Some(own.key.as_str())));
    attack(&app, &ours, &number, Some(&own)).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_on_two_apps_is_two_accounts() {
    let app = with_pipeline().await;
    let (one, two) = (app.tenant().await, app.tenant().await);
    let (first, second) = (one.meta_app().await, two.meta_app().await);
    let number = Number::fresh();
    one.connect_to(&first, &number).await;
    two.connect_to(&second, &number).await;
    let delivery = number.delivery(&[text("15550100", "once each")]);
    for own in [&first, &second, &first] {
        app.deliver_for_app(own, &delivery).await.expect(200);
    }
    app.deliver(&delivery).await.expect(200);
    app.wait_until_processed().await;
    for tenant in [&one, &two] {
        let conversation = tenant.wait_for_conversations(1).await.remove(0);
        assert_eq!(tenant.messages(&conversation).await.len(), 1);
    }
    // No tenant has connected it to the deployment's app.
    assert_eq!(app.events("app_id = 'deployment' AND status = 'unroutable'").await, 1);
    assert_eq!(app.events("true").await, 3);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_app_delivery_stores_only_its_own_numbers() {
    let app = with_pipeline().await;
    let (ours, theirs) = (app.tenant().await, app.tenant().await);
    let own = ours.meta_app().await;
    let (one, two, not_its_own) = (Number::fresh(), Number::fresh(), theirs.connect().await);
    for number in [&one, &two] {
        ours.connect_to(&own, number).await;
    }
    let mut delivery = one.delivery(&[text("15550101", "one")]);
    let others = [&two, &not_its_own].map(|number| number.delivery(&[text("15550102", "other")])["entry"][0].clone());
    delivery["entry"].as_array_mut().unwrap().extend(others);
    app.deliver_for_app(&own, &delivery).await.expect(200);
    ours.wait_for_conversations(2).await;
    app.wait_until_processed().await;
    assert_eq!(theirs.conversations().await, []);
    assert_eq!(app.events("status = 'unroutable'").await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_without_number_is_routed_by_business_account() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    let (older, newer) = (Number::fresh(), Number::fresh());
    let newer = Number { waba_id: older.waba_id.clone(), ..newer };
    let mut accounts = Vec::new();
    for number in [&older, &newer] {
        accounts.push(tenant.connect_to(&own, number).await);
        app.clock.advance(chrono::TimeDelta::seconds(1));
    }
    let mut sent = 0;
    let mut routed = async || {
        sent += 1;
        let change = json!({"field": "account_update", "value": {"event": "SAID", "number": sent}});
        app.deliver_for_app(&own, &json!({"entry": [{"id": older.waba_id, "changes": [change]}]})).await.expect(200);
        let mut counts = Vec::new();
        for account in &accounts {
            counts.push(app.events(&format!("account_id = '{}'", account.id)).await);
        }
        counts.push(app.events("status = 'unroutable'").await);
        counts
    };
    // As Meta's event does, which nothing processes here.
    let disconnect_by_meta = async |account: &WhatsAppAccount| {
        let statement = format!(
            "UPDATE whatsapp_accounts SET status = 'disconnected', disconnected_by = 'meta' WHERE id = '{}'",
            account.id
        );
        app.database.execute(&statement).await;
    };
    assert_eq!(routed().await, [1, 0, 0], "the oldest");
    disconnect_by_meta(&accounts[0]).await;
    assert_eq!(routed().await, [1, 1, 0], "an active account before one that Meta disconnected");
    disconnect_by_meta(&accounts[1]).await;
    assert_eq!(routed().await, [2, 1, 0], "an account that Meta disconnected gets the reinstatement");
    tenant.client.delete(&accounts[0].path()).await.expect(204);
    assert_eq!(routed().await, [2, 2, 0], "an account that its tenant disconnected does not");
    tenant.client.delete(&accounts[1].path()).await.expect(204);
    assert_eq!(routed().await, [2, 2, 1], "also when Meta had disconnected it before");

    // Unroutable events follow the same rules when they are assigned.
    let requeued = async || requeue_held_and_unroutable(&app.postgres, 10, &*app.clock).await.unwrap();
    assert_eq!(requeued().await, 0);
    disconnect_by_meta(&accounts[1]).await;
    assert_eq!(requeued().await, 1);
    assert_eq!(app.events(&format!("account_id = '{}' AND status = 'received'", accounts[1].id)).await, 3);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unroutable_events_are_processed_on_connect() {
    // Without a relay there is no sweep.
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let own = tenant.meta_app().await;
    let number = Number::fresh();
    app.deliver_for_app(&own, &number.delivery(&[text("15550100", "early")])).await.expect(200);
    app.deliver(&number.delivery(&[text("15550100", "elsewhere")])).await.expect(200);
    assert_eq!(app.events("status = 'unroutable'").await, 2);
    tenant.connect_to(&own, &number).await;
    until("the event to be processed", async || {
        let received = format!("status = 'received' AND tenant_id = '{}' AND app_id = '{}'", tenant.id, own.key);
        (app.events(&received).await == 1).then_some(())
    })
    .await;
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_outbox WHERE tenant_id IS NOT NULL").await, 1);
    assert_eq!(app.events("status = 'unroutable' AND app_id = 'deployment'").await, 1);
    app.stop().await;
}
