//! Much is in the queues when they go.

use crate::kit::stage::{HEALED, Stage};
use crate::kit::{broker, wait};

/// I2, I3: ten thousand events are in the queue, and the queue is gone. The ledger has them all.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn all_queues_are_deleted_with_ten_thousand_events() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay").await;
    stage.send_to(&[&server]);
    for _ in 0..20 {
        let body = stage.sender.delivery(500);
        stage.sender.deliver(0, body).await;
    }
    wait::within(HEALED, "everything to be in the queue", async || (stage.waiting().await == 10_000).then_some(()))
        .await;
    broker::delete(&stage.deployment.namespace).await;

    let workers = [stage.serve_as("worker").await, stage.serve_as("worker").await];
    stage.settle(0).await;
    let [first, second] = workers;
    stage.strike([server, first, second]).await;
}
