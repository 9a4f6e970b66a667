//! Payment and past-due tenants.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{after_the_period, audited, choose, close_for, invoices, subscription};
use crate::kit::app::{TestApp, TestTenant};

async fn pay(tenant: &TestTenant, invoice: &Value) -> Value {
    let path = format!("/billing/invoices/{}/mark-paid", invoice["id"].as_str().unwrap());
    tenant.client.post(&path, &json!({})).await.json(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn past_due_ends_with_last_late_payment() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    assert_eq!(subscription(&tenant).await["status"], "active", "not due yet");
    app.clock.advance(TimeDelta::days(15));
    assert_eq!(close_for(&app, &tenant).await, 0);
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(subscription(&tenant).await["status"], "past_due");

    // A past-due tenant keeps working.
    app.clock.advance(TimeDelta::days(32));
    close_for(&app, &tenant).await;
    app.clock.advance(TimeDelta::days(15));
    let tenant = tenant.log_in_again(&app).await;
    let open = invoices(&tenant).await;
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|invoice| invoice["status"] == "open" && invoice["paid_at"].is_null()), "{open:#?}");
    let paid = pay(&tenant, &open[1]).await;
    assert_eq!((&paid["status"], paid["paid_at"].is_string()), (&json!("paid"), true));
    assert_eq!(subscription(&tenant).await["status"], "past_due", "another invoice is overdue");
    pay(&tenant, &open[0]).await;
    assert_eq!(subscription(&tenant).await["status"], "active");
    let states: Vec<Value> =
        audited(&tenant, "subscription.changed").await.iter().map(|it| it["changes"]["status"].clone()).collect();
    assert_eq!(states, ["active", "past_due", "active"], "latest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_payment_marks_invoice_paid_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    let invoice = invoices(&tenant).await.remove(0);
    let paid = join_all((0..5).map(|_| pay(&tenant, &invoice))).await;
    app.clock.advance(TimeDelta::minutes(1));
    let again = pay(&tenant, &invoice).await;
    assert!(paid.iter().all(|it| *it == again), "{paid:#?}");
    let path = format!("/billing/invoices/{}", invoice["id"].as_str().unwrap());
    assert_eq!(tenant.client.get(&path).await.json(200), again);
    let records = audited(&tenant, "invoice.paid").await;
    assert_eq!((records.len(), &records[0]["target"]["id"]), (1, &invoice["id"]));
    assert_eq!((&records[0]["actor"]["kind"], &records[0]["address"]), (&json!("user"), &json!(app.client.address())));
    for member in ["lines", "total", "number", "closed_at"] {
        assert_eq!(again[member], invoice[member], "no other member changed");
    }
}
