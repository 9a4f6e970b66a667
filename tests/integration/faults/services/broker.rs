//! The broker stops, dies, is away for long, or takes nothing.

use std::time::{Duration, Instant};

use crate::kit::servers;
use crate::kit::stage::Stage;
use crate::kit::wait;

/// Takes the broker away under load for as long as the given deliveries take, and gives it back. Accepting goes on.
async fn goes_away(how: &str, fault: Duration) {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    stage.sender.wait_for_more(50).await;
    servers::ask(&format!("rabbitmq {how}")).await;
    let since = Instant::now();
    while since.elapsed() < fault {
        stage.sender.wait_for_more(50).await;
    }
    servers::ask("rabbitmq start").await;
    let back = Instant::now();
    flow.stop().await;
    stage.settle(0).await;
    assert!(back.elapsed() < Duration::from_mins(1), "{:?}", back.elapsed());
    {
        let journal = stage.sender.journal();
        assert_eq!((journal.put_off, journal.unanswered), (0, 0), "every delivery was answered 200 at once");
    }
    assert_eq!(stage.events("attempts > 0").await, 0);
    stage.strike([server]).await;
}

/// I1, I3: it stops in order, and comes back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn restarted() {
    goes_away("stop", Duration::from_secs(3)).await;
}

/// I1, I3: it is killed, and comes back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed() {
    goes_away("kill", Duration::from_secs(3)).await;
}

/// I1, I3: it is away for two minutes. Every delivery is answered 200 meanwhile, and a minute after its return everything is
/// processed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn away_for_two_minutes() {
    goes_away("stop", Duration::from_mins(2)).await;
}

/// I1, I3: it is short of memory and lets nobody publish. That is noticed, accepting goes on, and what was sent into the
/// silence is published again and processed once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn under_a_memory_alarm() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    stage.sender.wait_for_more(50).await;
    servers::ask("rabbitmq ctl set_vm_memory_high_watermark 0").await;
    wait::within(Duration::from_mins(1), "the relay to notice", async || {
        (server.metric(r#"parley_publish_total{outcome="error"}"#).await > 0.0).then_some(())
    })
    .await;
    stage.sender.wait_for_more(100).await;
    servers::ask("rabbitmq ctl set_vm_memory_high_watermark 0.4").await;
    flow.stop().await;
    stage.settle(0).await;
    {
        let journal = stage.sender.journal();
        assert_eq!((journal.put_off, journal.unanswered), (0, 0), "every delivery was answered 200 at once");
    }
    stage.strike([server]).await;
}

/// I2, I3: an operator closes every connection, again and again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn connections_closed_by_an_operator() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    for _ in 0..3 {
        stage.sender.wait_for_more(50).await;
        servers::ask("rabbitmq ctl close_all_connections fault").await;
    }
    stage.sender.wait_for_more(50).await;
    flow.stop().await;
    stage.settle(0).await;
    stage.strike([server]).await;
}
