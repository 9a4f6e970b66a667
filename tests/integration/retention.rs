//! Retention of events, responses and attempts, and the backlog metrics.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use flows::{Database, settle};
use inbound::{PurgePosition, Purged, RetentionPolicy};
use kernel::Clock;

use serde_json::json;

use crate::kit::app::{PASSWORD, Settings, TestApp, metrics};
use crate::kit::database;
use crate::kit::meta::text;
use crate::kit::wait;

async fn purge(app: &TestApp, limit: i64) -> Purged {
    let mut tx = app.postgres.intake().await.unwrap();
    let outcome = tx.purge(RetentionPolicy::default(), app.clock.now(), PurgePosition::START, limit).await;
    Purged { next: None, ..settle(tx, outcome).await.unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn purge_deletes_finished_events_only() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let first = number.delivery(&[text("15550100", "one")]);
    app.deliver(&first).await.expect(200);
    app.deliver(&number.delivery(&[text("15550100", "two"), text("15550100", "three")])).await.expect(200);
    app.wait_until_processed().await;
    let dead =
        "UPDATE webhook_events SET status = 'dead_letter' WHERE id = (SELECT max(id::text)::uuid FROM webhook_events)";
    app.database.admin().await.batch_execute(dead).await.unwrap();

    let rows = async |table: &str| app.database.count(&format!("SELECT count(*) FROM {table}")).await;
    assert_eq!(purge(&app, 100).await, Purged::default());

    app.clock.advance(TimeDelta::days(31));
    assert_eq!(purge(&app, 1).await, Purged { payloads: 1, ..Purged::default() }, "in batches");
    assert_eq!(purge(&app, 100).await, Purged { payloads: 1, ..Purged::default() });
    assert_eq!(rows("webhook_payloads").await, 1, "a dead letter can still be replayed");
    assert_eq!(rows("webhook_events").await, 3);
    // The dedupe key is still stored with the event.
    app.deliver(&first).await.expect(200);
    assert_eq!(rows("webhook_events").await, 3);

    app.clock.advance(TimeDelta::days(60));
    assert_eq!(purge(&app, 100).await, Purged { events: 2, ..Purged::default() });
    assert_eq!((rows("webhook_events").await, rows("webhook_payloads").await), (1, 1));
    app.clock.advance(TimeDelta::days(90));
    assert_eq!(purge(&app, 100).await, Purged { events: 1, ..Purged::default() }, "a dead letter of 181 days");
    assert_eq!((rows("webhook_events").await, rows("webhook_payloads").await), (0, 0));
    assert_eq!(rows("messages").await, 3, "the CRM forgets nothing");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotent_responses_are_purged_after_a_day() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    for key in ["one", "two"] {
        let body = json!({"email": format!("{key}@example.com"), "password": PASSWORD});
        tenant.client.with("idempotency-key", key).post("/users", &body).await.json(201);
    }
    let purge = async |limit: i64| {
        let mut tx = app.postgres.operator().await.unwrap();
        let outcome = tx.purge_stored_responses(app.clock.now() - flows::RESPONSE_RETENTION, limit).await;
        settle(tx, outcome).await.unwrap()
    };
    app.clock.advance(TimeDelta::hours(24));
    assert_eq!(purge(100).await, 0);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!((purge(1).await, purge(100).await, purge(100).await), (1, 1, 0), "in batches");
    let mut platform = app.database.as_platform().await;
    let read = database::count(&mut platform, "SELECT count(*) FROM idempotency_keys").await;
    assert!(read.unwrap_err().to_string().contains("permission denied"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_start_purges_expired_responses() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    for key in ["old", "new"] {
        let body = json!({"key": key, "name": key});
        tenant.client.with("idempotency-key", key).post("/roles", &body).await.expect(201);
    }
    let age = "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE key = 'old'";
    app.execute_for(&tenant, age).await;
    let other = app.start_another(Settings { pipeline: true, ..Settings::default() }).await;
    let kept = |key: &str| format!("SELECT count(*) FROM idempotency_keys WHERE key = '{key}'");
    wait::until("the expired response to be purged", async || {
        (app.database.count(&kept("old")).await == 0).then_some(())
    })
    .await;
    assert_eq!(app.database.count(&kept("new")).await, 1);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_metrics_are_exported() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    for name in [
        r#"parley_events_waiting{status="received"}"#,
        r#"parley_events_waiting{status="unroutable"}"#,
        r#"parley_events_oldest_waiting_seconds{status="retrying"}"#,
        "parley_events_dead_letter",
        r#"parley_queue_messages{queue="inbound"}"#,
        r#"parley_queue_consumers{queue="dead"}"#,
    ] {
        wait::until(name, async || metrics().contains(name).then_some(())).await;
    }
    app.finish().await;
}
