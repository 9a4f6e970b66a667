//! Permissions of the billing endpoints.

use serde_json::json;

use super::{after_the_period, choose, close_for, invoices, put};
use crate::kit::api::{Invoice, Resource as _};
use crate::kit::app::TestApp;
use crate::kit::meta::fresh_digits;
use crate::kit::users::TestUser;

const READING: [&str; 4] = ["/billing/plans", "/billing/subscription", "/billing/usage", "/billing/invoices"];

#[tokio::test(flavor = "multi_thread")]
async fn billing_endpoints_follow_system_roles() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    let invoice = invoices(&tenant).await[0].path();
    let pay = format!("{invoice}/mark-paid");
    let plan = json!({"plan_code": "starter"});

    for role in ["admin", "agent", "viewer"] {
        let TestUser { client, .. } = app.user(&tenant, Some(role)).await;
        for path in READING.iter().chain([&invoice.as_str()]) {
            let answer = client.get(path).await;
            if role == "admin" {
                answer.expect(200);
            } else {
                answer.problem(403, "insufficient_scope");
            }
        }
        put(&client, &plan).await.problem(403, "insufficient_scope");
        client.post(&pay, &json!({})).await.problem(403, "insufficient_scope");
    }
    assert_eq!(tenant.client.read::<Invoice>(&invoice).await.status, "open");
    let reader = app.user_with_permissions(&tenant, &["billing:read"]).await;
    reader.client.get(&invoice).await.expect(200);
    reader.client.post(&pay, &json!({})).await.problem(403, "insufficient_scope");

    let clerk = app.user(&tenant, Some("billing")).await;
    for path in READING {
        clerk.client.get(path).await.expect(200);
    }
    put(&clerk.client, &plan).await.expect(200);
    assert_eq!(clerk.client.post(&pay, &json!({})).await.body::<Invoice>(200).status, "paid");
    tenant.client.post(&pay, &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn invoice_of_other_tenant_is_not_found() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    choose(&tenant, "starter").await;
    let (tenant, other) = (after_the_period(&app, &tenant).await, other.log_in_again(&app).await);
    close_for(&app, &tenant).await;
    close_for(&app, &other).await;
    let theirs = invoices(&tenant).await.remove(0).id;
    for id in [theirs.as_str(), "0190b5a2-7e2f-7000-8000-000000000000", "1", &fresh_digits()] {
        other.client.get(&format!("/billing/invoices/{id}")).await.problem(404, "not_found");
        other.client.post(&format!("/billing/invoices/{id}/mark-paid"), &json!({})).await.problem(404, "not_found");
    }
    assert_eq!(invoices(&tenant).await[0].status, "open");
    let ours = invoices(&other).await;
    assert_eq!((ours.len(), ours[0].plan_code.as_str()), (1, "trial"), "only the tenant's own");
}
