//! Faults of the API process: kills, overload, and failing statements.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::Value;

use crate::kit::fault_setup::FaultSetup;
use crate::kit::wait;

/// I1: a delivery that was committed but not answered is sent again by Meta and stored once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn kill_between_commit_and_response_stores_once() {
    let mut setup = FaultSetup::new().await;
    let api = setup.serve_armed("api", "accept.committed=return").await;
    setup.send_to(&[&api]);
    let body = setup.sender.delivery(3);
    assert!(!setup.sender.post(0, &body).await, "the process was killed before it answered");
    assert!(!api.exit().await.success());
    assert_eq!(setup.events("status = 'received'").await, 3, "the delivery was committed");

    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    setup.sender.deliver(0, body).await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// I1, I3: an answered delivery does not depend on the process that answered it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn kill_between_response_and_relay_wake_loses_nothing() {
    let mut setup = FaultSetup::new().await;
    let api = setup.serve_armed("api", "accept.answered=sleep(600000)").await;
    setup.send_to(&[&api]);
    let body = setup.sender.delivery(3);
    assert!(setup.sender.post(0, &body).await, "the response does not wait for the relay");
    api.kill().await;

    let server = setup.serve_as("relay,worker").await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// I1, I2: a delivery sent a thousand times in parallel to two processes is stored once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn thousand_concurrent_duplicates_store_one_event() {
    let mut setup = FaultSetup::new().await;
    let servers = [setup.serve_as("api,relay,worker").await, setup.serve_as("api,relay,worker").await];
    setup.send_to(&[&servers[0], &servers[1]]);
    let body = setup.sender.delivery(1);
    join_all((0..1_000).map(|turn| setup.sender.deliver(turn, body.clone()))).await;
    assert_eq!(setup.events("true").await, 1);
    setup.settle(0).await;
    setup.shut_down(servers).await;
}

/// I1, I2: how messages are grouped into deliveries makes no difference.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn regrouped_deliveries_store_each_message_once() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    for _ in 0..10 {
        let all: Value = serde_json::from_slice(&setup.sender.delivery(3)).unwrap();
        let messages = all["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap();
        let groups = [vec![0, 1], vec![1, 2], vec![2, 0], vec![2, 1, 0], vec![1]];
        let bodies = groups.iter().map(|group| {
            let group: Vec<Value> = group.iter().map(|n| messages[*n].clone()).collect();
            setup.number.delivery(&group).to_string().into_bytes()
        });
        join_all(bodies.map(|body| setup.sender.deliver(0, body))).await;
    }
    assert_eq!(setup.events("true").await, 30);
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// I1: the database refuses one of 256 rows that are stored together. Its delivery is answered 503; the others are
/// stored.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn one_failing_row_does_not_fail_its_batch() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let body = setup.sender.delivery(256);
    let bad = setup.sender.journal().sent.keys().nth(100).unwrap().clone();
    let refuse = format!("ALTER TABLE webhook_events ADD CONSTRAINT refused CHECK (dedupe_key NOT LIKE '%{bad}')");
    setup.execute(&refuse).await;

    let (refused, neighbours) = tokio::join!(setup.sender.post(0, &body), async {
        let bodies: Vec<_> = (0..50).map(|_| setup.sender.delivery(1)).collect();
        join_all(bodies.iter().map(|body| setup.sender.post(0, body))).await
    });
    assert!(!refused, "a partly stored delivery is not answered 200");
    assert!(neighbours.iter().all(|accepted| *accepted), "{:?}", setup.sender.journal());
    assert_eq!(setup.events("true").await, 255 + 50);

    setup.execute("ALTER TABLE webhook_events DROP CONSTRAINT refused").await;
    setup.sender.deliver(0, body).await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// I1, I3, I5: while all connections are in use, deliveries wait or are answered 503, and no event counts a failure.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn exhausted_pools_answer_503_then_recover() {
    let mut setup = FaultSetup::with(|deployment| {
        deployment
            .with("PARLEY_DATABASE_INTAKE_CONNECTIONS", "1")
            .with("PARLEY_DATABASE_TENANT_CONNECTIONS", "1")
            .with("PARLEY_DATABASE_PLATFORM_CONNECTIONS", "1")
    })
    .await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(40);
    setup.sender.wait_for_more(40).await;

    // Flusher or relay, whichever has the connection when the table is locked, keeps it; the other waits until its pool
    // timeout, which is shorter than the lock timeout. The flusher then answers its deliveries 503.
    let mut holder = setup.deployment.database.admin().await;
    holder.batch_execute("BEGIN; LOCK TABLE webhook_outbox IN ACCESS EXCLUSIVE MODE").await.unwrap();
    wait::within(Duration::from_secs(10), "the pool timeout", async || {
        let waited = server.metric(r#"parley_db_pool_wait_seconds_sum{pool="intake"}"#).await;
        (waited > 4.0).then_some(())
    })
    .await;
    holder.batch_execute("COMMIT").await.unwrap();

    setup.sender.wait_for_more(40).await;
    flow.stop().await;
    setup.settle(0).await;
    assert_eq!(setup.events("attempts > 0").await, 0);
    setup.shut_down([server]).await;
}

/// I1: accepting needs only the database. Readiness reports that the broker is unreachable and that requests are
/// accepted.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn api_without_broker_is_ready() {
    let mut setup = FaultSetup::new().await;
    let api = setup.deployment.serve_with("api", &[("PARLEY_AMQP_URL", "amqp://127.0.0.1:1/%2f")]).await;
    setup.send_to(&[&api]);
    assert!(setup.sender.post(0, &setup.sender.delivery(1)).await);
    wait::within(Duration::from_secs(10), "the API to be ready", async || {
        let answer = api.client.get("/readyz").await;
        (answer.status == 200).then(|| assert!(answer.text.contains("cannot be reached"), "{}", answer.text))
    })
    .await;

    let server = setup.serve_as("relay,worker").await;
    setup.settle(0).await;
    setup.shut_down([api, server]).await;
}
