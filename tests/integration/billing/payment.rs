//! Payment and past-due tenants.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use tokens::KeyScope;

use super::{after_the_period, audited, choose, close_for, invoices, subscription};
use crate::kit::api::{Invoice, Resource as _, column};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::operators::key;

async fn pay(tenant: &TestTenant, invoice: &Invoice) -> Invoice {
    tenant.client.post(&format!("{}/mark-paid", invoice.path()), &json!({})).await.body(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn past_due_ends_with_last_late_payment() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    assert_eq!(subscription(&tenant).await.status, "active", "not due yet");
    app.clock.advance(TimeDelta::days(15));
    assert_eq!(close_for(&app, &tenant).await, 0);
    let tenant = tenant.log_in_again(&app).await;
    assert_eq!(subscription(&tenant).await.status, "past_due");

    // A past-due tenant keeps working.
    app.clock.advance(TimeDelta::days(32));
    close_for(&app, &tenant).await;
    app.clock.advance(TimeDelta::days(15));
    let tenant = tenant.log_in_again(&app).await;
    let open = invoices(&tenant).await;
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|invoice| invoice.status == "open" && invoice.paid_at.is_none()), "{open:#?}");
    let paid = pay(&tenant, &open[1]).await;
    assert_eq!((paid.status.as_str(), paid.paid_at.is_some()), ("paid", true));
    assert_eq!(subscription(&tenant).await.status, "past_due", "another invoice is overdue");
    pay(&tenant, &open[0]).await;
    assert_eq!(subscription(&tenant).await.status, "active");
    let records = audited(&tenant, "subscription.changed").await;
    let states = column(&records, |record| &record.changes["status"]);
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
    assert_eq!(tenant.client.reload(&invoice).await, again);
    let records = audited(&tenant, "invoice.paid").await;
    assert_eq!((records.len(), records[0].target_id()), (1, invoice.id.as_str()));
    assert_eq!((records[0].actor.kind.as_str(), records[0].address.as_deref()), ("user", Some(app.client.address())));
    let unpaid = Invoice { status: invoice.status.clone(), paid_at: None, ..again };
    assert_eq!(unpaid, invoice, "no other member changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn debtor_cannot_mark_its_invoice_paid() {
    let app = TestApp::start_with(Settings { tenants_mark_paid: false, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    let invoice = invoices(&tenant).await.remove(0);
    let own = format!("{}/mark-paid", invoice.path());
    tenant.client.post(&own, &json!({})).await.problem(403, "payment_by_operators");
    assert_eq!(tenant.client.reload(&invoice).await, invoice);

    let path = format!("/platform/invoices/{}/mark-paid", invoice.id);
    tenant.client.post(&path, &json!({})).await.problem(403, "operators_only");
    let (_, _, other) = key(&app, &[KeyScope::TenantsWrite], None).await;
    other.post(&path, &json!({})).await.problem(403, "insufficient_scope");
    let (id, _, operator) = key(&app, &[KeyScope::BillingWrite], None).await;
    let missing = "/platform/invoices/0190b5a2-7e2f-7000-8000-000000000000/mark-paid";
    operator.post(missing, &json!({})).await.problem(404, "not_found");
    let paid: Invoice = operator.post(&path, &json!({})).await.body(200);
    assert_eq!((paid.status.as_str(), tenant.client.reload(&invoice).await), ("paid", paid.clone()));
    let [record] = &audited(&tenant, "invoice.paid").await[..] else { panic!("one record") };
    assert_eq!(
        (record.actor.kind.as_str(), record.actor.id.as_deref()),
        ("provisioning_key", Some(id.to_string().as_str()))
    );
}
