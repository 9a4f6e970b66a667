//! Deleted and misdeclared queues.

use crate::kit::fault_setup::{FaultSetup, RECOVERY_LIMIT};
use crate::kit::reconciliation;
use crate::kit::{broker, wait};

/// I2, I3: the queue is declared again, and its events are republished.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn deleted_work_queue_is_restored() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    for _ in 0..3 {
        setup.sender.wait_for_more(30).await;
        broker::delete_queue(&setup.deployment.namespace, "inbound.v1").await;
    }
    setup.sender.wait_for_more(30).await;
    flow.stop().await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// I5: dead letters are listed from the table; nothing is missing without the queue, and the queue is declared again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn deleted_dead_letter_queue_is_restored() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    setup.sender.burst(10).await;
    broker::delete_queue(&setup.deployment.namespace, "dead.v1").await;
    // A message without sender and with an invalid time cannot be processed.
    let mut nonsense = crate::kit::meta::text("", "");
    nonsense.as_object_mut().unwrap().remove("id");
    let body = setup.number.delivery(&[nonsense]).to_string().into_bytes();
    assert!(setup.sender.post_unrecorded(&body).await);
    setup.sender.burst(10).await;
    reconciliation::wait_until_settled(&setup.deployment.database, RECOVERY_LIMIT).await;
    assert_eq!(setup.events("status = 'dead_letter' AND error_class = 'permanent'").await, 1);
    assert_eq!(setup.events("status = 'processed'").await, 20);

    let broker = broker::broker(&setup.deployment.namespace).await;
    wait::within(RECOVERY_LIMIT, "the recorder to consume again", async || {
        use inbound::QueueInspector as _;
        let queues = broker.publisher().queues().await.ok()?;
        queues.iter().any(|queue| queue.queue == "dead" && queue.consumers > 0 && queue.messages == 0).then_some(())
    })
    .await;
    setup.shut_down([server]).await;
}

/// A queue with other arguments must not be used: the start fails and names the queue.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn queue_with_other_arguments_prevents_start() {
    let setup = FaultSetup::new().await;
    let namespace = &setup.deployment.namespace;
    broker::replace_work_queue(namespace).await;
    let queue = format!("{namespace}.inbound.v1");

    let mut server = setup.deployment.spawn("relay,worker", &[]).await;
    wait::within(RECOVERY_LIMIT, "the start to fail", async || server.has_ended().then_some(())).await;
    let log = server.log().iter().filter_map(|line| line.as_str()).collect::<String>();
    assert!(log.contains(&queue) && log.contains("other arguments"), "{log:?}");
    assert!(!server.exit().await.success());
    broker::remove_replaced_queue(namespace).await;
    setup.shut_down([]).await;
}
