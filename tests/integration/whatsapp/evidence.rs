//! A signed delivery for a number proves more than Meta's report that the number is disconnected.

use chrono::TimeDelta;
use kernel::Clock as _;
use serde_json::{Value, json};

use crate::kit::api::{Resource as _, WhatsAppAccount};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::customer::{Customer, joined};
use crate::kit::meta::{Number, text};

/// A delivery for a number, about a customer.
type Deliver = fn(&Number, &Customer) -> Value;

async fn account(tenant: &TestTenant, number: &Number) -> WhatsAppAccount {
    let mut accounts = tenant.accounts().await;
    accounts.retain(|account| account.phone_number_id == number.phone_number_id);
    accounts.remove(0)
}

/// Meta's report that the business account was removed from the partner.
fn removed(number: &Number) -> Value {
    number.account_change(
        10,
        "account_update",
        &json!({"event": "PARTNER_REMOVED", "waba_info": {"waba_id": number.waba_id}}),
    )
}

fn message(number: &Number, body: &str) -> Value {
    number.delivery(&[text("15550100", body)])
}

/// A tenant whose number Meta has disconnected.
async fn disconnected(app: &TestApp) -> (TestTenant, Number) {
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.process(&removed(&number)).await;
    assert_eq!(account(&tenant, &number).await.status, "disconnected");
    app.clock.advance(TimeDelta::seconds(1));
    (tenant, number)
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_restores_a_number_that_meta_disconnected() {
    let app = TestApp::start_with_pipeline().await;
    let ada = Customer::fresh();
    let deliveries: [(&str, Deliver); 4] = [
        ("message", |number, _| message(number, "still here")),
        ("status", |number, ada| number.statuses(&[ada.status(100, "wamid.unknown", "read")])),
        ("smb_message_echoes", |number, ada| number.echoes(&[ada.echo(100, "text", json!({"body": "ours"}))])),
        ("history", |number, ada| number.history(&[(ada, &[ada.text(5, "earlier")])])),
    ];
    for (kind, delivery) in deliveries {
        let (tenant, number) = disconnected(&app).await;
        app.process(&delivery(&number, &ada)).await;
        let restored = account(&tenant, &number).await;
        assert_eq!(restored.status, "active", "{kind}");
        assert_eq!(restored.health["connection"]["detail"], "restored by a delivery", "{kind}");
        assert_eq!(restored.last_delivery.map(|last| last.kind).as_deref(), Some(kind));
        app.process(&message(&number, "and again")).await;
        assert!(tenant.conversations().await.iter().any(|it| it.last_message_preview == "and again"), "{kind}");
        // A later report counts again.
        app.clock.advance(TimeDelta::seconds(1));
        let later = number.account_change(4_000_000_000, "account_update", &json!({"event": "ACCOUNT_DELETED"}));
        app.process(&later).await;
        assert_eq!(account(&tenant, &number).await.status, "disconnected", "{kind}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_before_the_report_restores_nothing() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.process(&message(&number, "before")).await;
    app.process(&joined(&[message(&number, "with it"), removed(&number)])).await;
    assert_eq!(account(&tenant, &number).await.status, "disconnected");
    app.process(&removed(&number)).await;
    assert_eq!(
        account(&tenant, &number).await.status,
        "disconnected",
        "a repeated report is not a delivery of the number"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_restores_only_the_last_account_of_the_number() {
    let app = TestApp::start_with_pipeline().await;
    let elsewhere = |number: &Number| Number { waba_id: Number::fresh().waba_id, ..number.clone() };
    // Of another business account.
    let (tenant, number) = disconnected(&app).await;
    app.process(&message(&elsewhere(&number), "of another business account")).await;
    assert_eq!(account(&tenant, &number).await.status, "disconnected");

    // Another tenant has claimed the number since, and has disconnected it again.
    let (first, number) = disconnected(&app).await;
    let second = app.tenant().await;
    let claim = second.connect_number(&number).await;
    app.process(&message(&number, "for the second")).await;
    assert_eq!((first.conversations().await.len(), second.conversations().await.len()), (0, 1));
    second.client.delete(&claim.path()).await.expect(204);
    app.process(&message(&number, "for no account")).await;
    assert_eq!(account(&first, &number).await.status, "disconnected");
    assert_eq!((first.conversations().await.len(), second.conversations().await[0].unread_count), (0, 1));

    // Its tenant disconnected it.
    let (tenant, number) = disconnected(&app).await;
    tenant.client.delete(&account(&tenant, &number).await.path()).await.expect(204);
    app.process(&message(&number, "not wanted")).await;
    assert_eq!(account(&tenant, &number).await.status, "disconnected");
    assert_eq!(tenant.conversations().await, []);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_claim_keeps_a_disconnected_number_from_its_account() {
    let app = TestApp::start_with(Settings { self_service: false, pipeline: true, ..Settings::default() }).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let (own, number) = (tenant.meta_app().await, Number::fresh());
    tenant.connect_to(&own, &number).await;
    app.deliver_for_app(&own, &removed(&number)).await.expect(200);
    app.wait_until_processed().await;
    app.clock.advance(TimeDelta::seconds(1));
    // A claim on the deployment's app is about the deliveries of that app.
    assert_eq!(other.connect_number(&number).await.status, "pending");
    app.deliver_for_app(&own, &message(&number, "on the own app")).await.expect(200);
    app.wait_until_processed().await;
    assert_eq!((account(&tenant, &number).await.status.as_str(), tenant.conversations().await.len()), ("active", 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn account_shows_its_last_delivery() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, quiet, ada) = (tenant.connect().await, tenant.connect().await, Customer::fresh());
    assert_eq!(account(&tenant, &number).await.last_delivery, None);
    for (kind, delivery) in [
        ("message", message(&number, "hello")),
        ("status", number.statuses(&[ada.status(100, "wamid.unknown", "read")])),
        ("account_update", removed(&number)),
    ] {
        app.clock.advance(TimeDelta::minutes(1));
        app.process(&delivery).await;
        let last = account(&tenant, &number).await.last_delivery.unwrap();
        let age = app.clock.now() - last.at.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert!(last.kind == kind && age < TimeDelta::minutes(1) && age >= TimeDelta::zero(), "{kind}: {last:?}");
    }
    assert_eq!(account(&tenant, &quiet).await.last_delivery, None);
    app.finish().await;
}
