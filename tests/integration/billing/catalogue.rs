//! The plan catalogue, and subscriptions when a plan changes.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;

use super::{after_the_period, choose, close, invoices, isolated_app, lines, offer, put, save, subscription};
use crate::kit::api::{Money, Page, Plan, column};

const MIGRATIONS: [(&str, &str); 3] = [
    (
        include_str!("../../../migrations/2026-11-26-160000_subscriptions/up.sql"),
        include_str!("../../../migrations/2026-11-26-160000_subscriptions/down.sql"),
    ),
    (
        include_str!("../../../migrations/2026-11-26-160100_usage/up.sql"),
        include_str!("../../../migrations/2026-11-26-160100_usage/down.sql"),
    ),
    (
        include_str!("../../../migrations/2026-11-26-160200_invoices/up.sql"),
        include_str!("../../../migrations/2026-11-26-160200_invoices/down.sql"),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn new_deployment_has_default_plans() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let plans: Page<Plan> = tenant.client.read("/billing/plans").await;
    let codes = column(&plans.data, |plan| plan.code.as_str());
    assert_eq!(codes, ["starter", "business", "trial"]);
    assert_eq!(plans.next_cursor, None);
    let expected = Plan {
        code: "starter".to_owned(),
        name: "Starter".to_owned(),
        price: Money::euro_cents(1900),
        included_messages: 1000,
        price_per_message: Money::euro_cents(2),
    };
    assert_eq!(plans.data[0], expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn price_change_keeps_running_and_closed_periods() {
    let app = isolated_app().await;
    save(&app, &offer("metered", 100, 10, 5)).await;
    let tenant = app.tenant().await;
    let first = choose(&tenant, "metered").await;
    save(&app, &offer("metered", 700, 0, 9)).await;
    let running = choose(&tenant, "metered").await;
    assert_eq!((&running.price, running.included_messages), (&first.price, 10));

    let tenant = after_the_period(&app, &tenant).await;
    close(&app).await;
    let closed = invoices(&tenant).await;
    assert_eq!(closed[0].total.amount_minor, 100);
    assert_eq!(subscription(&tenant).await.price.amount_minor, 700, "the next period has the new price");
    save(&app, &offer("metered", 1, 0, 1)).await;
    assert_eq!(invoices(&tenant).await, closed);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_plan_keeps_subscribers_but_takes_no_new_ones() {
    let app = isolated_app().await;
    let plan = offer("metered", 100, 10, 5);
    save(&app, &plan).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    choose(&tenant, "metered").await;
    save(&app, &::billing::Offer { available: false, ..plan }).await;
    put(&other.client, &json!({"plan_code": "metered"})).await.problem(422, "validation_failed");
    let plans: Vec<Plan> = tenant.client.list("/billing/plans").await;
    assert!(plans.iter().all(|plan| plan.code != "metered"), "{plans:#?}");
    choose(&tenant, "metered").await;
    let tenant = after_the_period(&app, &tenant).await;
    close(&app).await;
    let running = subscription(&tenant).await;
    assert_eq!((running.plan_code.as_str(), running.status.as_str()), ("metered", "active"));
    assert_eq!(lines(&invoices(&tenant).await[0])[0].2, 100);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_older_than_billing_starts_with_trial() {
    let app = isolated_app().await;
    let tenant = app.tenant().await;
    let mut admin = app.database.admin().await;
    let as_owner = |statements: &str| format!("BEGIN; SET LOCAL ROLE parley_owner; {statements}; COMMIT");
    for (_, down) in MIGRATIONS.iter().rev() {
        admin.batch_execute(&as_owner(down)).await.unwrap();
    }
    for (up, _) in MIGRATIONS {
        admin.batch_execute(&as_owner(up)).await.unwrap();
    }
    let trial = subscription(&tenant).await;
    assert_eq!((trial.plan_code.as_str(), trial.status.as_str()), ("trial", "trialing"));
    choose(&tenant, "starter").await;
    app.stop().await;
}
