//! What is deleted when it is old, and what is measured meanwhile.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use flows::{Database, settle};
use inbound::{Purged, RetentionPolicy};
use kernel::Clock;

use serde_json::json;

use crate::kit::app::{PASSWORD, Settings, TestApp, metrics};
use crate::kit::database;
use crate::kit::meta::text;
use crate::kit::wait;

async fn purge(app: &TestApp, limit: i64) -> Purged {
    let mut tx = app.postgres.intake().await.unwrap();
    let outcome = tx.purge(RetentionPolicy::default(), app.clock.now(), limit).await;
    settle(tx, outcome).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_finished_is_deleted_in_time_and_what_is_not_stays() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let first = number.delivery(&[text("15550100", "one")]);
    app.deliver(&first).await.expect(200);
    app.deliver(&number.delivery(&[text("15550100", "two"), text("15550100", "three")])).await.expect(200);
    app.settled().await;
    let dead =
        "UPDATE webhook_events SET status = 'dead_letter' WHERE id = (SELECT max(id::text)::uuid FROM webhook_events)";
    app.database.admin().await.batch_execute(dead).await.unwrap();

    let rows = async |table: &str| app.database.count(&format!("SELECT count(*) FROM {table}")).await;
    assert_eq!(purge(&app, 100).await, Purged::default());

    app.clock.advance(TimeDelta::days(31));
    assert_eq!(purge(&app, 1).await, Purged { payloads: 1, events: 0 }, "step by step");
    assert_eq!(purge(&app, 100).await, Purged { payloads: 1, events: 0 });
    assert_eq!(rows("webhook_payloads").await, 1, "a dead letter can still be driven again");
    assert_eq!(rows("webhook_events").await, 3);
    // It is known by its event still.
    app.deliver(&first).await.expect(200);
    assert_eq!(rows("webhook_events").await, 3);

    app.clock.advance(TimeDelta::days(60));
    assert_eq!(purge(&app, 100).await, Purged { payloads: 0, events: 2 });
    assert_eq!((rows("webhook_events").await, rows("webhook_payloads").await), (1, 1));
    assert_eq!(rows("messages").await, 3, "the CRM forgets nothing");
    app.finish_with_dead_letters(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_forgotten_after_a_day_by_who_cannot_read_them() {
    let app = TestApp::start_with(Settings { alone: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    for key in ["one", "two"] {
        let body = json!({"email": format!("{key}@example.com"), "password": PASSWORD});
        tenant.client.with("idempotency-key", key).post("/users", &body).await.json(201);
    }
    let purge = async |limit: i64| {
        let mut tx = app.postgres.operator().await.unwrap();
        let outcome = tx.purge_kept_answers(app.clock.now() - flows::ANSWERS_KEPT, limit).await;
        settle(tx, outcome).await.unwrap()
    };
    app.clock.advance(TimeDelta::hours(24));
    assert_eq!(purge(100).await, 0);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!((purge(1).await, purge(100).await, purge(100).await), (1, 1, 0), "step by step");
    let mut platform = app.database.as_platform().await;
    let read = database::count(&mut platform, "SELECT count(*) FROM idempotency_keys").await;
    assert!(read.unwrap_err().to_string().contains("permission denied"));
    app.finish_unprocessed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_measured() {
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
