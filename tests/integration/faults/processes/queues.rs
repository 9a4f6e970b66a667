//! Queues are deleted, or are not what they should be.

use crate::kit::reckoning;
use crate::kit::stage::{HEALED, Stage};
use crate::kit::{broker, wait};

/// I2, I3: the queue is declared again, and what was in it is published again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn the_work_queue_is_deleted() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    for _ in 0..3 {
        stage.sender.wait_for_more(30).await;
        broker::delete_queue(&stage.deployment.namespace, "inbound.v1").await;
    }
    stage.sender.wait_for_more(30).await;
    flow.stop().await;
    stage.settle(0).await;
    stage.strike([server]).await;
}

/// I5: the list of dead letters is the table; without its queue nothing is missing there, and the queue comes back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn the_dead_letter_queue_is_deleted() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    stage.sender.burst(10).await;
    broker::delete_queue(&stage.deployment.namespace, "dead.v1").await;
    // Nothing can be made of a message that is from nobody and of a time that was never.
    let mut nonsense = crate::kit::meta::text("", "");
    nonsense.as_object_mut().unwrap().remove("id");
    let body = stage.number.delivery(&[nonsense]).to_string().into_bytes();
    assert!(stage.sender.post_anything(&body).await);
    stage.sender.burst(10).await;
    reckoning::settled(&stage.deployment.database, HEALED).await;
    assert_eq!(stage.events("status = 'dead_letter' AND error_class = 'permanent'").await, 1);
    assert_eq!(stage.events("status = 'processed'").await, 20);

    let broker = broker::broker(&stage.deployment.namespace).await;
    wait::within(HEALED, "the recorder to consume again", async || {
        use inbound::QueueInspector as _;
        let queues = broker.publisher().queues().await.ok()?;
        queues.iter().any(|queue| queue.queue == "dead" && queue.consumers > 0 && queue.messages == 0).then_some(())
    })
    .await;
    stage.strike([server]).await;
}

/// A queue that exists with other arguments is not ours to use: whoever starts is told its name, and starts no further.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn a_queue_with_other_arguments_stops_the_start() {
    let stage = Stage::set().await;
    let namespace = &stage.deployment.namespace;
    broker::replace_work_queue(namespace).await;
    let queue = format!("{namespace}.inbound.v1");

    let mut server = stage.deployment.spawn("relay,worker", &[]).await;
    wait::within(HEALED, "the start to fail", async || server.has_ended().then_some(())).await;
    let said = server.log().iter().filter_map(|line| line.as_str()).collect::<String>();
    assert!(said.contains(&queue) && said.contains("other arguments"), "{said:?}");
    assert!(!server.exit().await.success());
    broker::remove_replaced_queue(namespace).await;
    stage.strike([]).await;
}
