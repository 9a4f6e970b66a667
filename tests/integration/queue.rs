//! Broker outages lose nothing: every queued event is in the ledger.

use std::slice;

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use inbound::{DueEvent, EventConsumer, EventPublisher, QueueInspector};
use kernel::ids::EventId;
use kernel::{Clock, SystemClock};
use rabbitmq::Queue;
use tokio::time::timeout;

use crate::kit::app::{BrokerState, Settings, TestApp};
use crate::kit::fault_setup::RECOVERY_LIMIT;
use crate::kit::meta::text;
use crate::kit::{broker, wait};

#[tokio::test(flavor = "multi_thread")]
async fn deleted_queues_are_redeclared_without_loss() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "before")])).await.expect(200);
    app.wait_until_processed().await;

    broker::delete(&app.namespace).await;
    app.deliver(&number.delivery(&[text("15550100", "after")])).await.expect(200);
    app.wait_until_processed().await;
    let conversation = tenant.conversations().await.remove(0);
    assert_eq!(conversation.last_message_preview, "after");
    assert_eq!(tenant.messages(&conversation).await.len(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_accepted_during_broker_outage() {
    let app =
        TestApp::start_with(Settings { pipeline: true, broker: BrokerState::Unreachable, ..Settings::default() }).await;
    let number = app.tenant().await.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "kept")])).await.expect(200);
    let due =
        "SELECT count(*) FROM webhook_outbox o JOIN webhook_events e ON e.id = o.event_id WHERE e.status = 'received'";
    assert_eq!(app.database.count(due).await, 1);
    let problem = app.client.get("/readyz").await.problem(503, "not_ready");
    assert_eq!(problem.checks["database"], "ok");
    assert_ne!(problem.checks["broker"], "ok");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn published_event_missing_from_queue_is_republished() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let number = app.tenant().await.connect().await;
    app.deliver(&number.delivery(&[text("15550100", "done")])).await.expect(200);
    app.wait_until_processed().await;
    // Simulates an event that was published before its queue was purged.
    let lose = "WITH event AS (UPDATE webhook_events SET status = 'received' RETURNING id, tenant_id)
                INSERT INTO webhook_outbox (event_id, tenant_id, publish_count, not_before)
                SELECT id, tenant_id, 1, to_timestamp($) + interval '10 minutes' FROM event";
    let lose = lose.replace('$', &app.clock.now().timestamp().to_string());
    app.database.admin().await.batch_execute(&lose).await.unwrap();
    app.clock.advance(TimeDelta::seconds(15));
    let publisher = broker::broker(&app.namespace).await.publisher();
    assert_eq!(publisher.ready_messages().await.unwrap(), 0);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_outbox WHERE publish_count = 1").await, 1);

    app.clock.advance(TimeDelta::seconds(10));
    app.wait_until_processed().await;
    assert_eq!(app.events("status = 'processed'").await, 1);
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 1);
    app.finish().await;
}

/// RabbitMQ does not notify every consumer that its queue was deleted. Here its notification is lost on the network.
#[tokio::test(flavor = "multi_thread")]
async fn consumer_detects_deleted_queue() {
    let namespace = broker::fresh_namespace();
    let publisher = broker::broker(&namespace).await.publisher();
    assert_eq!(publisher.ready_messages().await.unwrap(), 0);
    let (proxy, behind_proxy) = broker::behind_lossy_proxy(&namespace).await;
    let mut source = behind_proxy.consumer(Queue::Inbound);
    let received = tokio::spawn(async move { source.receive(1).await });
    wait::until("the consumer to be registered", async || {
        let queues = publisher.queues().await.ok()?;
        queues.iter().any(|queue| queue.queue == "inbound" && queue.consumers == 1).then_some(())
    })
    .await;

    proxy.drop_responses(true);
    broker::delete_queue(&namespace, "inbound.v1").await;
    wait::until("the broker's notification to be dropped", async || (proxy.dropped_bytes() > 0).then_some(())).await;
    proxy.drop_responses(false);

    let id = EventId::from_uuid(SystemClock::new().new_id());
    let event = DueEvent { id, tenant: None, attempts: 0, published: 0, traceparent: None };
    wait::until("the event to be queued", async || {
        let answer = publisher.publish(slice::from_ref(&event)).await.ok()?;
        (answer.confirmed == [id]).then_some(())
    })
    .await;
    let deliveries = timeout(RECOVERY_LIMIT, received).await.expect("the consumer resumes").unwrap();
    assert_eq!(deliveries[0].event, id);
    broker::delete(&namespace).await;
}
