//! The API dies, is asked for too much, or has to do with a database that is short of something.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::kit::stage::Stage;
use crate::kit::wait;

/// I1: what is committed and not answered comes again from Meta, and is there once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed_after_commit_and_before_the_answer() {
    let mut stage = Stage::set().await;
    let api = stage.serve_armed("api", "accept.committed=return").await;
    stage.send_to(&[&api]);
    let body = stage.sender.delivery(3);
    assert!(!stage.sender.post(0, &body).await, "it died before it could answer");
    assert!(!api.exit().await.success());
    assert_eq!(stage.events("status = 'received'").await, 3, "it was committed");

    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    stage.sender.deliver(0, body).await;
    stage.settle(0).await;
    stage.strike([server]).await;
}

/// I1, I3: what was answered needs nothing more of the process that answered it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed_after_the_answer_and_before_the_nudge() {
    let mut stage = Stage::set().await;
    let api = stage.serve_armed("api", "accept.answered=sleep(600000)").await;
    stage.send_to(&[&api]);
    let body = stage.sender.delivery(3);
    assert!(stage.sender.post(0, &body).await, "the answer waits for no nudge");
    api.kill().await;

    let server = stage.serve_as("relay,worker").await;
    stage.settle(0).await;
    stage.strike([server]).await;
}

/// I1, I2: a delivery that comes a thousand times at once, to two processes, is there once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn the_same_delivery_a_thousand_times_at_once() {
    let mut stage = Stage::set().await;
    let servers = [stage.serve_as("api,relay,worker").await, stage.serve_as("api,relay,worker").await];
    stage.send_to(&[&servers[0], &servers[1]]);
    let body = stage.sender.delivery(1);
    join_all((0..1_000).map(|turn| stage.sender.deliver(turn, body.clone()))).await;
    assert_eq!(stage.events("true").await, 1);
    stage.settle(0).await;
    stage.strike(servers).await;
}

/// I1, I2: how messages are grouped into deliveries makes no difference.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn one_message_in_differently_grouped_deliveries() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    for _ in 0..10 {
        let all: Value = serde_json::from_slice(&stage.sender.delivery(3)).unwrap();
        let messages = all["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap();
        let groups = [vec![0, 1], vec![1, 2], vec![2, 0], vec![2, 1, 0], vec![1]];
        let bodies = groups.iter().map(|group| {
            let group: Vec<Value> = group.iter().map(|n| messages[*n].clone()).collect();
            stage.number.delivery(&group).to_string().into_bytes()
        });
        join_all(bodies.map(|body| stage.sender.deliver(0, body))).await;
    }
    assert_eq!(stage.events("true").await, 30);
    stage.settle(0).await;
    stage.strike([server]).await;
}

/// I1: of 256 rows that are stored together the database refuses one. Whoever brought it is asked to send it again; its
/// neighbours, and who was stored with it, do not notice.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn one_bad_row_in_a_batch_of_256() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let body = stage.sender.delivery(256);
    let bad = stage.sender.journal().sent.keys().nth(100).unwrap().clone();
    let refuse = format!("ALTER TABLE webhook_events ADD CONSTRAINT refused CHECK (dedupe_key NOT LIKE '%{bad}')");
    stage.execute(&refuse).await;

    let (refused, neighbours) = tokio::join!(stage.sender.post(0, &body), async {
        let bodies: Vec<_> = (0..50).map(|_| stage.sender.delivery(1)).collect();
        join_all(bodies.iter().map(|body| stage.sender.post(0, body))).await
    });
    assert!(!refused, "a delivery of which something is missing is not answered 200");
    assert!(neighbours.iter().all(|accepted| *accepted), "{:?}", stage.sender.journal());
    assert_eq!(stage.events("true").await, 255 + 50);

    stage.execute("ALTER TABLE webhook_events DROP CONSTRAINT refused").await;
    stage.sender.deliver(0, body).await;
    stage.settle(0).await;
    stage.strike([server]).await;
}

/// I1, I3, I5: with all connections taken for a while, deliveries wait or are put off, and nothing is counted against an
/// event.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn pools_exhausted() {
    let mut stage = Stage::set_with(|deployment| {
        deployment
            .with("PARLEY_DATABASE_INTAKE_CONNECTIONS", "1")
            .with("PARLEY_DATABASE_TENANT_CONNECTIONS", "1")
            .with("PARLEY_DATABASE_PLATFORM_CONNECTIONS", "1")
    })
    .await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(40);
    stage.sender.wait_for_more(40).await;

    // Longer than anybody waits for a connection, shorter than for a lock.
    let mut hold = stage.deployment.database.admin().await;
    let lock = "BEGIN; LOCK TABLE webhook_outbox IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(8); COMMIT";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut hold, lock).await.unwrap();

    stage.sender.wait_for_more(40).await;
    flow.stop().await;
    stage.settle(0).await;
    assert_eq!(stage.events("attempts > 0").await, 0);
    // Who has the connection when the table is locked keeps it, and the other waits until it gives up: flusher, which puts its
    // deliveries off then, or relay.
    let waited = server.metric(r#"parley_db_pool_wait_seconds_sum{pool="intake"}"#).await;
    assert!(waited > 4.0, "{}", server.metrics().await);
    stage.strike([server]).await;
}

/// I1: accepting needs the database alone. Whoever asks whether the API is ready hears that the broker is away, and that it
/// takes requests.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn an_api_without_a_broker_is_ready() {
    let mut stage = Stage::set().await;
    let api = stage.deployment.serve_with("api", &[("PARLEY_AMQP_URL", "amqp://127.0.0.1:1/%2f")]).await;
    stage.send_to(&[&api]);
    assert!(stage.sender.post(0, &stage.sender.delivery(1)).await);
    wait::within(Duration::from_secs(10), "the API to be ready", async || {
        let answer = api.client.get("/readyz").await;
        (answer.status == 200).then(|| assert!(answer.text.contains("cannot be reached"), "{}", answer.text))
    })
    .await;

    let server = stage.serve_as("relay,worker").await;
    stage.settle(0).await;
    stage.strike([api, server]).await;
}
