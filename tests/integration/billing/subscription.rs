//! Subscriptions: choosing, changing and cancelling a plan.

use chrono::{Months, TimeDelta};
use futures_util::future::join_all;
use serde_json::json;

use super::{after_the_period, audited, choose, close_for, invoices, midnight, put, subscription, today};
use crate::kit::api::{Money, Subscription, column};
use crate::kit::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_starts_trial_of_one_month() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let begin = today(&app);
    let trial = subscription(&tenant).await;
    assert_eq!((trial.plan_code.as_str(), trial.status.as_str()), ("trial", "trialing"));
    let end = begin.checked_add_months(Months::new(1)).unwrap();
    assert_eq!(
        (trial.period_start.as_str(), trial.period_end.as_str()),
        (midnight(begin).as_str(), midnight(end).as_str())
    );
    assert_eq!((&trial.price, trial.version), (&Money::euro_cents(0), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_plan_replaces_trial_at_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let begin = today(&app);
    app.clock.advance(TimeDelta::days(3));
    let tenant = tenant.log_in_again(&app).await;
    let running = choose(&tenant, "starter").await;
    assert_eq!((running.plan_code.as_str(), running.status.as_str()), ("starter", "active"));
    assert_eq!(running.period_start, midnight(today(&app)));
    assert_eq!(running.price, Money::euro_cents(1900));
    assert_eq!(subscription(&tenant).await, running);
    let trial = invoices(&tenant).await;
    assert_eq!(
        (trial[0].period_start.as_str(), &trial[0].period_end),
        (midnight(begin).as_str(), &running.period_start)
    );
    assert_eq!((trial.len(), trial[0].status.as_str()), (1, "paid"));

    // Choosing the same plan again changes nothing and writes no audit record.
    assert_eq!(choose(&tenant, "starter").await, running);
    let records = audited(&tenant, "subscription.changed").await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0].changes["plan_code"], records[0].actor.kind.as_str()), (&json!("starter"), "user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_change_or_cancellation_takes_effect_next_period() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let first = choose(&tenant, "starter").await;
    let waiting = choose(&tenant, "business").await;
    assert_eq!((waiting.plan_code.as_str(), waiting.next_plan_code.as_deref()), ("starter", Some("business")));
    assert_eq!((&waiting.period_end, &waiting.price), (&first.period_end, &first.price));
    let ends_with_it = json!({"plan_code": "business", "cancel_at_period_end": true});
    let problem = put(&tenant.client, &ends_with_it).await.problem(422, "validation_failed");
    assert_eq!(problem.pointer(), "/cancel_at_period_end");

    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    let second = subscription(&tenant).await;
    assert_eq!((second.plan_code.as_str(), second.next_plan_code.as_deref()), ("business", None));
    assert_eq!(second.period_start, first.period_end);

    let ending: Subscription = put(&tenant.client, &ends_with_it).await.body(200);
    assert_eq!((ending.cancel_at_period_end, ending.status.as_str()), (true, "active"));
    assert!(!choose(&tenant, "business").await.cancel_at_period_end, "taken back");
    put(&tenant.client, &ends_with_it).await.expect(200);
    let tenant = after_the_period(&app, &tenant).await;
    close_for(&app, &tenant).await;
    assert_eq!(subscription(&tenant).await.status, "canceled");
    let invoices = invoices(&tenant).await;
    assert_eq!(column(&invoices, |invoice| invoice.plan_code.as_str()), ["business", "starter"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_plan_choice_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let before = subscription(&tenant).await;
    for (body, pointer) in [
        (json!({"plan_code": "gold"}), "/plan_code"),
        (json!({"plan_code": ""}), "/plan_code"),
        (json!({"plan_code": "' OR 1=1"}), "/plan_code"),
        (json!({"plan_code": null}), "/plan_code"),
        (json!({}), "/plan_code"),
        (json!({"plan_code": "starter", "price": 1}), "/price"),
        (json!({"plan_code": "starter", "status": "active"}), "/status"),
        (json!({"plan_code": "starter", "cancel_at_period_end": null}), "/cancel_at_period_end"),
    ] {
        let problem = put(&tenant.client, &body).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
    }
    put(&tenant.client, &json!({"plan_code": "starter", "version": 2})).await.problem(409, "stale_version");
    assert_eq!(subscription(&tenant).await, before);
    let chosen: Subscription = put(&tenant.client, &json!({"plan_code": "starter", "version": 1})).await.body(200);
    assert_eq!(chosen.version, 2);
    let problem = put(&tenant.client, &json!({"plan_code": "trial"})).await.problem(422, "validation_failed");
    assert_eq!(problem.pointer(), "/plan_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_plan_choices_start_one_plan() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    app.clock.advance(TimeDelta::days(3));
    let tenant = tenant.log_in_again(&app).await;
    let answers = join_all((0..10).map(|n| {
        let (tenant, plan) = (&tenant, if n % 2 == 0 { "starter" } else { "business" });
        async move { choose(tenant, plan).await }
    }))
    .await;
    let running = subscription(&tenant).await;
    assert!(answers.iter().all(|it| it.plan_code == running.plan_code), "{answers:#?}");
    assert_eq!(invoices(&tenant).await.len(), 1, "only the trial's");
    // With the version that both read, one of two requests is stale.
    let version = running.version;
    let next = |plan: &str| json!({"plan_code": plan, "version": version, "cancel_at_period_end": false});
    let other = if running.plan_code == "starter" { "business" } else { "starter" };
    let body = if running.next_plan_code.is_none() { next(other) } else { next(&running.plan_code) };
    let answers = join_all((0..6).map(|_| put(&tenant.client, &body))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(accepted, 1);
    answers.iter().filter(|it| it.status != 200).for_each(|it| drop(it.problem(409, "stale_version")));
}
