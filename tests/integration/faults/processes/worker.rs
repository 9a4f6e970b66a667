//! The worker dies, or cannot do what it is told.

use crate::kit::reckoning;
use crate::kit::stage::{HEALED, Stage};
use crate::kit::wait;

/// I2, I3: what was begun and not committed is done again from the beginning.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed_before_commit() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay").await;
    stage.send_to(&[&server]);
    stage.sender.burst(30).await;
    let worker = stage.serve_armed("worker", "worker.before_commit=return").await;
    assert!(!worker.exit().await.success());
    assert_eq!(stage.count("SELECT count(*) FROM messages").await, 0);

    let worker = stage.serve_as("worker").await;
    stage.settle(0).await;
    stage.strike([server, worker]).await;
}

/// I2, I6: what was committed and not acknowledged is delivered again, and left as it is.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed_between_commit_and_acknowledgement() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay").await;
    stage.send_to(&[&server]);
    stage.sender.burst(30).await;
    wait::until("everything to be in the queue", async || (stage.waiting().await == 30).then_some(())).await;
    let worker = stage.serve_armed("worker", "worker.committed=return").await;
    assert!(!worker.exit().await.success());
    let committed = stage.events("status = 'processed'").await;
    assert!(committed > 0);

    let worker = stage.serve_as("worker").await;
    stage.settle(0).await;
    wait::until("the queue to be empty", async || (stage.waiting().await == 0).then_some(())).await;
    stage.agree(0).await;
    stage.strike([server, worker]).await;
}

/// I3, I5: an event that kills every worker which begins it is found out and becomes a dead letter; its neighbours, which
/// each crash throws back with it, are processed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn a_crash_loop_on_one_event() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay").await;
    stage.send_to(&[&server]);
    let poison = stage.sender.delivery_of(&["swallow this"]);
    stage.sender.deliver(0, poison).await;
    stage.sender.burst(49).await;
    wait::until("everything to be in the queue", async || (stage.waiting().await == 50).then_some(())).await;

    let armed = async || stage.serve_armed("worker", "worker.poison=return(swallow this)").await;
    let (mut worker, mut deaths) = (armed().await, 0);
    wait::within(HEALED, "the ledger to be empty", async || {
        if worker.has_ended() {
            deaths += 1;
            worker = armed().await;
        }
        (stage.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
    })
    .await;
    // Once in company, then alone as often as it takes to be sure.
    assert!((4..=6).contains(&deaths), "{deaths}");
    assert_eq!(stage.events("status = 'dead_letter' AND error_class = 'poison' AND starts = 4").await, 1);
    stage.agree(1).await;
    stage.strike([server, worker]).await;
}

/// I5: of fifty events that are processed together one fails. It alone is tried again, later and later, and after the last
/// attempt it is a dead letter.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn one_of_fifty_fails_each_time() {
    let mut stage = Stage::set_with(|deployment| {
        deployment.with("PARLEY_RETRY_MAX_ATTEMPTS", "3").with("PARLEY_RETRY_FIRST_DELAY_SECONDS", "1")
    })
    .await;
    let server = stage.serve_armed("api,relay,worker", "worker.fail=return(cannot be done)").await;
    stage.send_to(&[&server]);
    let mut texts = vec!["can be done"; 50];
    texts[31] = "cannot be done";
    let body = stage.sender.delivery_of(&texts);
    stage.sender.deliver(0, body).await;
    wait::until("the neighbours to be processed", async || {
        (stage.events("status = 'processed' AND attempts = 0").await == 49).then_some(())
    })
    .await;
    assert_eq!(stage.events("status IN ('received', 'retrying')").await, 1, "it has attempts left");

    stage.settle(1).await;
    let dead = "status = 'dead_letter' AND attempts = 3 AND error_class = 'transient'";
    assert_eq!(stage.events(dead).await, 1);
    assert_eq!(stage.events("attempts > 0").await, 1);
    let retries = server.metric(r#"parley_event_retries_total{kind="message",reason="transient"}"#).await;
    assert!((retries - 2.0).abs() < f64::EPSILON, "{retries}");
    stage.strike([server]).await;
}

/// I5: what belongs to a tenant that is no more is given up at once: no attempt would help.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn the_tenant_was_deleted() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay").await;
    stage.send_to(&[&server]);
    stage.sender.burst(5).await;
    stage.execute("DELETE FROM whatsapp_accounts; DELETE FROM tenants").await;
    let worker = stage.serve_as("worker").await;
    reckoning::settled(&stage.deployment.database, HEALED).await;
    let given_up = "status = 'dead_letter' AND error_class = 'permanent' AND attempts = 1";
    assert_eq!(stage.events(given_up).await, 5);
    stage.strike([server, worker]).await;
}
