//! Closing billing periods.

use ::audit::Principal;
use ::billing::PaymentTerms;
use chrono::TimeDelta;
use flows::close_billing_periods;
use futures_util::future::join_all;
use kernel::Clock as _;
use serde_json::json;

use super::{
    after_the_period, audited, choose, close, close_for, invoices, isolated_app, lines, midnight, offer, save,
    subscription, today,
};
use crate::kit::api::{Invoice, Page, Party, column};
use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::text;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_closes_create_one_invoice() {
    let app = isolated_app().await;
    let mut tenants = Vec::new();
    for _ in 0..3 {
        let tenant = app.tenant().await;
        choose(&tenant, "starter").await;
        tenants.push(tenant);
    }
    assert_eq!(close(&app).await.invoices, 0, "no period has ended");
    app.clock.advance(TimeDelta::days(100));
    let others = [app.database.postgres(), app.database.postgres(), app.database.postgres()];
    let closings = join_all((0..9).map(|n| {
        let database = &others[n % others.len()];
        close_billing_periods(database, Principal::System, PaymentTerms::default(), &*app.clock)
    }));
    let closed: Vec<_> = closings.await.into_iter().map(Result::unwrap).collect();
    assert!(closed.iter().all(|done| done.failures.is_empty()), "{closed:?}");
    assert_eq!(closed.iter().map(|done| done.invoices).sum::<usize>(), 9, "three periods of three tenants");
    assert_eq!(close(&app).await.invoices, 0);

    for tenant in tenants {
        let tenant = tenant.log_in_again(&app).await;
        let invoices = invoices(&tenant).await;
        let numbers = column(&invoices, |invoice| invoice.number);
        assert_eq!(numbers, [3, 2, 1], "without gaps, latest first");
        for pair in invoices.windows(2) {
            assert_eq!(pair[0].period_start, pair[1].period_end);
        }
        let running = subscription(&tenant).await;
        assert_eq!(running.period_start, invoices[0].period_end);
        assert!(running.period_end.as_str() > midnight(today(&app)).as_str(), "{running:?}");
        let records = audited(&tenant, "invoice.closed").await;
        assert_eq!(records.len(), 3);
        assert!(records.iter().all(|it| it.actor == Party::without_id("system")), "{records:#?}");

        // Two pages, without invoices of other tenants.
        let page: Page<Invoice> = tenant.client.read("/billing/invoices?limit=2").await;
        let cursor = page.cursor();
        let rest: Page<Invoice> = tenant.client.read(&format!("/billing/invoices?limit=2&cursor={cursor}")).await;
        assert_eq!((rest.data[0].number, rest.next_cursor), (1, None));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn period_is_closed_one_hour_after_its_end() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let end: chrono::DateTime<chrono::Utc> = choose(&tenant, "starter").await.period_end.parse().unwrap();
    app.clock.advance(end - app.clock.now() + TimeDelta::minutes(59));
    assert_eq!(close_for(&app, &tenant).await, 0);
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(close_for(&app, &tenant).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_closes_ended_periods() {
    let app = isolated_app().await;
    app.clock.advance(TimeDelta::days(-40));
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    // The last of these days is today.
    let scheduler = app.start_another(Settings { pipeline: true, ..Settings::default() }).await;
    // Asked in the database, since the session of forty days ago has expired.
    let written = "SELECT count(*) FROM invoices";
    wait::until("the invoice", async || (app.database.count(written).await == 1).then_some(())).await;
    scheduler.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_message_of_suspended_tenant_counts_after_return() {
    let app = TestApp::start_with_pipeline().await;
    save(&app, &offer("metered", 100, 0, 5)).await;
    let tenant = app.tenant().await;
    choose(&tenant, "metered").await;
    let number = tenant.connect().await;
    app.process(&number.delivery(&[text("15550100", "before")])).await;
    app.suspend(&tenant).await;
    app.deliver(&number.delivery(&[text("15550100", "held")])).await.expect(200);
    app.clock.advance(TimeDelta::days(32));
    close_for(&app, &tenant).await;
    app.reactivate(&tenant).await;
    app.wait_until_processed().await;

    let tenant = tenant.log_in_again(&app).await;
    let closed = invoices(&tenant).await;
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].total.amount_minor, 105, "the month and the messages processed in it");
    assert_eq!(subscription(&tenant).await.usage.inbound_messages, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_trial_has_no_plan_until_one_is_chosen() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let begin = today(&app);
    let tenant = after_the_period(&app, &tenant).await;
    assert_eq!(close_for(&app, &tenant).await, 1);
    let trial = invoices(&tenant).await.remove(0);
    assert_eq!((trial.plan_code.as_str(), trial.status.as_str()), ("trial", "paid"));
    assert_eq!((trial.total.amount_minor, trial.period_start.as_str()), (0, midnight(begin).as_str()));
    assert_eq!(subscription(&tenant).await.status, "canceled");

    let tenant = after_the_period(&app, &tenant).await;
    assert_eq!(close_for(&app, &tenant).await, 0, "no subscription is active");
    super::put(&tenant.client, &json!({"plan_code": "trial"})).await.problem(422, "validation_failed");
    let running = choose(&tenant, "starter").await;
    assert_eq!((running.status.as_str(), running.plan_code.as_str()), ("active", "starter"));
    assert_eq!(running.period_start, midnight(today(&app)));
    assert_eq!(invoices(&tenant).await.len(), 1, "no invoice for the time between");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_plan_starts_after_previous_period_is_billed() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    choose(&tenant, "starter").await;
    // The ended period is not closed yet when another plan is chosen.
    let tenant = after_the_period(&app, &tenant).await;
    let running = choose(&tenant, "business").await;
    assert_eq!((running.plan_code.as_str(), running.next_plan_code.as_deref()), ("starter", Some("business")));
    let closed = invoices(&tenant).await;
    assert_eq!((closed.len(), closed[0].plan_code.as_str()), (1, "starter"));
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    assert_eq!(subscription(&tenant).await.plan_code, "business");
    assert_eq!(lines(&invoices(&tenant).await[0])[0].2, 1_900);
}

#[tokio::test(flavor = "multi_thread")]
async fn invoice_overflow_does_not_block_other_tenants() {
    let app = isolated_app().await;
    save(&app, &offer("dear", 0, 0, 1_000_000_000)).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    choose(&tenant, "dear").await;
    choose(&other, "starter").await;
    let impossible = format!(
        "INSERT INTO usage_days (tenant_id, day, slot, inbound_messages, active_contacts)
         VALUES ('$T', '{}', 0, {}, 0)",
        today(&app),
        i64::MAX
    );
    app.execute_for(&tenant, &impossible).await;
    let (tenant, other) = (after_the_period(&app, &tenant).await, other.log_in_again(&app).await);
    let done = close(&app).await;
    assert_eq!((done.invoices, done.failures.len()), (1, 1));
    assert_eq!(done.failures[0].tenant.to_string(), tenant.id);
    assert_eq!(invoices(&tenant).await, [], "no partial invoice");
    assert_eq!(invoices(&other).await.len(), 1);
    app.stop().await;
}
