//! The relay is killed, or the broker cannot route what it publishes.

use crate::kit::{broker, fault_setup::FaultSetup, wait};

/// I2, I3: an event that was published but not marked in the ledger is published again and processed once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn kill_between_publish_and_ledger_loses_nothing() {
    let mut setup = FaultSetup::new().await;
    let api = setup.serve_as("api").await;
    setup.send_to(&[&api]);
    setup.sender.burst(20).await;
    let relay = setup.serve_armed("relay", "relay.published=return").await;
    assert!(!relay.exit().await.success());
    assert_eq!(setup.ready_messages().await, 20, "all events were published");
    assert_eq!(setup.count("SELECT count(*) FROM webhook_outbox WHERE publish_count > 0").await, 0);

    let relay = setup.serve_as("relay").await;
    wait::until("the events to be published again", async || {
        (setup.count("SELECT count(*) FROM webhook_outbox WHERE publish_count = 0").await == 0).then_some(())
    })
    .await;
    assert_eq!(setup.ready_messages().await, 40);
    let worker = setup.serve_as("worker").await;
    setup.settle(0).await;
    setup.shut_down([api, relay, worker]).await;
}

/// I3: an unroutable message is returned and does not count as published.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn unroutable_publish_is_repeated() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    setup.sender.wait_for_more(50).await;

    broker::unbind_work_queue(&setup.deployment.namespace).await;
    wait::until("an unroutable message to be returned", async || {
        (server.metric(r#"parley_publish_total{outcome="returned"}"#).await > 0.0).then_some(())
    })
    .await;
    setup.sender.wait_for_more(50).await;
    flow.stop().await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}
