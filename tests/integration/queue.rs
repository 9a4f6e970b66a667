//! The broker may come and go: it carries nothing that is not in the ledger.

use crate::kit::app::{Broker, Settings, TestApp};
use crate::kit::broker;
use crate::kit::meta::text;

#[tokio::test(flavor = "multi_thread")]
async fn queues_that_were_deleted_are_declared_again_and_nothing_is_lost() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "before")])).await.expect(200);
    app.settled().await;

    broker::delete(&app.namespace).await;
    app.deliver(&number.delivery(&[text("15550100", "after")])).await.expect(200);
    app.settled().await;
    let conversation = tenant.conversations().await.remove(0);
    assert_eq!(conversation["last_message_preview"], "after");
    assert_eq!(tenant.messages(&conversation).await.len(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_broker_is_away_deliveries_are_accepted_and_kept() {
    let app = TestApp::start_with(Settings { pipeline: true, broker: Broker::Away, ..Settings::default() }).await;
    let number = app.tenant().await.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "kept")])).await.expect(200);
    let due =
        "SELECT count(*) FROM webhook_outbox o JOIN webhook_events e ON e.id = o.event_id WHERE e.status = 'received'";
    assert_eq!(app.database.count(due).await, 1);
    let problem = app.client.get("/readyz").await.problem(503, "not_ready");
    assert_eq!(problem["checks"]["database"], "ok");
    assert_ne!(problem["checks"]["broker"], "ok");
    app.finish_unprocessed().await;
}
