//! The worker is killed or fails.

use crate::kit::fault_setup::{FaultSetup, RECOVERY_LIMIT};
use crate::kit::reconciliation;
use crate::kit::wait;

/// I2, I3: an uncommitted batch is processed again from the start.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn worker_killed_before_commit_processes_once() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay").await;
    setup.send_to(&[&server]);
    setup.sender.burst(30).await;
    let worker = setup.serve_armed("worker", "worker.before_commit=return").await;
    assert!(!worker.exit().await.success());
    assert_eq!(setup.count("SELECT count(*) FROM messages").await, 0);

    let worker = setup.serve_as("worker").await;
    setup.settle(0).await;
    setup.shut_down([server, worker]).await;
}

/// I2, I6: a committed but unacknowledged event is redelivered and not processed again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn worker_killed_before_ack_processes_once() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay").await;
    setup.send_to(&[&server]);
    setup.sender.burst(30).await;
    wait::until("all events to be queued", async || (setup.ready_messages().await == 30).then_some(())).await;
    let worker = setup.serve_armed("worker", "worker.committed=return").await;
    assert!(!worker.exit().await.success());
    let committed = setup.events("status = 'processed'").await;
    assert!(committed > 0);

    let worker = setup.serve_as("worker").await;
    setup.settle(0).await;
    wait::until("the queue to be empty", async || (setup.ready_messages().await == 0).then_some(())).await;
    setup.assert_consistent(0).await;
    setup.shut_down([server, worker]).await;
}

/// I3, I5: an event that crashes every worker is detected and becomes a dead letter; the other events of its batch are
/// processed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn event_that_crashes_worker_is_dead_lettered() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay").await;
    setup.send_to(&[&server]);
    let poison = setup.sender.delivery_of(&["swallow this"]);
    setup.sender.deliver(0, poison).await;
    setup.sender.burst(49).await;
    wait::until("all events to be queued", async || (setup.ready_messages().await == 50).then_some(())).await;

    let armed = async || setup.serve_armed("worker", "worker.poison=return(swallow this)").await;
    let (mut worker, mut deaths) = (armed().await, 0);
    wait::within(RECOVERY_LIMIT, "the ledger to be empty", async || {
        if worker.has_ended() {
            deaths += 1;
            worker = armed().await;
        }
        (setup.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
    })
    .await;
    // Once in a batch, then alone until it is confirmed as the cause.
    assert!((4..=6).contains(&deaths), "{deaths}");
    assert_eq!(setup.events("status = 'dead_letter' AND error_class = 'poison' AND starts = 4").await, 1);
    setup.assert_consistent(1).await;
    setup.shut_down([server, worker]).await;
}

/// I3, I5: the workers die more often than the broker delivers a message. It gives up on all of them, but only those that
/// killed their workers become dead letters.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn events_beside_many_that_crash_workers_are_processed() {
    const CRASHING: i64 = 17;
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay").await;
    setup.send_to(&[&server]);
    for _ in 0..CRASHING {
        let poison = setup.sender.delivery_of(&["swallow this"]);
        setup.sender.deliver(0, poison).await;
    }
    setup.sender.burst(40).await;
    let queued = u32::try_from(CRASHING + 40).unwrap();
    wait::until("all events to be queued", async || (setup.ready_messages().await == queued).then_some(())).await;

    let armed = async || setup.serve_armed("worker", "worker.poison=return(swallow this)").await;
    let (mut worker, mut deaths, mut deaths_beside) = (armed().await, 0, 0);
    wait::within(RECOVERY_LIMIT * 4, "the ledger to be empty", async || {
        if worker.has_ended() {
            deaths += 1;
            worker = armed().await;
        }
        if setup.events("status = 'processed'").await < 40 {
            deaths_beside = deaths;
        }
        (setup.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
    })
    .await;
    assert!(deaths > 50, "{deaths}");
    assert!(deaths_beside + 10 < deaths, "{deaths_beside} of {deaths}: the other events do not wait for all of them");
    assert_eq!(setup.events("status = 'dead_letter' AND error_class = 'poison' AND starts = 4").await, CRASHING);
    setup.assert_consistent(CRASHING).await;
    setup.shut_down([server, worker]).await;
}

/// I5: of fifty events in one batch one fails. Only that one is retried, with growing delays, and becomes a dead letter
/// after its last attempt.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn one_failing_event_of_fifty_is_dead_lettered() {
    let mut setup = FaultSetup::with(|deployment| {
        deployment.with("PARLEY_RETRY_MAX_ATTEMPTS", "3").with("PARLEY_RETRY_FIRST_DELAY_SECONDS", "1")
    })
    .await;
    let server = setup.serve_armed("api,relay,worker", "worker.fail=return(cannot be processed)").await;
    setup.send_to(&[&server]);
    let mut texts = vec!["can be processed"; 50];
    texts[31] = "cannot be processed";
    let body = setup.sender.delivery_of(&texts);
    setup.sender.deliver(0, body).await;
    wait::until("the other events to be processed", async || {
        (setup.events("status = 'processed' AND attempts = 0").await == 49).then_some(())
    })
    .await;
    assert_eq!(setup.events("status IN ('received', 'retrying')").await, 1, "it has attempts left");

    setup.settle(1).await;
    let dead = "status = 'dead_letter' AND attempts = 3 AND error_class = 'transient'";
    assert_eq!(setup.events(dead).await, 1);
    assert_eq!(setup.events("attempts > 0").await, 1);
    let retries = server.metric(r#"parley_event_retries_total{kind="message",reason="transient"}"#).await;
    assert!((retries - 2.0).abs() < f64::EPSILON, "{retries}");
    setup.shut_down([server]).await;
}

/// I5: an event of a deleted tenant becomes a dead letter at once, since no retry can succeed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn event_of_deleted_tenant_is_dead_lettered() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay").await;
    setup.send_to(&[&server]);
    setup.sender.burst(5).await;
    setup.execute("DELETE FROM whatsapp_accounts; DELETE FROM tenants").await;
    let worker = setup.serve_as("worker").await;
    reconciliation::wait_until_settled(&setup.deployment.database, RECOVERY_LIMIT).await;
    let dead_letters = "status = 'dead_letter' AND error_class = 'permanent' AND attempts = 1";
    assert_eq!(setup.events(dead_letters).await, 5);
    setup.shut_down([server, worker]).await;
}
