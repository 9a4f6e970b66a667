//! Billing: plans, subscriptions, usage, invoices.

mod access;
mod catalogue;
mod closing;
mod command_line;
mod payment;
mod subscription;
mod usage;

use ::audit::Principal;
use ::billing::{Money, Offer, PaymentTerms, Plan, Terms};
use chrono::{NaiveDate, TimeDelta};
use flows::{BillingRun, Database as _, close_billing_periods, close_tenant_periods, save_plan, settle};
use kernel::{Clock as _, TenantScope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{AuditRecord, Invoice, Subscription, column};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::client::{Client, Response};
use crate::kit::operators::operator;

/// Has a database of its own, so that a billing run closes no other test's periods.
async fn isolated_app() -> TestApp {
    TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await
}

fn scope(tenant: &TestTenant) -> TenantScope {
    crate::transactions::scope_of(tenant.id.parse().unwrap())
}

/// Creates a plan; prices are in euro cents.
fn offer(code: &str, monthly: i64, included: u64, message: i64) -> Offer {
    let euros = |minor| Money::new(minor, "EUR".parse().unwrap());
    let terms = Terms::new(euros(monthly), included, euros(message)).unwrap();
    Offer { plan: Plan::new(code.parse().unwrap(), code.parse().unwrap(), terms).unwrap(), available: true }
}

async fn save(app: &TestApp, offer: &Offer) {
    let mut tx = app.postgres.operator().await.unwrap();
    let saved = save_plan(operator(), &mut *tx, offer, &*app.clock).await;
    settle(tx, saved).await.unwrap();
}

async fn put(client: &Client, body: &Value) -> Response {
    let client = client.with("content-type", "application/json");
    client.send(Method::PUT, "/billing/subscription", Some(body.to_string().into())).await
}

/// Chooses a plan and returns the subscription.
async fn choose(tenant: &TestTenant, plan: &str) -> Subscription {
    put(&tenant.client, &json!({"plan_code": plan})).await.body(200)
}

async fn subscription(tenant: &TestTenant) -> Subscription {
    tenant.client.read("/billing/subscription").await
}

async fn invoices(tenant: &TestTenant) -> Vec<Invoice> {
    tenant.client.all().await
}

/// Description, quantity and amount of each invoice line.
fn lines(invoice: &Invoice) -> Vec<(&str, u64, i64)> {
    column(&invoice.lines, |line| (line.description.as_str(), line.quantity, line.amount.amount_minor))
}

/// Closes ended periods as the scheduler does.
async fn close(app: &TestApp) -> BillingRun {
    close_billing_periods(&app.postgres, Principal::System, PaymentTerms::default(), &*app.clock).await.unwrap()
}

/// Closes one tenant's ended periods and returns the number of invoices.
async fn close_for(app: &TestApp, tenant: &TestTenant) -> usize {
    let mut tx = app.postgres.tenant(&scope(tenant)).await.unwrap();
    let closed = close_tenant_periods(&mut *tx, Principal::System, PaymentTerms::default(), &*app.clock).await;
    settle(tx, closed).await.unwrap()
}

fn today(app: &TestApp) -> NaiveDate {
    app.clock.now().date_naive()
}

/// The start of a day as the API writes it.
fn midnight(day: NaiveDate) -> String {
    format!("{day}T00:00:00Z")
}

/// Moves the clock past the end of the current period and logs in again.
async fn after_the_period(app: &TestApp, tenant: &TestTenant) -> TestTenant {
    app.clock.advance(TimeDelta::days(32));
    tenant.log_in_again(app).await
}

/// The tenant's audit records of an action, latest first.
async fn audited(tenant: &TestTenant, action: &str) -> Vec<AuditRecord> {
    tenant.client.list(&format!("/audit-log?limit=100&action={action}")).await
}
