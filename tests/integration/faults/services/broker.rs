//! The broker stops, is killed, is unreachable for long, or blocks publishers.

use std::time::{Duration, Instant};

use crate::kit::fault_setup::FaultSetup;
use crate::kit::service_control;
use crate::kit::wait;

/// Makes the broker unavailable under load until this many deliveries were accepted, then restores it.
async fn goes_away(how: &str, fault: Duration) {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    setup.sender.wait_for_more(50).await;
    service_control::run(&format!("rabbitmq {how}")).await;
    let since = Instant::now();
    while since.elapsed() < fault {
        setup.sender.wait_for_more(50).await;
    }
    service_control::run("rabbitmq start").await;
    let back = Instant::now();
    flow.stop().await;
    setup.settle(0).await;
    assert!(back.elapsed() < Duration::from_mins(1), "{:?}", back.elapsed());
    {
        let journal = setup.sender.journal();
        assert_eq!((journal.retry_later, journal.no_response), (0, 0), "every delivery was answered 200 at once");
    }
    assert_eq!(setup.events("attempts > 0").await, 0);
    setup.shut_down([server]).await;
}

/// I1, I3: the broker stops gracefully and restarts.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn broker_restart_loses_nothing() {
    goes_away("stop", Duration::from_secs(3)).await;
}

/// I1, I3: the broker is killed and restarts.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn broker_kill_loses_nothing() {
    goes_away("kill", Duration::from_secs(3)).await;
}

/// I1, I3: the broker is unavailable for two minutes. Every delivery is answered 200 meanwhile, and everything is
/// processed within a minute after its return.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn broker_outage_of_two_minutes_loses_nothing() {
    goes_away("stop", Duration::from_mins(2)).await;
}

/// I1, I3: a memory alarm blocks publishers. The alarm is detected, accepting goes on, and events that were published
/// without confirmation are published again and processed once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn broker_memory_alarm_loses_nothing() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    setup.sender.wait_for_more(50).await;
    service_control::run("rabbitmq ctl set_vm_memory_high_watermark 0").await;
    wait::within(Duration::from_mins(1), "the relay to detect the alarm", async || {
        (server.metric(r#"parley_publish_total{outcome="error"}"#).await > 0.0).then_some(())
    })
    .await;
    setup.sender.wait_for_more(100).await;
    service_control::run("rabbitmq ctl set_vm_memory_high_watermark 0.4").await;
    flow.stop().await;
    setup.settle(0).await;
    {
        let journal = setup.sender.journal();
        assert_eq!((journal.retry_later, journal.no_response), (0, 0), "every delivery was answered 200 at once");
    }
    setup.shut_down([server]).await;
}

/// I2, I3: an operator closes all connections repeatedly.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn broker_connections_closed_are_reopened() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    for _ in 0..3 {
        setup.sender.wait_for_more(50).await;
        service_control::run("rabbitmq ctl close_all_connections fault").await;
    }
    setup.sender.wait_for_more(50).await;
    flow.stop().await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}
