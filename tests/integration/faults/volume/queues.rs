//! Queues are deleted while they are full.

use crate::kit::fault_setup::{FaultSetup, RECOVERY_LIMIT};
use crate::kit::{broker, wait};

/// I2, I3: a queue with ten thousand events is deleted; the ledger has all of them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn deleted_queues_lose_none_of_10_000_events() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay").await;
    setup.send_to(&[&server]);
    for _ in 0..20 {
        let body = setup.sender.delivery(500);
        setup.sender.deliver(0, body).await;
    }
    // All others wait in the ledger.
    wait::within(RECOVERY_LIMIT, "the tenant's window to be queued", async || {
        (setup.ready_messages().await >= 1_500).then_some(())
    })
    .await;
    broker::delete(&setup.deployment.namespace).await;

    let workers = [setup.serve_as("worker").await, setup.serve_as("worker").await];
    setup.settle(0).await;
    let [first, second] = workers;
    setup.shut_down([server, first, second]).await;
}
