//! The relay dies, or the broker cannot route what it publishes.

use crate::kit::{broker, stage::Stage, wait};

/// I2, I3: what was published and not written down is published once more, and processed once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed_between_publish_and_ledger() {
    let mut stage = Stage::set().await;
    let api = stage.serve_as("api").await;
    stage.send_to(&[&api]);
    stage.sender.burst(20).await;
    let relay = stage.serve_armed("relay", "relay.published=return").await;
    assert!(!relay.exit().await.success());
    assert_eq!(stage.waiting().await, 20, "it was published");
    assert_eq!(stage.count("SELECT count(*) FROM webhook_outbox WHERE publish_count > 0").await, 0);

    let relay = stage.serve_as("relay").await;
    wait::until("everything to be published again", async || {
        (stage.count("SELECT count(*) FROM webhook_outbox WHERE publish_count = 0").await == 0).then_some(())
    })
    .await;
    assert_eq!(stage.waiting().await, 40);
    let worker = stage.serve_as("worker").await;
    stage.settle(0).await;
    stage.strike([api, relay, worker]).await;
}

/// I3: what no queue takes comes back, and does not count as published.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn published_to_no_queue() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    stage.sender.wait_for_more(50).await;

    broker::unbind_work_queue(&stage.deployment.namespace).await;
    wait::until("something to be returned", async || {
        (server.metric(r#"parley_publish_total{outcome="returned"}"#).await > 0.0).then_some(())
    })
    .await;
    stage.sender.wait_for_more(50).await;
    flow.stop().await;
    stage.settle(0).await;
    stage.strike([server]).await;
}
